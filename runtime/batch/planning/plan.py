"""What a batch is about, before it does anything: which picture, which hints, which output."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from ....color.errors import NothingToDoError, UsageError
from ...files import TEMPORARY, show, unwritable
from ...formats import SUFFIXES
from ...others import BY_ENDING
from ..places import Folder, Place, Stat, Url, is_url, new_place
from .hinting import Hinting
from .inputs import Part, Where, split
from .job import Job, Places, Roots, hint_name
from .survey import Survey, survey

# Formats whose files may hold several pictures.
PAGED = ("TIFF", "GIF", "PNG", "WEBP", "AVIF")


@dataclass(frozen=True, slots=True)
class Group:
    """The pictures of a part, whose outputs go into one folder."""

    part: Part
    places: Places
    jobs: list[Job] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """The pictures of a batch, those that were named and cannot be pictures, hint files that belong to none.

    others: how many files of other kinds were passed over; made: how many pictures, by folder, since gcolor made them;
    warnings: of hints.
    """

    groups: list[Group]
    refused: list[tuple[Job, str]] = field(default_factory=list)
    unused_hints: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    @property
    def jobs(self) -> list[Job]:
        return [job for group in self.groups for job in group.jobs]


def find_jobs(
    images: Where | Sequence[Where],
    hints: Where | None = None,
    output: Where | None = None,
    pattern: str | None = None,
    listed: Sequence[str] | None = None,
    may_be_empty: bool = False,
    every_page: bool = False,
) -> Found:
    """Pair pictures with hints and outputs. images: folders of this machine or URLs, and picture files; see inputs.py
    for where their outputs go.

    hints: a folder, a URL, or the hint file of the only picture. pattern: only names that match. listed: only these
    paths, below the folder `images` or from the current folder; one that is missing is a job like any other, and fails
    as a picture. may_be_empty: no picture is no error. every_page: each picture of a file with several is a job, and is
    called, for its hints and its output, as in "a.p2.tif".

    Raises UsageError (missing folder, output inside the input, ambiguous hints, a listed path outside, two pictures of
    one output, a URL that cannot be used), NothingToDoError, and EngineError where a URL needs what is not installed.
    """
    parts = split(_but_hints(images, hints), output)
    if listed is not None and (len(parts) > 1 or parts[0].folders != ("",)):
        raise UsageError("a list of pictures needs the folder that they are in, and no other input")
    sources, targets = [_open_images(part) for part in parts], [new_place(part.output) for part in parts]
    for part, source, target in zip(parts, sources, targets, strict=True):
        _check_apart(part, source, target)
    hinting = Hinting(
        hints, {folder for part, source in zip(parts, sources, strict=True) for folder in part.within(source)}
    )
    surveys = [_look(part, source, listed, hinting.parts) for part, source in zip(parts, sources, strict=True)]
    others, made = (sum((getattr(s, name) for s in surveys), Counter[str]()) for name in ("others", "made"))
    names = [_matching(found.names, pattern) for found in surveys]
    if not any(names) and not may_be_empty:
        where = show(parts[0].images) if len(parts) == 1 else "in none of the inputs"
        raise NothingToDoError(f"{where}: {_nothing(pattern, listed is not None)}{_passed(made)}")
    called = [
        (number, name, title, page)
        for number, (part, source) in enumerate(zip(parts, sources, strict=True))
        for name, title, page in _pages(source, names[number], every_page)
    ]
    pairs = hinting.pair([(parts[number], title) for number, _, title, _ in called])
    places = [Places(source, target, hinting.place) for source, target in zip(sources, targets, strict=True)]
    roots = [
        Roots(source.root, target.root, hinting.place.root, part.named)
        for part, source, target in zip(parts, sources, targets, strict=True)
    ]
    groups = [Group(part, place) for part, place in zip(parts, places, strict=True)]
    refused: list[tuple[Job, str]] = []
    for (number, name, title, page), files in zip(called, pairs, strict=True):
        job = Job(name, parts[number].made(title), roots[number], files, page=page)
        if places[number].images.listing or hinting.place.listing:
            job = replace(job, listed=_listed(job, places[number]))
        if _is_picture(job):
            groups[number].jobs.append(job)
        else:
            refused.append((job, _what(job)))
    for group in groups:
        _check_distinct(group)
    whole = pattern is None and listed is None and all(part.folders and not part.files for part in parts)
    unused = hinting.unused(pairs, zip(parts, sources, strict=True), whole)
    said = hinting.warnings(pairs, [hint_name(path, roots[0]) for path in unused], may_be_empty)
    return Found(groups, refused, [hint_name(path, roots[0]) for path in unused], others, made, said)


def _but_hints(images: Where | Sequence[Where], hints: Where | None) -> Where | Sequence[Where]:
    """The inputs without the hints, which a shell's `*` names, too."""
    if isinstance(images, Path | str) or hints is None or is_url(hints):
        return images
    own = Path(hints).resolve()
    return [path for path in images if is_url(path) or Path(path).resolve() != own] or images


