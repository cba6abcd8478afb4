"""What a batch is about, before it does anything: which picture, which hints, which output."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from ...color.errors import NothingToDoError, UsageError
from ...color.hint_folder import HintFolder
from ...color.walk import walk
from ..files import TEMPORARY, show, unwritable
from ..formats import SUFFIXES, output_name

# Formats whose files may hold several pictures.
PAGED = ("TIFF", "GIF", "PNG", "WEBP", "AVIF")


@dataclass(frozen=True, slots=True)
class Roots:
    """The folder of the pictures and that of the outputs."""

    images: str
    output: str


@dataclass(frozen=True, slots=True)
class Job:
    """One picture of a batch.

    name: its path below the folder of pictures, with forward slashes; messages call it by this. made: its output's
    below the output folder. page: which picture of the file, from 1, where each is a job of its own. hint_files: none,
    a painted one, a JSON, or both in this order. Text, so that a million fit into memory.
    """

    name: str
    made: str
    roots: Roots
    hint_files: tuple[str, ...] = ()
    page: int | None = field(default=None, kw_only=True)

    @property
    def source(self) -> Path:
        return Path(self.roots.images, self.name)

    @property
    def output(self) -> Path:
        return Path(self.roots.output, self.made)

    @property
    def shown(self) -> str:
        """The output, for messages."""
        return show(f"{self.roots.output}/{self.made}")

    @property
    def work_folder(self) -> Path | None:
        """Where its output is written before it is renamed; None where that is no folder that outlives it."""
        return self.output.parent

    @property
    def hints(self) -> tuple[Path, ...]:
        return tuple(map(Path, self.hint_files))


@dataclass(frozen=True, slots=True)
class Found:
    """The pictures of a batch, those that were listed and cannot be pictures, hint files that belong to none."""

    output: Path
    jobs: list[Job]
    refused: list[tuple[Job, str]] = field(default_factory=list)
    unused_hints: list[Path] = field(default_factory=list)


def find_jobs(
    images: Path,
    hints: Path | None = None,
    output: Path | None = None,
    pattern: str | None = None,
    listed: Sequence[str] | None = None,
    may_be_empty: bool = False,
    every_page: bool = False,
) -> Found:
    """Pair pictures with hints and outputs. `images` is a folder or one picture file.

    pattern: only names that match. listed: only these paths, below `images` or from the current folder; one that is
    missing is a job like any other, and fails as a picture. may_be_empty: no picture is no error. every_page: each
    picture of a file with several is a job, and is called, for its hints and its output, as in "a.p2.tif".

    Raises UsageError (missing folder, output inside the input, ambiguous hints, a listed path outside, two pictures of
    one output) and NothingToDoError.
    """
    if not images.exists():
        raise UsageError(f"{show(images)}: no such file or folder")
    whole = images.is_dir()
    root = images if whole else images.parent
    target = output or default_output(images)
    _check_apart(root, target, whole)
    _check_hints(hints, root)
    if listed is not None:
        if not whole:
            raise UsageError(f"{show(images)}: is a file; a list of pictures needs the folder that they are in")
        names = sorted({_below(root, path) for path in listed})
    else:
        names = sorted(name for name, _ in walk(images, SUFFIXES)) if whole else [images.name]
    names = [name for name in names if pattern is None or PurePath(name).match(pattern)]
    if not names and not may_be_empty:
        raise NothingToDoError(f"{show(images)}: {_nothing(pattern, listed is not None)}")
    folder = HintFolder(hints) if hints else None
    roots = Roots(str(root), str(target))
    pages = _pages(root, names) if every_page else ((name, name, None) for name in names)
    parts = list(pages)
    pairs = folder.pair([called for _, called, _ in parts]) if folder else [()] * len(parts)
    jobs = [
        Job(name, output_name(called), roots, files, page=page)
        for (name, called, page), files in zip(parts, pairs, strict=True)
    ]
    _check_distinct(jobs)
    refused: list[tuple[Job, str]] = []
    if listed is not None or not whole:
        what = f"is not named like a picture ({' '.join(sorted(SUFFIXES))})"
        refused = [(job, what) for job in jobs if not _named(job)]
        jobs = [job for job in jobs if _named(job)]
    # Of some pictures only, the others' hints would all be left over.
    some = pattern is not None or listed is not None or not whole
    return Found(target, jobs, refused, folder.unused(pairs) if folder and not some else [])


def _pages(root: Path, names: Iterable[str]) -> Iterator[tuple[str, str, int | None]]:
    """Each picture in the files: the file's name, what the picture is called, and its page where there are several."""
    from ..pictures import count_pages  # not above: a rerun without work loads no decoder

    for name in names:
        stem, ending = os.path.splitext(name)
        kind = SUFFIXES.get(ending.lower())
        count = count_pages(root / name) if kind and kind.name in PAGED else 1
        if count == 1:
            yield name, name, None
        else:
            yield from ((name, f"{stem}.p{page}{ending}", page) for page in range(1, count + 1))


