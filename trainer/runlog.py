"""What a run tells of itself while it goes: metrics.jsonl, validation.jsonl and TensorBoard."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

from ..runtime.files import replace_file


class RunLog:
    """Appends a line per logged step and per validation, and the same to TensorBoard where that is installed.

    Lines of steps after `step`, left by a run that was cut off behind its last checkpoint, are dropped.
    """

    def __init__(self, run: Path, step: int) -> None:
        self.metrics = _reopen(run / "metrics.jsonl", step)
        self.validation = _reopen(run / "validation.jsonl", step)
        self.board: Any = None
        if find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(str(run / "tensorboard"), purge_step=step + 1)

    def row(self, values: dict[str, float]) -> None:
        """One logged step."""
        self.metrics.write(json.dumps(values) + "\n")
        if self.board:
            for name, value in values.items():
                if name != "step":
                    self.board.add_scalar(f"train/{name}", value, values["step"])

    def scores(self, step: int, rows: list[dict[str, Any]]) -> None:
        """One validation: a row per number of hints."""
        self.validation.write(json.dumps({"step": step, "rows": rows}) + "\n")
        if self.board:
            for row in rows:
                for name in row.keys() - {"hints", "photos"}:
                    self.board.add_scalar(f"{name}/{row['hints']} hints", row[name], step)

    def close(self) -> None:
        self.metrics.close()
        self.validation.close()
        if self.board:
            self.board.close()


def _reopen(path: Path, step: int) -> TextIO:
    if path.exists():
        kept = [line for line in path.read_text().splitlines() if _step(line) <= step]
        replace_file(path, lambda temporary: temporary.write_text("".join(line + "\n" for line in kept)))
    return open(path, "a", buffering=1)


def _step(line: str) -> float:
    """The step of a line; one that was cut short belongs to none."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError):
        return float("inf")
