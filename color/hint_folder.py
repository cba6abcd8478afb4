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
# Endings of what may lie in a folder of hints without being meant as one.
NEVER_HINTS = ("", ".txt", ".md", ".db", ".ini", ".xmp", ".bak", ".tmp")


class HintFolder:
    """The hint files below a folder, walked once; pictures are asked for by their name below their own folder.

    For `sub/a.jpg` that is `sub/a.jpg.png` and `sub/a.jpg.json`; where there is neither, `sub/a.png` and `sub/a.json`.
    Hidden files and folders do not count. unread: files that are no hints by their endings, but may be meant as such.
    Raises `UsageError` when the folder cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        # Kept as text: there may be millions.
        self._files: dict[tuple[str, str], str] = {}
        self.unread: list[str] = []
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder of hints")
        for name, entry in sorted(walk(folder, None)):
            if os.path.isfile(entry.path):
                self._add(name, entry.path)

    @classmethod
    def listed(cls, root: str, names: Iterable[str]) -> Self:
        """The hint files of a folder elsewhere, by the names below it; they are called `root`/name."""
        folder = object.__new__(cls)
        folder._files, folder.unread = {}, []
        for name in sorted(names):
            if not any(part.startswith(".") for part in name.split("/")):
                folder._add(name, f"{root}/{name}")
        return folder

    def __len__(self) -> int:
        return len(self._files)

    def _add(self, name: str, path: str) -> None:
        stem, kind = os.path.splitext(name)
        if kind.lower() not in SUFFIXES:
            if kind.lower() not in NEVER_HINTS:
                self.unread.append(path)
            return
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

    def pair(self, names: Iterable[str], others: Iterable[str] | None = None) -> list[tuple[str, ...]]:
        """The hint files of each picture. others: another name of each, by which hints count that nobody else's are.

        Raises `UsageError` when two of the pictures, as `a.jpg` and `a.tif`, would take the same hint file.
        """
        names = list(names)
        pairs = [self.names(name) for name in names]
        owner: dict[str, str] = {}
        for name, files in zip(names, pairs, strict=True):
            self._own(owner, name, files)
        if others is not None:
            first = set(owner)
            for at, (name, other) in enumerate(zip(names, others, strict=True)):
                if not pairs[at] and other != name:
                    pairs[at] = tuple(path for path in self.names(other) if path not in first)
                    self._own(owner, name, pairs[at])
        return pairs

    @staticmethod
    def _own(owner: dict[str, str], name: str, files: tuple[str, ...]) -> None:
        for path in files:
            other = owner.setdefault(path, name)
            if other != name:
                kind = os.path.splitext(path)[1]
                mine, its = (text.rpartition("/")[2] + kind for text in (name, other))
                if mine == its:
                    mine, its = name + kind, other + kind
                raise UsageError(f"{path} may belong to {other} or to {name}: name it {its} or {mine}")

    def unused(self, pairs: Iterable[tuple[str, ...]]) -> list[str]:
        """The hint files that are in none of the pairs, sorted."""
        used = {path for files in pairs for path in files}
        return sorted(path for path in self._files.values() if path not in used)


def _key(name: str) -> str:
    """A name for comparison: macOS may store the same one decomposed."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
