"""The hints of a call: a folder of hint files, of which each picture takes its own, or one file for one picture."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable
from pathlib import Path

from ....color.errors import UsageError
from ....color.hint_folder import SUFFIXES as HINT_SUFFIXES
from ....color.hint_folder import HintFolder
from ...files import show
from ...formats import SUFFIXES
from ..places import Folder, Place, new_place
from .inputs import Part

# Names in one warning.
SOME = 5
_PAGE = re.compile(r"\.p\d+$")

Called = tuple[Part, str]
"""A picture: its part, and what it is called there."""


class Hinting:
    """What `--hints` names, None for nothing. place: where hint files lie; the names of those of this machine are
    their paths. parts: what was named, as `Place.parts`. folders: those that the pictures lie in, as `Place.parts`.

    Raises UsageError: nothing there, a file that is no hint file, the folder of the pictures.
    """

    def __init__(self, hints: Path | str | None, folders: Container[tuple[str, ...]]) -> None:
        self.place: Place = Folder("")
        self._shown = show(hints) if hints is not None else ""
        self._file, self._root = "", str(hints)
        self._folder: HintFolder | None = None
        self.parts: tuple[str, ...] = ()
        if hints is None:
            return
        place = new_place(hints)
        self.parts = place.parts
        if place.parts in folders:
            # A PNG photograph there would be taken for its neighbor's hints.
            raise UsageError(f"{self._shown}: hints need a folder of their own, apart from the pictures")
        if place.here is None:
            self.place, self._folder = place, HintFolder.listed(place.root, place.list(None))
        elif place.here.is_file():
            self._file = str(hints)
            if os.path.splitext(self._file)[1].lower() not in HINT_SUFFIXES:
                raise UsageError(f"{self._shown}: hints are read from {' '.join(HINT_SUFFIXES)}; save them as such")
        elif place.here.is_dir():
            self._folder = HintFolder(place.here)
        else:
            raise UsageError(f"{self._shown}: no such file or folder of hints")

    def pair(self, pictures: list[Called]) -> list[tuple[str, ...]]:
        """The hint files of each picture. Raises UsageError: one file for several pictures, or two that may be meant
        for one."""
        if self._file and len(pictures) > 1:
            raise UsageError(
                f"{self._shown}: is one hint file, and there are {len(pictures)} pictures; name the picture that it is "
                "for, or a folder of hints"
            )
        if self._file:
            return [(self._file,) for _ in pictures]
        if self._folder is None:
            return [()] * len(pictures)
        names = [part.hint_names(called) for part, called in pictures]
        return self._folder.pair((name for name, _ in names), (own for _, own in names))

    def unused(self, pairs: list[tuple[str, ...]], parts: Iterable[tuple[Part, Place]], whole: bool) -> list[str]:
        """Hint files without a picture. whole: the pictures are all that there are; otherwise the others' hints are not
        left over."""
        unused = self._folder.unused(pairs) if self._folder else []
        if whole:
            return unused
        there = list(parts)
        return [path for path in unused if not any(self._has_picture(path, part, place) for part, place in there)]

    def warnings(self, pairs: list[tuple[str, ...]], unused: list[str], waiting: bool) -> list[str]:
        """What is odd about the hints: nothing there, files that are not read, none for these pictures, left-overs.

        waiting: pictures and hints may still come.
        """
        if self._folder is None:
            return []
        said = []
        if unread := self._folder.unread:
            what = "1 file is" if len(unread) == 1 else f"{len(unread)} files are"
            said.append(
                f"{self._shown}: {what} not read as hints ({_some(unread)}): save hints as PNG with alpha or as one of "
                f"{' '.join(HINT_SUFFIXES)}"
            )
        if waiting:
            return said
        if not len(self._folder):
            said.append(f"{self._shown}: holds no hint file; everything is colored without hints")
        elif unused:
            said.append(f"hints without a picture: {_some(unused)}")
        if len(self._folder) and pairs and not any(pairs):
            whose = "the picture" if len(pairs) == 1 else f"any of the {len(pairs)} pictures"
            said.append(f"{self._shown}: no hint file is for {whose}; that of sub/a.jpg is sub/a.jpg.json or .png")
        return said

    def _has_picture(self, path: str, part: Part, place: Place) -> bool:
        """Whether a picture lies there that a hint file may be for, among those that were not asked for."""
        name = os.path.splitext(self._name(path))[0]
        inside = [f"{folder}/{name}" for folder in part.folders if folder]
        for called in {name.removeprefix(part.above), name, *inside}:
            folder, last = os.path.split(called)
            wanted = {last, _PAGE.sub("", last)}
            for found in place.neighbors(folder):
                stem, ending = os.path.splitext(found)
                if ending.lower() in SUFFIXES and not wanted.isdisjoint({found, stem}):
                    return True
        return False

    def _name(self, path: str) -> str:
        if self.place.here is None:
            return path.removeprefix(f"{self.place.root}/")
        return os.path.relpath(path, self._root).replace(os.sep, "/")


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - SOME} more" if len(paths) > SOME else ""
    return f"{', '.join(show(path) for path in paths[:SOME])}{more}"
