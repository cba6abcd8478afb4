"""One engine of `gcolor bench`, alone in a process so that its memory can be told: it works when it is asked.

Requests come as lines of JSON on stdin, {"do": name, ...}; each is answered by one line on stdout, {"error": ...,
"exit_code": ...} where it failed. The process ends when stdin does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...color.errors import GcolorError, one_line
from ...color.lab import Bytes
from ..colorizer import Colorizer
from ..grid import WHOLE, choose_grid
from ..machine import gpu_memory_mb, peak_memory_mb
from ..manifest import MODEL, PAINT
from ..memory import keep_freed_memory
from .scenes import scene
from .stages import StageClock

Answer = dict[str, Any]


class Worker:
    """The colorizer that is measured. Every public method answers one kind of request."""

    def __init__(self) -> None:
        self._colorizer: Colorizer
        self._stages: StageClock | None = None
        self._pictures: dict[tuple[int, int], list[Bytes]] = {}
        self._gpu_before: float | None = None

    def open(self, bundle: str | None, backend: str, device: str, threads: int) -> Answer:
        """Open the engine; load_ms is the import of its library, the check of the bundle and the engine itself."""
        keep_freed_memory()
        cv2.setNumThreads(threads)
        self._gpu_before = gpu_memory_mb() if device != "cpu" else None
        begun = time.perf_counter()
        self._colorizer = Colorizer(bundle, device, threads, backend)
        load = time.perf_counter() - begun
        engine = self._colorizer.engine
        return {
            "device": engine.device,
            "about": engine.about,
            "load_ms": load * 1e3,
            "build_s": self._build_seconds() if backend.startswith("trt") else None,
        }

    def prepare(self, size: int, batch: int) -> Answer:
        """Color a configuration for the first time; memory is what was needed up to here, pictures included."""
        self._pictures[size, batch] = [scene(size, size, number) for number in range(batch)]
        first = self._call(self._pictures[size, batch])
        gpu = gpu_memory_mb() if self._gpu_before is not None else None
        return {
            "first_call_ms": first * 1e3,
            "peak_memory_mb": peak_memory_mb(),
            "gpu_memory_mb": None if gpu is None or self._gpu_before is None else gpu - self._gpu_before,
        }

    def measure(self, size: int, batch: int, seconds: float, runs: int | None) -> Answer:
        """Milliseconds of each call: `runs` of them, or as many as fit into so many seconds, at least one."""
        pictures = self._pictures[size, batch]
        # The others had the caches since the last turn, and their threads may still be spinning.
        self._call(pictures)
        found: list[float] = []
        while len(found) < runs if runs else not found or sum(found) < seconds:
            found.append(self._call(pictures))
        return {"calls_ms": [1e3 * call for call in found]}

    def color(self, source: str, target: str) -> Answer:
        """Color the pictures of an .npz (rgb0, hints0, rgb1, …) into another (colored0, ab0, …), each as a whole."""
        made: dict[str, Any] = {}
        with np.load(source) as given:
            for number in range(len(given.files) // 2):
                colored, ab = self._colorizer.engine.color(given[f"rgb{number}"][None], given[f"hints{number}"][None])
                made |= {f"colored{number}": colored[0], f"ab{number}": ab[0]}
        np.savez(target, **made)
        return {}

    def stages(self, source: str, folder: str, runs: int) -> Answer:
        """Color a picture file so often, and note how long each stage took."""
        if self._stages is None:
            self._stages = StageClock(self._colorizer, Path(folder))
        for _ in range(runs):
            self._stages.run(Path(source))
        return {}

    def stage_times(self) -> Answer:
        """What was noted, by file name; the last request."""
        assert self._stages is not None
        times = self._stages.times()
        return {"times": times, "reason": self._stages.reason}

    def _call(self, pictures: list[Bytes]) -> float:
        """Seconds of one call, as `gcolor batch` makes it.

        One picture goes through the colorizer. Several are one batch of the fused graph where it takes them whole;
        larger ones follow each other.
        """
        colorizer = self._colorizer
        height, width = pictures[0].shape[:2]
        whole = len(pictures) > 1 and height * width <= WHOLE
        stack = np.stack(pictures) if whole else None
        hints = np.zeros((len(pictures), *choose_grid(height, width), 4), np.uint8)
        begun = time.perf_counter()
        if stack is not None:
            colorizer.engine.color(stack, hints)
        else:
            for picture in pictures:
                colorizer.set_image(picture)
                colorizer.color()
        return time.perf_counter() - begun

    def _build_seconds(self) -> float | None:
        """What building the bundle's TensorRT engines took, as their keys have it."""
        from ..engines.trt_key import engine_path

        try:
            paths = [engine_path(self._colorizer.bundle, graph).with_suffix(".json") for graph in (MODEL, PAINT)]
            return sum(float(json.loads(path.read_bytes())["seconds"]) for path in paths)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def serve() -> None:
    """Answer requests until stdin ends."""
    # Ctrl-C is for the parent, which closes our stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints goes to stderr; stdout is for answers alone.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        work: Callable[..., Answer] = getattr(worker, request.pop("do"))
        try:
            answer = work(**request)
        except GcolorError as error:
            answer = {"error": str(error), "exit_code": error.exit_code}
        except Exception as error:  # one configuration fails, the others go on
            answer = {"error": f"unexpected {type(error).__name__}: {one_line(error)}", "exit_code": 1}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()
