"""What lies in the folders of a call: pictures, what gcolor made of such, and files of other kinds."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ....color.errors import UsageError
from ...files import show
from ...formats import SUFFIXES
from ...others import kind_of
from ..journal import NAME, Journal, is_shared
from ..places import Place
from ..stored_journal import StoredJournal
from .inputs import Part


@dataclass(slots=True)
class Survey:
    """names: of the pictures. others: how many files of each other kind there are. made: for each folder that has some,
    how many pictures were passed over that gcolor made."""

    names: set[str] = field(default_factory=set)
    others: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)


def survey(place: Place, part: Part, hints: tuple[str, ...] = ()) -> Survey:
    """Look through the folders of a part; its single files are taken as they are, but for those that gcolor made.

    hints: the folder of hints, or the hint file, as `Place.parts`; what lies there is no picture. A folder below that
    is gcolor's own, with its journal, is passed over; elsewhere what a journal names. Raises UsageError where a folder
    cannot be read.
    """
    found, own, here = Survey(), Own(place), place.parts
    no_pictures = "/".join(hints[len(here) :]) if hints[: len(here)] == here else None

    def enter(folder: str) -> bool:
        if folder == no_pictures:
            return False
        if not place.exists(f"{folder}/{NAME}"):
            return True
        if own.is_shared(folder):
            own.learn(folder)
            return True
        if pictures := sum(1 for _ in place.list(SUFFIXES, folder)):
            found.made[show(f"{place.root}/{folder}")] += pictures
        return False

    def add(name: str) -> None:
        if name in own.names:
            found.made[show(f"{place.root}/{os.path.dirname(name)}".rstrip("/"))] += 1
        else:
            found.names.add(name)

    for folder in part.folders:
        own.learn_upwards(folder)
        for name in place.list(None, folder, enter):
            if os.path.splitext(name)[1].lower() in SUFFIXES:
                add(name)
            elif kind := kind_of(name):
                found.others[kind] += 1
    if no_pictures:
        found.names.discard(no_pictures)
    for name in part.files:
        own.learn_upwards(os.path.dirname(name))
        add(name)
    return found


class Own:
    """The names that journals name as outputs, below a place."""

    def __init__(self, place: Place) -> None:
        self.names: set[str] = set()
        self._place = place
        self._learnt: set[str] = set()
        self._above()

    def is_shared(self, folder: str) -> bool:
        """Whether the folder with a journal holds other files, too."""
        here = self._place.here
        try:
            return here is not None and is_shared(here / folder)
        except OSError:
            return False

    def learn(self, folder: str) -> None:
        """Read the journal of a folder."""
        if folder in self._learnt:
            return
        self._learnt.add(folder)
        inside = f"{folder}/" if folder else ""
        if not self._place.exists(inside + NAME):
            return
        here = self._place.here
        if here is not None:
            self.names |= {inside + name for name in _read(here / folder)}
        elif not folder:
            with StoredJournal.fetch(self._place) as journal:
                self.names |= set(journal)

    def learn_upwards(self, folder: str) -> None:
        """Read the journals of a folder and of those that it lies in, up to the place's own."""
        parts = folder.split("/") if folder else []
        for depth in range(len(parts) + 1):
            self.learn("/".join(parts[:depth]))

    def _above(self) -> None:
        if self._place.here is None:
            return
        here = self._place.here.resolve()
        for folder in here.parents:
            if (folder / NAME).is_file():
                inside = f"{here.relative_to(folder).as_posix()}/"
                self.names |= {name.removeprefix(inside) for name in _read(folder) if name.startswith(inside)}


def _read(folder: Path) -> set[str]:
    try:
        with Journal.read(folder) as journal:
            return set(journal)
    except UsageError:
        return set()  # of another format: the batch that writes there will say so
