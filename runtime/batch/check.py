"""Which outputs are current: the journal against what lies on the disk. Only files whose stat differs are read."""

from __future__ import annotations

from collections.abc import Callable, Container
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ...color.errors import UsageError
from ..machine import cores
from .entries import Entry, Recipe
from .fingerprint import Fingerprint, Status
from .journal import Journal
from .places import Place
from .planning.job import Job, Places

IfExists = Literal["auto", "skip", "overwrite", "error"]
# The bundle's fingerprint and the settings that an output's ending depends on.
Wanted = Callable[[str], tuple[str, str]]
# Reads a file of a place.
Read = Callable[[Place, str], Fingerprint]

FOREIGN = "exists, and not from gcolor; keep it with --if-exists skip, replace it with --if-exists overwrite"
CHANGED = "was changed since gcolor made it; keep it with --if-exists skip, make it again with --if-exists overwrite"
UNFINISHED = "was not finished"


@dataclass(slots=True)
class Checked:
    """What a batch has to do. todo: jobs, each with the reason. refused: jobs whose output must not be touched, each
    with what is wrong. known: entries whose files have other times but the same content, to write down."""

    todo: list[tuple[Job, str]] = field(default_factory=list)
    current: list[Job] = field(default_factory=list)
    refused: list[tuple[Job, str]] = field(default_factory=list)
    known: list[tuple[Job, Entry]] = field(default_factory=list)

    def add(self, other: Checked) -> None:
        """What is to be done in another folder, too."""
        for name in ("todo", "current", "refused", "known"):
            getattr(self, name).extend(getattr(other, name))


class Verdict(NamedTuple):
    """What becomes of one job. why: the reason to make it, "" where it is current. entry: to write down, if any."""

    why: str = ""
    wrong: str = ""
    entry: Entry | None = None


class _UnreadError(Exception):
    """A file must be read to be sure."""


def check(
    jobs: list[Job],
    places: Places,
    journal: Journal,
    wanted: Wanted,
    if_exists: IfExists = "auto",
    force: bool = False,
    begun: Container[str] = (),
) -> Checked:
    """Sort jobs by what is to be done.

    "auto": makes what is missing and what was made of another picture, other hints, another bundle or other settings;
    an output that the journal does not know, or that was changed since, is refused. "skip" leaves every output that
    exists, "overwrite" leaves none, "error" raises UsageError where there is one. force: all that the journal knows is
    made again. begun: outputs that are gcolor's, whatever the journal knows of them.
    """
    if if_exists != "auto":
        return _check_existence(jobs, places.output, if_exists)
    checked = Checked()
    unsure: list[tuple[Job, Entry]] = []
    for job in jobs:
        entry = journal.entry(job.made)
        try:
            verdict = _judge(job, entry, wanted, force, places, _refuse_to_read)
        except _UnreadError:
            assert entry
            unsure.append((job, entry))
            continue
        _sort(checked, job, verdict, begun)

    def read(pair: tuple[Job, Entry]) -> Verdict:
        return _judge(*pair, wanted, force, places, _take)

    if unsure:
        with ThreadPoolExecutor(cores()) as pool:
            for (job, _), verdict in zip(unsure, pool.map(read, unsure), strict=True):
                _sort(checked, job, verdict, begun)
        checked.todo.sort(key=lambda pair: pair[0].name)
    return checked


def _sort(checked: Checked, job: Job, verdict: Verdict, begun: Container[str]) -> None:
    if verdict.wrong and job.made in begun:
        checked.todo.append((job, UNFINISHED))
    elif verdict.wrong:
        checked.refused.append((job, f"{job.shown} {verdict.wrong}"))
    elif verdict.why:
        checked.todo.append((job, verdict.why))
    else:
        checked.current.append(job)
    if verdict.entry:
        checked.known.append((job, verdict.entry))


def _check_existence(jobs: list[Job], output: Place, if_exists: IfExists) -> Checked:
    checked = Checked()
    for job in jobs:
        exists = output.exists(job.made)
        if exists and if_exists == "error":
            raise UsageError(f"{job.shown}: exists already; choose --if-exists auto, skip or overwrite")
        if exists and if_exists == "skip":
            checked.current.append(job)
        else:
            checked.todo.append((job, "to be overwritten" if exists else "new"))
    return checked


def _judge(job: Job, entry: Entry | None, wanted: Wanted, force: bool, places: Places, read: Read) -> Verdict:
    output = places.output
    if entry is None:
        return Verdict(wrong=FOREIGN) if output.exists(job.made) else Verdict(why="new")
    status = _stat(output, job.made)
    if status is None:
        return Verdict(wrong=FOREIGN) if output.exists(job.made) else Verdict(why="the output is gone")
    made = entry.output
    if (status.st_size, status.st_mtime_ns) != (made.size, made.modified):
        try:
            found = read(output, job.made)._replace(changed=0)
        except OSError as error:
            return Verdict(wrong=f"cannot be read ({error.strerror or error})")
        if found.digest == entry.over:
            # Killed between the line and the output: what was there before is there still.
            unmade = Entry(entry.source, entry.hints, found, Recipe("", "{}", ""))
            return Verdict(why=UNFINISHED, entry=unmade)
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
    return _judge_inputs(job, entry, made, places, read)


def _judge_inputs(job: Job, entry: Entry, made: Fingerprint, places: Places, read: Read) -> Verdict:
    if len(job.hint_files) != len(entry.hints):
        return Verdict(why="hints were added" if len(job.hint_files) > len(entry.hints) else "hints were removed")
    source = _still(places.images, job.name, entry.source, read)
    if source is None:
        return Verdict(why="the picture changed")
    hints = []
    for name, before in zip(job.hint_names, entry.hints, strict=True):
        hint = _still(places.hints, name, before, read)
        if hint is None:
            return Verdict(why="the hints changed")
        hints.append(hint)
    again = Entry(source, tuple(hints), made, entry.recipe, entry.over)
    return Verdict() if again == entry else Verdict(entry=again)


def _still(place: Place, name: str, before: Fingerprint, read: Read) -> Fingerprint | None:
    """The fingerprint of a file that holds what it held, or None. What cannot be read fails later, with a sentence."""
    try:
        if before.fits(place.stat(name)):
            return before
        now = read(place, name)
    except OSError:
        return None
    return now if now.digest == before.digest else None


def _take(place: Place, name: str) -> Fingerprint:
    return place.take(name)


def _refuse_to_read(place: Place, name: str) -> Fingerprint:
    raise _UnreadError(name)


def _stat(place: Place, name: str) -> Status | None:
    try:
        return place.stat(name)
    except OSError:
        return None
