"""A folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Container, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from ....color.walk import walk
from ...files import sweep
from ..fingerprint import Fingerprint, Status, take
from .place import Stat, folder_parts


class Folder:
    """A folder of this machine; "" is the current one, where names may be any paths. To `store` a file is to rename
    it: it must lie on the same file system."""

    listing: Mapping[str, Stat] = MappingProxyType({})

    def __init__(self, path: Path | str) -> None:
        self.here = Path(path)
        self.root = str(path)
        self._start = f"{path}/" if str(path) else ""

    @property
    def parts(self) -> tuple[str, ...]:
        return folder_parts(self.here)

    def list(
        self, endings: Container[str] | None, folder: str = "", enter: Callable[[str], bool] = lambda _: True
    ) -> Iterator[str]:
        inside = f"{folder}/" if folder else ""
        return (inside + name for name, _ in walk(self.here / folder, endings, lambda below: enter(inside + below)))

    def neighbors(self, folder: str) -> Collection[str]:
        try:
            return [path.name for path in (self.here / folder).iterdir()]
        except OSError:
            return ()

    def name_of(self, path: str) -> str | None:
        """Taken from there, or else from the current folder."""
        tried = [os.path.join(self.root, path)]
        if not os.path.lexists(tried[0]):
            tried.append(path)
        for place in reversed(tried):
            for real in (os.path.abspath, os.path.realpath):
                name = os.path.relpath(real(place), real(self.root))
                if name != os.curdir and name.split(os.sep)[0] != os.pardir:
                    return name.replace(os.sep, "/")
        return None

    def exists(self, name: str) -> bool:
        return os.path.lexists(self._start + name)

    def stat(self, name: str) -> Status:
        return os.stat(self._start + name)

    def take(self, name: str) -> Fingerprint:
        return take(self._start + name)

    def fetch(self, name: str, to: Path) -> Path:
        return Path(self._start + name)

    def store(self, source: Path, name: str) -> None:
        os.replace(source, self._start + name)

    def remove(self, name: str) -> None:
        Path(self._start + name).unlink(missing_ok=True)

    def sweep(self, below: bool = True) -> None:
        sweep(self.here, below)
