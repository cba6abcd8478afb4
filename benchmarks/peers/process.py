"""Each contestant in a process of its own, opened once, then asked over a pipe: imports and memory are its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from peers.contestants import (
    Contestant,
    bare_limit,
    export_network,
    gcolor_batch,
    onnx_unfused,
    own_limit,
    plain_loop,
    siggraph17,
)
from peers.stages import measure_stages


def open_contestant(kind: str, path: Path | None, workers: int) -> Contestant:
    """path: the bundle of "gcolor", the exported network of "unfused"."""
    match kind:
        case "gcolor":
            return gcolor_batch(path)
        case "plain loop":
            return plain_loop()
        case "SIGGRAPH17":
            return siggraph17()
        case "unfused":
            assert path
            return onnx_unfused(path)
        case "limit":
            return own_limit(workers)
        case "bare limit":
            return bare_limit(workers)
    raise ValueError(f"no contestant {kind!r}")


def serve(kind: str, path: Path | None, workers: int) -> None:
    """The process of one contestant: a JSON line in, the work, a JSON line out, until the input ends."""
    if kind == "export":
        assert path
        export_network(path)
        return
    contestant = None if kind == "stages" else open_contestant(kind, path, workers)
    _say({"about": contestant.about, **contestant.facts} if contestant else {})
    for line in sys.stdin:
        order = json.loads(line)
        files, out, quality = [Path(name) for name in order["files"]], Path(order["out"]), order["quality"]
        if contestant is None:
            _say(measure_stages(files, out, quality))
            continue
        begun, cpu = time.perf_counter(), time.process_time()
        contestant.color(files, out, quality)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        _say({"seconds": seconds, "cpu_seconds": cpu, "peak_memory_mb": peak_memory_mb()})


def peak_memory_mb() -> float:
    """The largest resident memory of this process so far; Linux's own mark where there is one."""
    try:
        line = next(s for s in Path("/proc/self/status").read_text().splitlines() if s.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def _say(answer: dict[str, Any]) -> None:
    # Libraries may print, too; a line of ours begins with a mark.
    print("\x1e" + json.dumps(answer), flush=True)


class Process:
    """The parent's end of a contestant."""

    def __init__(self, script: Path, kind: str, path: Path | None, out: Path) -> None:
        command = [sys.executable, str(script), "--contestant", kind, *(["--path", str(path)] if path else [])]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._kind, self._out = kind, out
        out.mkdir()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("\x1e"):
                found: dict[str, Any] = json.loads(line[1:])
                return found
        raise SystemExit(f"error: the process of {self._kind!r} ended early, see above")

    def color(self, files: list[Path], quality: int) -> dict[str, Any]:
        """Color the files; what the process measured."""
        assert self._process.stdin
        order = {"files": [str(path) for path in files], "out": str(self._out), "quality": quality}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def output(self, source: Path) -> Path:
        """Where the picture made of `source` lies."""
        return self._out / source.name

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin
        if error is not None:
            self._process.kill()
        self._process.stdin.close()
        self._process.wait()
