"""The folders of a studio: its pictures by name, and never a file outside."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from ..color.errors import NothingToDoError, PictureError, UsageError
from ..color.hint_folder import SUFFIXES as HINT_SUFFIXES
from ..color.walk import walk
from ..runtime.files import show
from ..runtime.formats import SUFFIXES, output_name


@dataclass(frozen=True, slots=True)
class Places:
    """What a studio is about. images: a folder, or one picture; hints: the folder of hint files, which may not be
    there yet; output: where the batch writes."""

    images: Path
    hints: Path
    output: Path

    @property
    def root(self) -> Path:
        return self.images if self.images.is_dir() else self.images.parent

    @classmethod
    def of(cls, images: Path, hints: Path | None = None, output: Path | None = None) -> Places:
        """With the defaults beside the pictures: `imgs_hints` and `imgs_color`.

        Raises UsageError where the pictures are not there, or the folders lie in each other.
        """
        if not images.exists():
            raise UsageError(f"{show(images)}: no such file or folder")
        root = (images if images.is_dir() else images.parent).resolve()
        name = root.name or "pictures"
        places = cls(images, hints or root.with_name(f"{name}_hints"), output or root.with_name(f"{name}_color"))
        if places.hints.exists() and not places.hints.is_dir():
            raise UsageError(f"{show(places.hints)}: the hints are a folder, this is a file")
        if places.hints.resolve() == root:
            raise UsageError(f"{show(places.hints)}: hints need a folder of their own, apart from the pictures")
        return places


class Folder:
    """The pictures of a studio by name, "/" between folders. Raises NothingToDoError where there are none."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._lock = threading.Lock()
        self.names: list[str] = []
        self._known: frozenset[str] = frozenset()
        self.refresh()
        if not self.names:
            raise NothingToDoError(f"{show(places.images)}: no picture found (looked for {' '.join(sorted(SUFFIXES))})")

    def refresh(self) -> list[str]:
        """Look again; the names, sorted. Raises UsageError where a folder cannot be read."""
        images = self.places.images
        if images.is_dir():
            names = sorted(name for name, _ in walk(images, SUFFIXES))
        else:
            names = [images.name] if images.suffix.lower() in SUFFIXES else []
        with self._lock:
            self.names, self._known = names, frozenset(names)
        return names

    def hinted(self) -> set[str]:
        """The names below the folder of hints, without their last ending, of every hint file that is there."""
        if not self.places.hints.is_dir():
            return set()
        return {os.path.splitext(name)[0] for name, _ in walk(self.places.hints, set(HINT_SUFFIXES))}

    def picture(self, name: str) -> Path:
        """The file of a picture. Raises PictureError where it is none of this folder, or a link that leads out."""
        if name not in self._known:
            raise PictureError("there is no such picture in this folder")
        return confined(self.places.root, name)

    def output(self, name: str) -> Path:
        """The file that the batch makes of a picture. Raises PictureError."""
        self.picture(name)
        return confined(self.places.output, output_name(name))


def confined(root: Path, name: str) -> Path:
    """A file below a folder. Raises PictureError where the name, or a link on its way, leads out of the folder."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part or os.sep in part for part in parts):
        raise PictureError("the name leads out of the folder")
    path = root.joinpath(*parts)
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links in a circle
        inside = False
    if not inside:
        raise PictureError("is a link that leads out of the folder; the studio does not follow it")
    return path
