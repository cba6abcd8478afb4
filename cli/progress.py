"""Progress on stderr: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self


class Progress:
    """Counts pictures. `step` says what became of one; `say` prints a line beside the bar. total: None if unknown."""

    def __init__(self, total: int | None, quiet: bool) -> None:
        self._total, self._done, self._quiet = total, 0, quiet
        self._bar = None
        if sys.stderr.isatty() and not quiet:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )
            from rich.progress import (
                Progress as RichProgress,
            )

            self._bar = RichProgress(
                TextColumn("colouring"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task("", total=total, rate="")

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def step(self, name: str, seconds: float, error: str | None) -> None:
        """One more picture is done, or has failed."""
        self._done += 1
        if self._bar:
            speed = self._bar.tasks[0].speed
            self._bar.update(self._task, advance=1, rate=f"{speed:.1f}/s" if speed else "")
        if error:
            self.say(f"error: {name}: {error}")
        elif self._bar is None and not self._quiet:
            of = "" if self._total is None else f"/{self._total}"
            self.say(f"[{self._done}{of}] {name} {seconds:.2f} s")

    def say(self, line: str) -> None:
        """A line on stderr, above the bar where there is one."""
        if self._bar:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)
