"""What a batch will do, before it does anything: which picture, which hints, which output."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from ..color.errors import NothingToDoError, UsageError
from ..color.hint_files import HintFolder
from .files import TEMPORARY
from .pictures import SUFFIXES, find_pictures, output_name

IfExists = Literal["auto", "skip", "overwrite", "error"]


@dataclass(frozen=True, slots=True)
class Job:
    """One picture of a batch. `relative` names it in messages and in the output folder."""

    relative: PurePath
    source: Path
    output: Path
    hints: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The pictures to colour, those whose outputs are current, and hint files that belong to no picture."""

    output: Path
    jobs: list[Job]
    current: list[Job]
    unused_hints: list[Path]


def show(path: PurePath | str) -> str:
    """A file name that is safe to print on one line: control characters and stray bytes are escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def make_plan(
    images: Path, hints: Path | None, output: Path | None, if_exists: IfExists = "auto", pattern: str | None = None
) -> Plan:
    """Pair pictures with hints and outputs. `images` is a folder or one picture file.

    An output is current where it is newer than its picture and its hints ("auto"); "skip" and "overwrite" do not ask.
    Raises UsageError (missing folder, output inside the input, ambiguous hints, an output that exists with "error")
    and NothingToDoError.
    """
    if not images.exists():
        raise UsageError(f"{show(images)}: no such file or folder")
    root = images if images.is_dir() else images.parent
    target = output or default_output(images)
    _check_apart(root, target, images.is_dir())
    if hints is not None and not hints.is_dir():
        raise UsageError(f"{show(hints)}: the hints are a folder; there is none here")
    if hints is not None and hints.resolve() == root.resolve():
        # A PNG photograph there would be taken for its neighbour's hints.
        raise UsageError(f"{show(hints)}: hints need a folder of their own, apart from the pictures")
    sources = find_pictures(images) if images.is_dir() else [images]
    sources = [s for s in sources if pattern is None or s.relative_to(root).match(pattern)]
    if not sources:
        what = (
            f"no picture matches {pattern!r}"
            if pattern
            else f"no picture found (looked for {' '.join(sorted(SUFFIXES))})"
        )
        raise NothingToDoError(f"{show(images)}: {what}")
    relatives: list[PurePath] = [s.relative_to(root) for s in sources]
    folder = HintFolder(hints) if hints else None
    if folder:
        folder.ambiguous(relatives)
    jobs: list[Job] = []
    current: list[Job] = []
    for source, relative in zip(sources, relatives, strict=True):
        job = Job(relative, source, target / output_name(relative), tuple(folder.find(relative)) if folder else ())
        (current if _is_current(job, if_exists) else jobs).append(job)
    return Plan(target, jobs, current, folder.unused(relatives) if folder else [])


def default_output(images: Path) -> Path:
    """The sibling folder `imgs_color` of a folder or of a picture's folder."""
    root = (images if images.is_dir() else images.parent).resolve()
    return root.with_name(f"{root.name or 'pictures'}_color")


def _check_apart(root: Path, target: Path, recursive: bool) -> None:
    inside, outside = target.resolve(), root.resolve()
    if inside == outside or (recursive and outside in inside.parents):
        raise UsageError(f"{show(target)}: the output must lie outside the folder of the pictures; choose another -o")


def _is_current(job: Job, if_exists: IfExists) -> bool:
    try:
        made = job.output.stat().st_mtime_ns
    except OSError:
        return False
    match if_exists:
        case "overwrite":
            return False
        case "skip":
            return True
        case "error":
            raise UsageError(f"{show(job.output)}: exists already; choose --if-exists auto, skip or overwrite")
        case _:
            return all(made >= p.stat().st_mtime_ns for p in (job.source, *job.hints) if p.exists())


def check_writable(folder: Path) -> None:
    """Make the output folder and prove that files can be made in it, before any work; sweep what a killed run left.

    A folder without any write permission counts as read-only for the superuser, too. Raises UsageError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not folder.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(13, "Permission denied, the folder is read-only")
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
        os.close(handle)
        os.unlink(name)
    except OSError as error:
        raise UsageError(
            f"{show(folder)}: cannot write there ({error.strerror}); choose another folder with -o"
        ) from error


def sweep(folder: Path) -> int:
    """Remove the temporary files of killed runs below the output folder; returns how many."""
    stale = [Path(root, name) for root, _, names in os.walk(folder) for name in names if name.startswith(TEMPORARY)]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)
