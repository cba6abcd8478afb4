"""What a batch asks of the folders that its files lie in."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Container, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from ..fingerprint import Fingerprint, Status


def is_url(place: object) -> bool:
    """Whether this is no path of the local machine."""
    return "://" in str(place)


class Stat(NamedTuple):
    """What a listing says of a file, under the names of `os.stat`: size, and one number for its version (times are
    that where the file system has them, a hash of the entity tag where it has that)."""

    st_size: int
    st_mtime_ns: int

    @property
    def st_ctime_ns(self) -> int:
        return self.st_mtime_ns

    def fingerprint(self, digest: str) -> Fingerprint:
        return Fingerprint(self.st_size, self.st_mtime_ns, self.st_mtime_ns, digest)


class Place(Protocol):
    """A folder. Names are relative to it, with forward slashes. Methods raise OSError where nothing else is said."""

    root: str
    """Its path or URL, as jobs and messages have it."""

    @property
    def here(self) -> Path | None:
        """The folder on this machine; None where it is elsewhere."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Where it is, from the top: a place within another begins with the parts of that."""

    @property
    def listing(self) -> Mapping[str, Stat]:
        """Every file below, by one listing; empty where each file is asked for itself. Raises UsageError."""

    def list(
        self, endings: Container[str] | None, folder: str = "", enter: Callable[[str], bool] = lambda _: True
    ) -> Iterator[str]:
        """The names below, or below a folder in it, whose ending, in small letters, is one of these, or any.

        enter: asked of each folder below that one whether to look into it; see `walk`. Raises UsageError.
        """

    def neighbors(self, folder: str) -> Collection[str]:
        """The last parts of the names of the files of a folder, none where it is not there."""

    def name_of(self, path: str) -> str | None:
        """The name of a file that a list calls so; None where that lies outside."""

    def exists(self, name: str) -> bool:
        """Whether anything has this name. Raises UsageError alone, as `stat` and `take` may."""

    def stat(self, name: str) -> Status:
        """What tells whether a file changed."""

    def take(self, name: str) -> Fingerprint:
        """Read a file for its fingerprint."""

    def fetch(self, name: str, to: Path) -> Path:
        """A file of this machine with what that one holds: itself, or a copy at `to`."""

    def store(self, source: Path, name: str) -> Stat | None:
        """Put a file of this machine there, whole or not at all; what a listing will say of it, if it is listed."""

    def remove(self, name: str) -> None:
        """Remove a file that may be there."""

    def sweep(self, below: bool = True) -> None:
        """Remove the temporary files of killed runs, in the folders below, too."""


def folder_parts(folder: Path) -> tuple[str, ...]:
    """The `Place.parts` of a folder of this machine."""
    return "file", *Path(os.path.normcase(folder.resolve())).parts
