"""Where the files of a batch lie: in a `Folder` of this machine or behind a `Url`, each a `Place`."""

from __future__ import annotations

import functools
from pathlib import Path

from .folder import Folder
from .place import Place, Stat, is_url
from .url import Url

__all__ = ["Folder", "Place", "Stat", "Url", "is_url", "new_place", "open_place"]


def new_place(where: Path | str) -> Place:
    """The place of a path or a URL. Raises what `Url` raises."""
    return Url(str(where)) if is_url(where) else Folder(where)


@functools.lru_cache(maxsize=16)
def open_place(root: str) -> Place:
    """The place of this root, opened once in a process: to fetch from and to store in, not to list."""
    return new_place(root)