def _open_images(part: Part) -> Place:
    return Url(str(part.images)) if is_url(part.images) else Folder(part.images)


def _look(part: Part, source: Place, listed: Sequence[str] | None, hints: tuple[str, ...]) -> Survey:
    """The pictures of a part; of its one folder those that are listed, if any are."""
    if listed is None:
        return survey(source, part, hints)
    return survey(source, replace(part, folders=(), files=tuple({_name_of(source, path) for path in listed})))


def _matching(names: Iterable[str], pattern: str | None) -> list[str]:
    return sorted(name for name in names if pattern is None or PurePath(name).match(pattern))


def _listed(job: Job, places: Places) -> tuple[Stat | None, ...]:
    hints = (places.hints.listing.get(name) for name in job.hint_names)
    return places.images.listing.get(job.name), *hints


def _pages(source: Place, names: Iterable[str], every_page: bool) -> Iterator[tuple[str, str, int | None]]:
    """Each picture in the files: the file's name, what the picture is called, and its page where there are several."""
    if not every_page or source.here is None:
        yield from ((name, name, None) for name in names)
        return
    from ...pictures import count_pages  # not above: a rerun without work loads no decoder

    for name in names:
        stem, ending = os.path.splitext(name)
        kind = SUFFIXES.get(ending.lower())
        count = count_pages(source.here / name) if kind and kind.name in PAGED else 1
        if count == 1:
            yield name, name, None
        else:
            yield from ((name, f"{stem}.p{page}{ending}", page) for page in range(1, count + 1))


def _is_picture(job: Job) -> bool:
    return os.path.splitext(job.name)[1].lower() in SUFFIXES


def _what(job: Job) -> str:
    """What a file is that was named, and is not named like a picture."""
    ending = os.path.splitext(job.name)[1].lower()
    if other := BY_ENDING.get(ending):
        return other.sentence(ending)
    return f"is not named like a picture ({' '.join(sorted(SUFFIXES))})"


def _nothing(pattern: str | None, listed: bool) -> str:
    if pattern is not None:
        return f"no picture found that matches {pattern!r}"
    return "the list names no picture" if listed else f"no picture found (looked for {' '.join(sorted(SUFFIXES))})"


def _passed(made: Counter[str]) -> str:
    return f"; {sum(made.values())} that gcolor made were passed over" if made else ""


def _check_apart(part: Part, images: Place, output: Place) -> None:
    """Raise UsageError where outputs would lie among the pictures that a folder stands for, or over pictures."""
    inside = output.parts
    over = inside == images.parts and part.files and not part.among_others
    if over or any(inside[: len(folder)] == folder for folder in part.within(images)[: len(part.folders)]):
        raise UsageError(
            f"{show(output.root)}: the output must lie outside the folder of the pictures; choose another -o"
        )


def _name_of(images: Place, path: str) -> str:
    name = images.name_of(path)
    if name is None:
        where = show(images.root)
        raise UsageError(f"{show(path)}: is listed, but lies outside {where}; name the folder that holds all of them")
    return name


def _check_distinct(group: Group) -> None:
    """Raise UsageError where two outputs would be one file, since a file system of this machine may not tell A from a;
    or where one would be a picture that is read."""
    first: dict[str, Job] = {}
    for job in group.jobs:
        other = first.setdefault(_fold(job.made) if group.places.output.here else job.made, job)
        if other is not job and (other.made == job.made or _same_file(job.output.parents, other, job)):
            raise UsageError(
                f"{show(other.name)} and {show(job.name)}: both would become {job.shown}, since the file system "
                "there does not tell them apart; rename one, or choose another -o"
            )
    if group.part.among_others and group.places.output.parts == group.places.images.parts:
        for name in first.keys() & {job.name for job in group.jobs}:
            raise UsageError(f"{show(name)}: is one of the pictures, and {show(first[name].name)} would become it")


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
