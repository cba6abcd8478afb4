"""What a batch is about, before it does anything: which picture, which hints, which output."""

from __future__ import annotations

import functools
import os
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from ...color.errors import NothingToDoError, UsageError
from ...color.hint_folder import SUFFIXES as HINT_SUFFIXES
from ...color.hint_folder import HintFolder
from ..files import TEMPORARY, show, unwritable
from ..formats import SUFFIXES, output_name
from .places import Folder, Place, Stat, Url, is_url, new_place, open_place

# Formats whose files may hold several pictures.
PAGED = ("TIFF", "GIF", "PNG", "WEBP", "AVIF")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files of a batch lie. The names of hint files of this machine are their paths."""

    images: Place
    output: Place
    hints: Place


@dataclass(frozen=True)
class Roots:
    """The folder of the pictures and that of the outputs, as paths or URLs. hints: the URL of the hint files' folder,
    "" on this machine."""

    images: str
    output: str
    hints: str = ""

    def open(self) -> Places:
        return Places(open_place(self.images), open_place(self.output), open_place(self.hints))

    @functools.cached_property
    def absolute(self) -> Roots:
        return Roots(_absolute(self.images), _absolute(self.output), self.hints)


@dataclass(frozen=True, slots=True)
class Job:
    """One picture of a batch.

    name: its path below the folder of pictures, with forward slashes; messages call it by this. made: its output's
    below the output folder. page: which picture of the file, from 1, where each is a job of its own. hint_files: paths
    or URLs: none, a painted one, a JSON, or both in this order. listed: what listings said of the picture and the hints
    before they were read; empty where all are on this machine. Text, so that a million fit into memory.
    """

    name: str
    made: str
    roots: Roots
    hint_files: tuple[str, ...] = ()
    page: int | None = field(default=None, kw_only=True)
    listed: tuple[Stat | None, ...] = field(default=(), kw_only=True)

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
        return None if is_url(self.roots.output) else self.output.parent

    @property
    def hints(self) -> tuple[Path, ...]:
        return tuple(map(Path, self.hint_files))

    @property
    def hint_names(self) -> tuple[str, ...]:
        """The hint files' names in their place."""
        return tuple(_hint_name(path, self.roots) for path in self.hint_files)

    def absolute(self) -> Job:
        """The same for processes whose current folder is another."""
        return replace(self, roots=self.roots.absolute, hint_files=tuple(map(_absolute, self.hint_files)))


@dataclass(frozen=True, slots=True)
class Found:
    """The pictures of a batch, those that were listed and cannot be pictures, hint files that belong to none."""

    places: Places
    jobs: list[Job]
    refused: list[tuple[Job, str]] = field(default_factory=list)
    unused_hints: list[str] = field(default_factory=list)


def find_jobs(
    images: Path | str,
    hints: Path | str | None = None,
    output: Path | str | None = None,
    pattern: str | None = None,
    listed: Sequence[str] | None = None,
    may_be_empty: bool = False,
    every_page: bool = False,
) -> Found:
    """Pair pictures with hints and outputs, each a folder of this machine or a URL. `images` may be one picture file.

    pattern: only names that match. listed: only these paths, below `images` or from the current folder; one that is
    missing is a job like any other, and fails as a picture. may_be_empty: no picture is no error. every_page: each
    picture of a file with several is a job, and is called, for its hints and its output, as in "a.p2.tif".

    Raises UsageError (missing folder, output inside the input, ambiguous hints, a listed path outside, two pictures of
    one output, a URL that cannot be used), NothingToDoError, and EngineError where a URL needs what is not installed.
    """
    source, one = _open_images(images)
    target = new_place(output or default_output(images))
    _check_apart(source, target, recursive=one is None)
    folder, hint_place = _open_hints(hints, source) if hints else (None, Folder(""))
    if listed is not None and one is not None:
        raise UsageError(f"{show(images)}: is a file; a list of pictures needs the folder that they are in")
    names = _find_names(source, one, listed, pattern)
    if not names and not may_be_empty:
        raise NothingToDoError(f"{show(images)}: {_nothing(pattern, listed is not None)}")
    places, roots = Places(source, target, hint_place), Roots(source.root, target.root, hint_place.root)
    paged = every_page and source.here is not None
    parts = list(_pages(Path(source.root), names) if paged else ((name, name, None) for name in names))
    pairs = folder.pair([called for _, called, _ in parts]) if folder else [()] * len(parts)
    jobs = [
        Job(name, output_name(called), roots, files, page=page)
        for (name, called, page), files in zip(parts, pairs, strict=True)
    ]
    if source.listing or hint_place.listing:
        jobs = [replace(job, listed=_listed(job, places)) for job in jobs]
    _check_distinct(jobs, target)
    refused: list[tuple[Job, str]] = []
    if listed is not None or one is not None:
        what = f"is not named like a picture ({' '.join(sorted(SUFFIXES))})"
        refused = [(job, what) for job in jobs if not _is_picture(job)]
        jobs = [job for job in jobs if _is_picture(job)]
    # Of some pictures only, the others' hints would all be left over.
    some = pattern is not None or listed is not None or one is not None
    unused = folder.unused(pairs) if folder and not some else []
    return Found(places, jobs, refused, [_hint_name(path, roots) for path in unused])


