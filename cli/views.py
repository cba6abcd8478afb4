"""What the commands show on stderr: something live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

LINE_SECONDS = 5.0
"""Between two lines of a training run, where there is no terminal."""
ROWS = 12
"""Of the table of a training run, at most."""
COLUMNS = {
    "step": "{:.0f}",
    "loss": "{:.4f}",
    "accuracy": "{:.3f}",
    "entropy": "{:.3f}",
    "lr": "{:.1e}",
    "photos_per_second": "{:.1f}",
    "waiting": "{:.1%}",
    "gpu_memory_gb": "{:.1f}",
}
TITLES = {"photos_per_second": "photos/s", "waiting": "waits for data", "gpu_memory_gb": "GPU GB"}


class View:
    """Shows a part that moves, on a terminal, while it is entered; `say` prints a line above it."""

    live: Any = None
    """What moves, of rich: a `Progress` or a `Live`; None for lines only."""

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.live:
            self.live.stop()

    def say(self, line: str) -> None:
        """A line on stderr, above what moves."""
        if self.live:
            self.live.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)


class BatchView(View):
    """A bar of pictures. total: None if unknown."""

    def __init__(self, total: int | None, quiet: bool) -> None:
        self._total, self._done, self._quiet = total, 0, quiet
        if not quiet and sys.stderr.isatty():
            self.live = _bar("coloring", "{task.fields[rate]}")
            self._task = self.live.add_task("", total=total, rate="")

    def step(self, name: str, seconds: float, error: str | None, warnings: Sequence[str] = ()) -> None:
        """One more picture is done, or has failed."""
        self._done += 1
        if self.live:
            speed = self.live.tasks[0].speed
            self.live.update(self._task, advance=1, rate=f"{speed:.1f}/s" if speed else "")
        for warning in warnings:
            self.say(f"warning: {name}: {warning}")
        if error:
            self.say(f"error: {name}: {error}")
        elif self.live is None and not self._quiet:
            of = "" if self._total is None else f"/{self._total}"
            self.say(f"[{self._done}{of}] {name} {seconds:.2f} s")


class PrepareView(View):
    """A bar of photos that are checked."""

    def __init__(self) -> None:
        if sys.stderr.isatty():
            self.live = _bar("preparing")
            self._task = self.live.add_task("", total=None)

    def step(self, done: int, total: int) -> None:
        """So many photos are done."""
        if self.live:
            self.live.update(self._task, completed=done, total=total)
        else:
            self.say(f"[{done}/{total}]")


class BuildView(View):
    """A bar for each phase of TensorRT's builder; nothing but what is said elsewhere."""

    def __init__(self) -> None:
        self._tasks: dict[str, Any] = {}
        if sys.stderr.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
            self.live = Progress(*columns, TimeElapsedColumn(), console=_stderr())

    def step(self, phase: str, done: int, total: int) -> None:
        """TensorRT has done so many steps of a phase; a phase that is done leaves the screen."""
        if not self.live:
            return
        if phase not in self._tasks:
            self._tasks[phase] = self.live.add_task(phase, total=total)
        self.live.update(self._tasks[phase], completed=done)
        if done >= total:
            self.live.remove_task(self._tasks.pop(phase))


class StepView(View):
    """One line that says what is done now; a line for each where there is no terminal.

    heed: called before each step, see `unwinding`.
    """

    def __init__(self, heed: Callable[[], None], quiet: bool = False) -> None:
        self._heed, self._quiet = heed, quiet
        if not quiet and sys.stderr.isatty():
            self.live = _stderr().status("")

    def step(self, line: str) -> None:
        """This is done now."""
        self._heed()
        if self.live:
            from rich.markup import escape

            self.live.update(escape(line))
        elif not self._quiet:
            self.say(line)


class TrainingView(View):
    """A table of logged steps."""

    def __init__(self, steps: int, live: bool) -> None:
        self.steps = steps
        self._rows: list[dict[str, float]] = []
        self._last_line = float("-inf")
        if live and sys.stderr.isatty():
            from rich.live import Live

            self.live = Live(console=_stderr(), auto_refresh=False)

    def row(self, row: dict[str, float]) -> None:
        """One logged step."""
        if self.live:
            self._rows = [*self._rows, row][-ROWS:]
            self.live.update(self._table(row), refresh=True)
        elif row["seconds"] - self._last_line >= LINE_SECONDS or row["step"] == self.steps:
            self._last_line = row["seconds"]
            self.say(
                f"step {row['step']:.0f}/{self.steps}: loss {row['loss']:.4f}, accuracy {row['accuracy']:.3f}, "
                f"{row['photos_per_second']:.1f} photos/s, {_left(row)} left"
            )

    def prepared(self, done: int, total: int) -> None:
        """So many photos of plain folders are checked."""
        if self.live:
            from rich.text import Text

            self.live.update(Text(f"checking photos: {done} of {total}"), refresh=True)

    def _table(self, last: dict[str, float]) -> RenderableType:
        from rich.table import Table

        names = [name for name in COLUMNS if name in last]
        table = Table(caption=f"{100 * last['progress']:.1f} % of the run, {_left(last)} left")
        for name in names:
            table.add_column(TITLES.get(name, name), justify="right")
        for row in self._rows:
            table.add_row(*(COLUMNS[name].format(row[name]) for name in names))
        return table


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True)


def _bar(title: str, *more: str) -> Progress:
    """A bar with counts and times; more: columns of text behind the counts."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    counts = (TextColumn(title), BarColumn(), MofNCompleteColumn(), *map(TextColumn, more))
    return Progress(*counts, TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=_stderr())


def _left(row: dict[str, float]) -> str:
    """The time to the run's end, at the pace so far; none once it is past, as the last step of `--minutes` is."""
    if row["progress"] <= 0:
        return "?"
    seconds = max(0, round(row["seconds"] / row["progress"] - row["seconds"]))
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
