"""The journal of a place that cannot be appended to: kept on this machine while a batch runs, and stored now and then.

Until then a list beside it names what is being made: after a crash those outputs are ours, whatever the journal knows
of them.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from ...color.errors import UsageError
from ..files import show
from .entries import Entry
from .journal import NAME, Journal
from .places import Place, open_place

MAKING = ".gcolor.making"
# The journal is stored every so many seconds, but for no more than this share of the time.
EVERY, SHARE = 60.0, 0.05


class StoredJournal(Journal):
    """See `Journal`. Nothing locks it; outputs are in their places before their lines are written.

    `record` and `making` raise also UsageError where it cannot be stored.
    """

    def __init__(self, root: str) -> None:
        self._work = tempfile.TemporaryDirectory(prefix="gcolor-journal-")
        super().__init__(Path(self._work.name))
        self.shown = show(f"{root}/{NAME}")
        self._place = open_place(root)
        # When it was stored last, and how long that took; only while outputs are made.
        self._stored, self._took = math.inf, 0.0

    @classmethod
    def fetch(cls, place: Place) -> Self:
        """The journal of a place, empty where there is none. Raises UsageError: of another format, unreadable."""
        journal = cls(place.root)
        try:
            if place.exists(NAME):
                place.fetch(NAME, journal.path)
            return journal._opened(writing=True)
        except OSError as error:
            journal.close()
            raise UsageError(f"{journal.shown}: cannot be read ({error.strerror or error})") from error
        except BaseException:
            journal.close()
            raise

    def close(self) -> None:
        super().close()
        self._work.cleanup()

    def record(self, name: str, entry: Entry) -> None:
        super().record(name, entry)
        if time.monotonic() - self._stored > max(EVERY, self._took / SHARE):
            self._store_journal()

    @contextmanager
    def making(self, names: list[str]) -> Iterator[None]:
        """See `Journal.making`: the names are stored before, the journal afterwards."""
        if names:
            self._store(MAKING, json.dumps(names).encode())
        self._stored, self._took = time.monotonic(), 0.0
        try:
            yield
        finally:
            self._store_journal()
            self._stored = math.inf

    def _open(self) -> None:
        super()._open()
        self.locked = False  # what is locked is the copy

    def _store_journal(self) -> None:
        begun = time.monotonic()
        self._store(NAME, self.path.read_bytes())
        self._stored = time.monotonic()
        self._took = self._stored - begun

    def _store(self, name: str, data: bytes) -> None:
        copy = self.path.with_name("copy")
        try:
            copy.write_bytes(data)
            self._place.store(copy, name)
        except OSError as error:
            where = show(f"{self._place.root}/{name}")
            raise UsageError(f"{where}: cannot be written ({error.strerror or error})") from error


def begun_outputs(place: Place) -> set[str]:
    """The outputs that a batch was making when it was cut off. Raises OSError and ValueError where the list of them
    cannot be read."""
    if not place.exists(MAKING):
        return set()
    with tempfile.TemporaryDirectory(prefix="gcolor-journal-") as work:
        names = json.loads(place.fetch(MAKING, Path(work, "making")).read_bytes())
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("not a list of names")
    return set(names)
