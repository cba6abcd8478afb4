"""Pictures that lie elsewhere: fetched, colored like any other, and stored."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ...color.errors import GcolorError, one_line
from ..files import show
from .entries import Entry
from .places import Stat, is_url
from .planning.job import Job, Roots
from .result import Result


def color_anywhere(color: Callable[[Job], Result], job: Job) -> Result:
    """Let `color`, which works on files of this machine, color a job wherever its files lie: what lies elsewhere is
    fetched, and an output that belongs elsewhere is stored there.

    The result of a stored output has no temporary: it is in its place. Raises nothing for a picture, as `color_one`.
    """
    roots = job.roots
    if not any(map(is_url, (roots.images, roots.output, roots.hints))):
        return color(job)
    with tempfile.TemporaryDirectory(prefix="gcolor-", ignore_cleanup_errors=True) as work:
        try:
            copy = _fetch(job, Path(work))
        except FileNotFoundError as error:
            return Result(job, 0.0, error=f"cannot be read ({_why(error)})")
        except (OSError, GcolorError) as error:
            return Result(job, 0.0, error=f"cannot be fetched ({_why(error)})")
        result = _renamed(color(copy), copy, job)
        if result.entry is None:
            return result
        entry = _as_listed(result.entry, job.listed)
        if not is_url(roots.output):
            return replace(result, entry=entry)
        try:
            stored = roots.open().output.store(Path(result.temporary), job.made)
        except (OSError, GcolorError) as error:
            return Result(job, result.seconds, result.size, f"cannot be stored ({_why(error)})")
        output = stored.fingerprint(entry.output.digest)._replace(changed=0) if stored else entry.output
        return replace(result, temporary="", entry=entry._replace(output=output))


def _fetch(job: Job, work: Path) -> Job:
    """The job with its files on this machine; those that lie elsewhere as copies in `work`."""
    places = job.roots.open()
    for folder in ("in", "hints", "out"):
        (work / folder).mkdir()
    source = places.images.fetch(job.name, work / "in" / PurePosixPath(job.name).name)
    hints = [places.hints.fetch(name, work / "hints" / Path(name).name) for name in job.hint_names]
    output, made = job.roots.output, job.made
    if places.output.here is None:
        output, made = str(work / "out"), PurePosixPath(made).name
    return Job(source.name, made, Roots(str(source.parent), output), tuple(map(str, hints)), page=job.page)


def _renamed(result: Result, copy: Job, job: Job) -> Result:
    """The result of a copy as that of its job: messages name the job's own files."""
    names = {show(copy.source): show(f"{job.roots.images}/{job.name}"), show(copy.output): job.shown}
    names |= {show(path): show(own) for path, own in zip(copy.hint_files, job.hint_files, strict=True)}

    def renamed(sentence: str) -> str:
        for path, own in names.items():
            sentence = sentence.replace(path, own)
        return sentence

    error = None if result.error is None else renamed(result.error)
    return replace(result, job=job, error=error, warnings=tuple(map(renamed, result.warnings)))


def _as_listed(entry: Entry, listed: tuple[Stat | None, ...]) -> Entry:
    """The entry with what the listings say of the files in place of their copies' stat."""
    if not listed:
        return entry
    source, *hints = (
        stat.fingerprint(taken.digest) if stat else taken
        for taken, stat in zip((entry.source, *entry.hints), listed, strict=True)
    )
    return entry._replace(source=source, hints=tuple(hints))


def _why(error: Exception) -> str:
    return one_line(error) if not isinstance(error, OSError) else error.strerror or one_line(error)
