"""What became of a picture, and the last step that puts it into its place."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from ..files import show
from .entries import Entry
from .journal import Journal
from .places import open_place
from .planning.job import Job


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one picture: `error` is None, or the sentence that says what is wrong with it.

    size: width and height as displayed, zeros where they could not be read. temporary: where the output lies, whole,
    until `finish` puts it into its place, "" where it is stored there already; entry: what the journal will know of it.
    kept: the picture was in color already and the output is the same. warnings: what its decoder recovered from, notes
    and hints that cannot be read. lost: what the output's format does not keep of the picture's notes, in words.
    """

    job: Job
    seconds: float
    size: tuple[int, int] = (0, 0)
    error: str | None = None
    temporary: str = ""
    entry: Entry | None = None
    kept: bool = False
    warnings: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def pixels(self) -> int:
        return 0 if self.error else self.size[0] * self.size[1]


def finish(result: Result, journal: Journal, overwrite: bool = False) -> Result:
    """Write into the journal what was made, then put it into its place; the result, failed where that is denied.

    In this order, a process that dies in between leaves an output that the journal knows. Without `overwrite`, a file
    that came there since the batch began, or was changed, is left alone. For the one process that holds the journal.
    Raises UsageError where the journal cannot be written.
    """
    if result.entry is None:
        return result
    made = result.job.made
    if not result.temporary:
        journal.record(made, result.entry)
        return result
    before = journal.entry(made)
    if not overwrite and _is_foreign(result.job.output, before):
        discard(result)
        sentence = f"{show(result.job.output)} came or was changed while the batch ran; move it, or run again"
        return replace(result, error=sentence, temporary="", entry=None)
    try:
        journal.record(made, result.entry._replace(over=before.output.digest if before else ""))
        open_place(result.job.roots.output).store(Path(result.temporary), made)
    except OSError as error:
        discard(result)
        sentence = f"{show(result.job.output)}: cannot be written ({error.strerror})"
        return replace(result, error=sentence, temporary="", entry=None)
    except BaseException:
        discard(result)
        raise
    return result


def _is_foreign(output: Path, before: Entry | None) -> bool:
    """Whether there is another file than the one that the journal knows."""
    try:
        status = output.lstat() if before is None else output.stat()
    except OSError:
        return False
    return before is None or (status.st_size, status.st_mtime_ns) != (before.output.size, before.output.modified)


def discard(result: Result) -> None:
    """Remove the output of a result that will not be finished."""
    if result.temporary:
        with contextlib.suppress(OSError):
            os.unlink(result.temporary)
