"""A training run on stderr: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

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
ROWS = 12
LINE_SECONDS = 5.0


class TrainingView:
    """Hears of each logged step (`row`), of photos checked (`prepared`) and of what is said (`say`)."""

    def __init__(self, steps: int, live: bool) -> None:
        self.steps = steps
        self._rows: list[dict[str, float]] = []
        self._live: Any = None
        self._told = float("-inf")
        if live and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), auto_refresh=False)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def row(self, row: dict[str, float]) -> None:
        """One logged step."""
        if self._live:
            self._rows = [*self._rows, row][-ROWS:]
            self._live.update(self._table(row), refresh=True)
        elif row["seconds"] - self._told >= LINE_SECONDS or row["step"] == self.steps:
            self._told = row["seconds"]
            self.say(
                f"step {row['step']:.0f}/{self.steps}: loss {row['loss']:.4f}, accuracy {row['accuracy']:.3f}, "
                f"{row['photos_per_second']:.1f} photos/s, {_left(row)} left"
            )

    def prepared(self, done: int, total: int) -> None:
        """So many photos of plain folders are checked."""
        if self._live:
            from rich.text import Text

            self._live.update(Text(f"checking photos: {done} of {total}"), refresh=True)

    def say(self, line: str) -> None:
        """A line on stderr, above the table where there is one."""
        if self._live:
            self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _table(self, last: dict[str, float]) -> Any:
        from rich.table import Table

        names = [name for name in COLUMNS if name in last]
        table = Table(caption=f"{100 * last['progress']:.1f} % of the run, {_left(last)} left")
        for name in names:
            table.add_column(TITLES.get(name, name), justify="right")
        for row in self._rows:
            table.add_row(*(COLUMNS[name].format(row[name]) for name in names))
        return table


def _left(row: dict[str, float]) -> str:
    """The time to the run's end, at the pace so far."""
    if row["progress"] <= 0:
        return "?"
    seconds = round(row["seconds"] / row["progress"] - row["seconds"])
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
