"""Which outputs are current: the journal against what lies on the disk. Only files whose stat differs are read."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from ...color.errors import UsageError
from ..machine import cores
from .fingerprint import Fingerprint, Status, take
from .journal import Entry, Journal, Recipe
from .plan import Job

IfExists = Literal["auto", "skip", "overwrite", "error"]
# The bundle's fingerprint and the settings that an output's ending depends on.
Wanted = Callable[[str], tuple[str, str]]

FOREIGN = "exists, and not from gcolor; keep it with --if-exists skip, replace it with --if-exists overwrite"
CHANGED = "was changed since gcolor made it; keep it with --if-exists skip, make it again with --if-exists overwrite"


class Files(Protocol):
    """Where the files of a batch lie. `stat` and `take` raise OSError."""

    def exists(self, path: str) -> bool: ...
    def stat(self, path: str) -> Status: ...
    def take(self, path: str) -> Fingerprint: ...


class LocalFiles:
    """The files of this machine."""

    exists = staticmethod(os.path.lexists)
    stat = staticmethod(os.stat)

    @staticmethod
    def take(path: str) -> Fingerprint:
        return take(path)


@dataclass(slots=True)
class Checked:
    """What a batch has to do. todo: jobs, each with the reason. refused: jobs whose output must not be touched, each
    with what is wrong. known: entries whose files have other times but the same content, to write down."""

    todo: list[tuple[Job, str]] = field(default_factory=list)
    current: list[Job] = field(default_factory=list)
    refused: list[tuple[Job, str]] = field(default_factory=list)
    known: list[tuple[Job, Entry]] = field(default_factory=list)


class Verdict(NamedTuple):
    """What becomes of one job. why: the reason to make it, "" where it is current. entry: to write down, if any."""

    why: str = ""
    wrong: str = ""
    entry: Entry | None = None


class _UnreadError(Exception):
    """A file must be read to be sure."""


def check(
    jobs: list[Job],
    journal: Journal,
    wanted: Wanted,
    if_exists: IfExists = "auto",
    force: bool = False,
    files: Files = LocalFiles,
) -> Checked:
    """Sort jobs by what is to be done.

    "auto": makes what is missing and what was made of another picture, other hints, another bundle or other settings;
    an output that the journal does not know, or that was changed since, is refused. "skip" leaves every output that
    exists, "overwrite" leaves none, "error" raises UsageError where there is one. force: all that the journal knows is
    made again.
    """
    if if_exists != "auto":
        return _check_existence(jobs, if_exists, files)
    checked = Checked()
    unsure: list[tuple[Job, Entry]] = []
    for job in jobs:
        entry = journal.entry(job.made)
        try:
            verdict = _judge(job, entry, wanted, force, files, _refuse_to_read)
        except _UnreadError:
            assert entry
            unsure.append((job, entry))
            continue
        _sort(checked, job, verdict)

    def read(pair: tuple[Job, Entry]) -> Verdict:
        return _judge(*pair, wanted, force, files, files.take)

    if unsure:
        with ThreadPoolExecutor(cores()) as pool:
            for (job, _), verdict in zip(unsure, pool.map(read, unsure), strict=True):
                _sort(checked, job, verdict)
        checked.todo.sort(key=lambda pair: pair[0].name)
    return checked


def _sort(checked: Checked, job: Job, verdict: Verdict) -> None:
    if verdict.wrong:
        checked.refused.append((job, f"{job.shown} {verdict.wrong}"))
    elif verdict.why:
        checked.todo.append((job, verdict.why))
    else:
        checked.current.append(job)
    if verdict.entry:
        checked.known.append((job, verdict.entry))


def _check_existence(jobs: list[Job], if_exists: IfExists, files: Files) -> Checked:
    checked = Checked()
    for job in jobs:
        exists = files.exists(_output(job))
        if exists and if_exists == "error":
            raise UsageError(f"{job.shown}: exists already; choose --if-exists auto, skip or overwrite")
        if exists and if_exists == "skip":
            checked.current.append(job)
        else:
            checked.todo.append((job, "to be overwritten" if exists else "new"))
    return checked


def _judge(
    job: Job, entry: Entry | None, wanted: Wanted, force: bool, files: Files, read: Callable[[str], Fingerprint]
) -> Verdict:
    output = _output(job)
    if entry is None:
        return Verdict(wrong=FOREIGN) if files.exists(output) else Verdict(why="new")
    status = _stat(output, files)
    if status is None:
        return Verdict(wrong=FOREIGN) if files.exists(output) else Verdict(why="the output is gone")
    made = entry.output
    if (status.st_size, status.st_mtime_ns) != (made.size, made.modified):
        try:
            found = read(output)._replace(changed=0)
        except OSError as error:
            return Verdict(wrong=f"cannot be read ({error.strerror})")
        if found.digest == entry.over:
            # Killed between the line and the output: what was there before is there still.
            unmade = Entry(entry.source, entry.hints, found, Recipe("", "{}", ""))
            return Verdict(why="was not finished", entry=unmade)
        if found.digest != made.digest:
            return Verdict(wrong=CHANGED)
        made = found
    if force:
        return Verdict(why="forced")
    bundle, settings = wanted(job.made)
    if entry.recipe.bundle != bundle:
        return Verdict(why="another bundle")
    if entry.recipe.settings != settings:
        return Verdict(why="other settings")
    return _judge_inputs(job, entry, made, files, read)


def _judge_inputs(
    job: Job, entry: Entry, made: Fingerprint, files: Files, read: Callable[[str], Fingerprint]
) -> Verdict:
    if len(job.hint_files) != len(entry.hints):
        return Verdict(why="hints were added" if len(job.hint_files) > len(entry.hints) else "hints were removed")
    source = _still(f"{job.roots.images}/{job.name}", entry.source, files, read)
    if source is None:
        return Verdict(why="the picture changed")
    hints = []
    for path, before in zip(job.hint_files, entry.hints, strict=True):
        hint = _still(path, before, files, read)
        if hint is None:
            return Verdict(why="the hints changed")
        hints.append(hint)
    again = Entry(source, tuple(hints), made, entry.recipe, entry.over)
    return Verdict() if again == entry else Verdict(entry=again)


def _still(path: str, before: Fingerprint, files: Files, read: Callable[[str], Fingerprint]) -> Fingerprint | None:
    """The fingerprint of a file that holds what it held, or None. What cannot be read fails later, with a sentence."""
    try:
        if before.fits(files.stat(path)):
            return before
        now = read(path)
    except OSError:
        return None
    return now if now.digest == before.digest else None


def _refuse_to_read(path: str) -> Fingerprint:
    raise _UnreadError(path)


def _stat(path: str, files: Files) -> Status | None:
    try:
        return files.stat(path)
    except OSError:
        return None


def _output(job: Job) -> str:
    return f"{job.roots.output}/{job.made}"
