"""The other end of `worker`: starts one, asks it, ends it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Any, Self

from ...color.errors import GcolorError


class WorkerError(GcolorError):
    """What a worker answered in place of a result; `exit_code` is the one of its error."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class WorkerProcess:
    """A worker in a process of its own; as a context, ended at the end whatever it was doing."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        # -P: a folder of photos may hold a file that is named like a library.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, do: str, **given: object) -> dict[str, Any]:
        """One request and its answer. Raises WorkerError with what went wrong, also where the process has died."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        line = ""
        # A dead process shows by its silence.
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({"do": do, **given}), file=stdin, flush=True)
            line = stdout.readline()
        if not line:
            code = self._process.wait()
            how = "was killed, for want of memory perhaps" if code == -9 else f"ended with {code}: {self._last_words()}"
            raise WorkerError(f"the engine's process {how}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"], answer["exit_code"])
        return answer

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
