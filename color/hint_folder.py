"""Which hint files belong to which picture."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from .errors import UsageError
from .walk import walk

PAINTED = (".png", ".webp", ".tif", ".tiff", ".psd", ".ora")
"""Endings of painted hints."""
JSON = ".json"
SUFFIXES = (*PAINTED, JSON)


class HintFolder:
    """The hint files below a folder, walked once; pictures are asked for by their name below their own folder.

    For `sub/a.jpg` that is `sub/a.jpg.png` and `sub/a.jpg.json`; where there is neither, `sub/a.png` and `sub/a.json`.
    Hidden files and folders do not count. Raises `UsageError` when the folder cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        # Kept as text: there may be millions.
        self._files: dict[tuple[str, str], str] = {}
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder of hints")
        for name, entry in sorted(walk(folder, set(SUFFIXES))):
            if os.path.isfile(entry.path):
                self._add(name, entry.path)

    @classmethod
    def listed(cls, root: str, names: Iterable[str]) -> Self:
        """The hint files of a folder elsewhere, by the names below it; they are called `root`/name."""
        folder = object.__new__(cls)
        folder._files = {}
        for name in sorted(names):
            hidden = any(part.startswith(".") for part in name.split("/"))
            if not hidden and os.path.splitext(name)[1].lower() in SUFFIXES:
                folder._add(name, f"{root}/{name}")
        return folder

    def _add(self, name: str, path: str) -> None:
        stem, kind = os.path.splitext(name)
        key = _key(stem), kind.lower()
        if key in self._files:
            raise UsageError(f"{self._files[key]} and {path} are hints for the same picture: keep one of them")
        self._files[key] = path

    def names(self, relative: str) -> tuple[str, ...]:
        """The hint files of one picture, none, a PNG, a JSON, or both in this order; its name has forward slashes."""
        for stem in (relative, os.path.splitext(relative)[0]):
            key = _key(stem)
            if found := tuple(path for kind in SUFFIXES if (path := self._files.get((key, kind)))):
                return found
        return ()

    def pair(self, names: Iterable[str]) -> list[tuple[str, ...]]:
        """The hint files of each picture.

        Raises `UsageError` when two of the pictures, as `a.jpg` and `a.tif`, would take the same hint file.
        """
        owner: dict[str, str] = {}
        pairs = []
        for name in names:
            pairs.append(self.names(name))
            for path in pairs[-1]:
                other = owner.setdefault(path, name)
                if other != name:
                    mine, its, kind = *map(os.path.basename, (name, other)), os.path.splitext(path)[1]
                    raise UsageError(f"{path} may belong to {other} or to {name}: name it {its}{kind} or {mine}{kind}")
        return pairs

    def unused(self, pairs: Iterable[tuple[str, ...]]) -> list[str]:
        """The hint files that are in none of the pairs, sorted."""
        used = {path for files in pairs for path in files}
        return sorted(path for path in self._files.values() if path not in used)


def _key(name: str) -> str:
    """A name for comparison: macOS may store the same one decomposed."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