def _open_images(images: Path | str) -> tuple[Place, str | None]:
    """The place of the pictures; the name of the one that is asked for, if it is one."""
    if is_url(images):
        return Url(str(images)), None
    path = Path(images)
    if not path.exists():
        raise UsageError(f"{show(path)}: no such file or folder")
    return (Folder(path), None) if path.is_dir() else (Folder(path.parent), path.name)


def _open_hints(hints: Path | str, images: Place) -> tuple[HintFolder, Place]:
    place = new_place(hints)
    if place.here is not None and not place.here.is_dir():
        raise UsageError(f"{show(hints)}: the hints are a folder; there is none here")
    if place.parts == images.parts:
        # A PNG photograph there would be taken for its neighbour's hints.
        raise UsageError(f"{show(hints)}: hints need a folder of their own, apart from the pictures")
    if place.here is not None:
        return HintFolder(place.here), Folder("")
    return HintFolder.listed(place.root, place.list(HINT_SUFFIXES)), place


def _find_names(images: Place, one: str | None, listed: Sequence[str] | None, pattern: str | None) -> list[str]:
    """The names of the pictures, sorted: the one, those that are listed, or all; of these the ones that match."""
    if one is not None:
        names = {one}
    elif listed is not None:
        names = {_name_of(images, path) for path in listed}
    else:
        names = set(images.list(SUFFIXES))
    return sorted(name for name in names if pattern is None or PurePath(name).match(pattern))


def _absolute(path: str) -> str:
    return path if is_url(path) else str(Path(path).absolute())


def _hint_name(path: str, roots: Roots) -> str:
    return path.removeprefix(f"{roots.hints}/") if roots.hints else path


def _listed(job: Job, places: Places) -> tuple[Stat | None, ...]:
    hints = (places.hints.listing.get(name) for name in job.hint_names)
    return places.images.listing.get(job.name), *hints


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


def default_output(images: Path | str) -> Path | str:
    """The sibling folder `imgs_color` of a folder or of a picture's folder."""
    if is_url(images):
        return f"{str(images).rstrip('/')}_color"
    path = Path(images)
    root = (path if path.is_dir() else path.parent).resolve()
    return root.with_name(f"{root.name or 'pictures'}_color")


def _is_picture(job: Job) -> bool:
    return os.path.splitext(job.name)[1].lower() in SUFFIXES


def _nothing(pattern: str | None, listed: bool) -> str:
    if pattern is not None:
        return f"no picture found that matches {pattern!r}"
    return "the list names no picture" if listed else f"no picture found (looked for {' '.join(sorted(SUFFIXES))})"


def _check_apart(images: Place, output: Place, recursive: bool) -> None:
    inside, outside = output.parts, images.parts
    if inside == outside or (recursive and inside[: len(outside)] == outside):
        raise UsageError(
            f"{show(output.root)}: the output must lie outside the folder of the pictures; choose another -o"
        )


def _name_of(images: Place, path: str) -> str:
    name = images.name_of(path)
    if name is None:
        where = show(images.root)
        raise UsageError(f"{show(path)}: is listed, but lies outside {where}; name the folder that holds all of them")
    return name


def _check_distinct(jobs: list[Job], output: Place) -> None:
    """Raise UsageError where two outputs would be one file: a file system of this machine may not tell A from a."""
    first: dict[str, Job] = {}
    for job in jobs:
        other = first.setdefault(_fold(job.made) if output.here else job.made, job)
        if other is not job and (other.made == job.made or _same_file(job.output.parents, other, job)):
            raise UsageError(
                f"{show(other.name)} and {show(job.name)}: both would become {job.shown}, since the file system "
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