def default_output(images: Path) -> Path:
    """The sibling folder `imgs_color` of a folder or of a picture's folder."""
    root = (images if images.is_dir() else images.parent).resolve()
    return root.with_name(f"{root.name or 'pictures'}_color")


def _named(job: Job) -> bool:
    return os.path.splitext(job.name)[1].lower() in SUFFIXES


def _nothing(pattern: str | None, listed: bool) -> str:
    if pattern is not None:
        return f"no picture matches {pattern!r}"
    return "the list names no picture" if listed else f"no picture found (looked for {' '.join(sorted(SUFFIXES))})"


def _check_apart(root: Path, target: Path, recursive: bool) -> None:
    inside, outside = target.resolve(), root.resolve()
    if inside == outside or (recursive and outside in inside.parents):
        raise UsageError(f"{show(target)}: the output must lie outside the folder of the pictures; choose another -o")


def _check_hints(hints: Path | None, root: Path) -> None:
    if hints is not None and not hints.is_dir():
        raise UsageError(f"{show(hints)}: the hints are a folder; there is none here")
    if hints is not None and hints.resolve() == root.resolve():
        # A PNG photograph there would be taken for its neighbour's hints.
        raise UsageError(f"{show(hints)}: hints need a folder of their own, apart from the pictures")


def _below(root: Path, path: str) -> str:
    """A listed path as a name below the folder of pictures: taken from there or else from the current folder."""
    tried = [os.path.join(root, path)]
    if not os.path.lexists(tried[0]):
        tried.append(path)
    for place in reversed(tried):
        for real in (os.path.abspath, os.path.realpath):
            name = os.path.relpath(real(place), real(root))
            if name != os.curdir and name.split(os.sep)[0] != os.pardir:
                return name.replace(os.sep, "/")
    raise UsageError(f"{show(path)}: is listed, but lies outside {show(root)}; name the folder that holds all of them")


def _check_distinct(jobs: list[Job]) -> None:
    """Raise UsageError where two outputs would be one file: the file system of the outputs may not tell A from a."""
    first: dict[str, Job] = {}
    for job in jobs:
        other = first.setdefault(_fold(job.made), job)
        if other is not job and (other.made == job.made or _same_file(job.output.parents, other, job)):
            raise UsageError(
                f"{show(other.name)} and {show(job.name)}: both would become {show(job.output)}, since the file system "
                "there does not tell them apart; rename one, or choose another -o"
            )


def _fold(name: str) -> str:
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def _same_file(folders: Sequence[Path], one: Job, other: Job) -> bool:
    """Whether the file system of the nearest folder that exists takes the first parts that differ for one name."""
    pair = next((a, b) for a, b in zip(one.made.split("/"), other.made.split("/"), strict=True) if a != b)
    folder = next(folder for folder in folders if folder.is_dir())
    try:
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=folder) as name:
            Path(name, pair[0]).touch()
            return Path(name, pair[1]).exists()
    except OSError as error:
        raise unwritable(error, folder) from error
