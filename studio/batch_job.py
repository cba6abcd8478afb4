"""The real batch beside the page: the command `gcolor batch`, run as a user would, its lines read as they come."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..color.errors import UsageError
from ..runtime.files import show
from .folder import Places

MEANINGS = {
    0: "every wanted output exists and is current",
    1: "it ended unexpectedly",
    2: "the call is wrong",
    3: "finished, at least one picture failed",
    4: "nothing matched",
    5: "the bundle or engine is invalid",
    6: "the device or engine that was asked for is not usable",
    130: "cancelled; what was in work is finished, and a rerun makes the rest",
    143: "cancelled; what was in work is finished, and a rerun makes the rest",
}
FAILURES = 1000


@dataclass(slots=True)
class Progress:
    """How far a batch is. exit_code: None while it runs. failures: of pictures by name; more are only counted."""

    total: int
    begun: float = field(default_factory=time.monotonic)
    done: int = 0
    failed: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    stopping: bool = False
    exit_code: int | None = None
    seconds: float = 0.0

    @property
    def json(self) -> dict[str, Any]:
        seconds = self.seconds if self.exit_code is not None else time.monotonic() - self.begun
        rate = self.done / seconds if seconds > 0 else 0.0
        left = (self.total - self.done) / rate if rate and self.exit_code is None else None
        return {
            "total": self.total,
            "done": self.done,
            "failed": self.failed,
            "failures": self.failures,
            "warnings": self.warnings,
            "stopping": self.stopping,
            "rate": rate,
            "left": left,
            "exit": self.exit_code,
            "meaning": None if self.exit_code is None else MEANINGS.get(self.exit_code, "it ended unexpectedly"),
        }


@dataclass(frozen=True, slots=True)
class Looked:
    """What a batch would do. why: for each picture that is not current, by its shown name; error: what forbids it."""

    why: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    error: str = ""


class BatchJob:
    """One batch at a time. options: further options of the command, as the engine's."""

    def __init__(self, places: Places, options: list[str]) -> None:
        self._places, self._options = places, options
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.progress: Progress | None = None

    @property
    def runs(self) -> bool:
        return self.progress is not None and self.progress.exit_code is None

    def look(self) -> Looked:
        """Which pictures are current and which are not, by the journal."""
        done = subprocess.run(self._command("--dry-run", "--json"), capture_output=True, text=True, check=False)
        why = {row["picture"]: row["why"] for row in map(_row, done.stdout.splitlines()) if row and "why" in row}
        said = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]
        if done.returncode not in (0, 3):
            return Looked(error=said[-1] if said else MEANINGS.get(done.returncode, ""))
        return Looked(why, dict(map(_split, said)))

    def start(self) -> None:
        """Raises UsageError where one runs already, or the batch cannot begin."""
        looked = self.look()
        if looked.error:
            raise UsageError(looked.error)
        with self._lock:
            if self.runs:
                raise UsageError("a batch runs already")
            self.progress = Progress(len(looked.why) + len(looked.refused))
            self._process = subprocess.Popen(
                self._command("--json", "--quiet"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                # A Ctrl-C in the terminal is the studio's business, which then drains the batch.
                start_new_session=True,
            )
            pipes = (self._process.stdout, self._read), (self._process.stderr, self._hear)
            self._readers = [threading.Thread(target=read, args=(pipe, self.progress)) for pipe, read in pipes]
            for reader in self._readers:
                reader.start()
            threading.Thread(target=self._end, args=(self._process, self.progress, self._readers)).start()

    def cancel(self) -> None:
        """Let the pictures in work be finished, and no more be taken."""
        with self._lock:
            if self.runs and self._process and self.progress and not self.progress.stopping:
                self.progress.stopping = True
                self._process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """Cancel, and wait for the end."""
        self.cancel()
        if self._process:
            self._process.wait()

    def _command(self, *more: str) -> list[str]:
        places = self._places
        hints = ["--hints", str(places.hints)] if places.hints.is_dir() else []
        return [
            *(sys.executable, "-m", "gcolor", "batch", *self._options, *hints, *more, "-o", str(places.output)),
            *("--", str(places.images)),
        ]

    @staticmethod
    def _read(pipe: IO[str], progress: Progress) -> None:
        for line in pipe:
            row = _row(line)
            if row and "summary" not in row:
                progress.done += 1
                if row.get("status") == "failed":
                    progress.failed += 1
                    if len(progress.failures) < FAILURES:
                        progress.failures[str(row.get("picture"))] = str(row.get("error"))

    @staticmethod
    def _hear(pipe: IO[str], progress: Progress) -> None:
        for line in pipe:
            kind, _, sentence = line.strip().partition(": ")
            about_one = any(sentence.startswith(f"{name}: ") for name in progress.failures)
            if kind in ("warning", "error") and not about_one and len(progress.warnings) < 20:
                progress.warnings.append(sentence)

    @staticmethod
    def _end(process: subprocess.Popen[str], progress: Progress, readers: list[threading.Thread]) -> None:
        code = process.wait()
        for reader in readers:
            reader.join()
        with contextlib.suppress(OSError):
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        progress.seconds = time.monotonic() - progress.begun
        progress.exit_code = code if code >= 0 else 128 - code


def _row(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _split(sentence: str) -> tuple[str, str]:
    name, _, wrong = sentence.partition(": ")
    return name, wrong


def shown(name: str | Path) -> str:
    """What the batch calls a picture in its lines."""
    return show(name)
