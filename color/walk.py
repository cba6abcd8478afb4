"""The files below a folder, as pictures and hints are looked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator
from pathlib import Path

from .errors import UsageError


def walk(
    folder: Path, endings: Container[str] | None, enter: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The files below a folder whose ending, in small letters, is one of these: (name below it with "/", entry).

    endings: None for all. enter: asked of each folder below, by its name, whether to look into it.

    Not hidden ones, nor those in hidden or in linked folders; in no order. A link to a file is one, and so is what may
    turn out to be unreadable. Raises UsageError where a folder cannot be read: nothing is passed over in silence.
    """
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        if prefix and not enter(prefix[:-1]):
            continue
        try:
            with os.scandir(folder / prefix) as entries:
                for entry in entries:
                    name = entry.name
                    if name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{prefix}{name}/")
                    elif _ends_in(name, endings) and not _leads_to_a_folder(entry):
                        yield prefix + name, entry
        except OSError as error:
            if prefix and isinstance(error, FileNotFoundError):
                continue  # it went away since it was listed
            raise UsageError(f"{error.filename or folder / prefix}: cannot be read: {error.strerror}") from error


def _ends_in(name: str, endings: Container[str] | None) -> bool:
    return endings is None or os.path.splitext(name)[1].lower() in endings


def _leads_to_a_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle, say; whoever reads it will tell
        return False
