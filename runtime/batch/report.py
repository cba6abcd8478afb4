"""What became of each picture, as data: the rows of `--json` and of the file that `--report` names."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...color.errors import UsageError
from ..files import show
from .planning.job import Job
from .planning.lists import Listing
from .result import Result

COLUMNS = ("picture", "output", "status", "hints", "width", "height", "seconds", "error", "warnings")


def row(result: Result) -> dict[str, Any]:
    """A result: status "colored", "kept" or "failed"; width and height None where they were never read."""
    status = "failed" if result.error else "kept" if result.kept else "colored"
    return job_row(result.job, status, result.size, result.seconds, result.error, result.warnings)


def job_row(
    job: Job,
    status: str,
    size: tuple[int, int] = (0, 0),
    seconds: float = 0.0,
    error: str | None = None,
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """A picture of which only the status is known: "current" or "skipped"."""
    return {
        "picture": show(job.title),
        "output": job.shown,
        "status": status,
        "hints": [show(path) for path in job.hint_files],
        "width": size[0] or None,
        "height": size[1] or None,
        "seconds": round(seconds, 3),
        "error": error,
        "warnings": list(warnings),
    }


class Report(Listing):
    """A file of rows, written as they come: JSON lines (.jsonl) or a table (.csv, lists separated by "; ").

    Raises UsageError for another ending, and where it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        kind = path.suffix.lower()
        if kind not in (".jsonl", ".csv"):
            raise UsageError(f"{show(path)}: a report ends in .jsonl or .csv")
        # Line by line, so that it says all that was done, whatever ends the process.
        super().__init__(path, "w", encoding="utf-8", newline="", buffering=1)
        self._table = csv.DictWriter(self._file, COLUMNS) if kind == ".csv" else None
        if self._table:
            with self._writing():
                self._table.writeheader()

    def add(self, values: dict[str, Any]) -> None:
        """One more row."""
        with self._writing():
            if self._table:
                self._table.writerow({**values, **{key: "; ".join(values[key]) for key in ("hints", "warnings")}})
            else:
                self._file.write(json.dumps(values) + "\n")
