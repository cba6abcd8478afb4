"""What can be made anew, kept from one run to the next: always safe to delete, and never needed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path

from .files import temporary_file

VARIABLE, OFF = "GCOLOR_CACHE", "off"


def cache_folder() -> Path | None:
    """The folder that GCOLOR_CACHE names, else `users_folder()`; None for "off"."""
    named = os.environ.get(VARIABLE)
    if named:
        return None if named == OFF else Path(named)
    return users_folder()


def users_folder() -> Path:
    """gcolor's folder in the user's cache folder of this system."""
    match sys.platform:
        case "win32":
            base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
        case "darwin":
            base = "~/Library/Caches"
        case _:
            base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "gcolor"


def recall(name: str) -> bytes | None:
    """What was kept under a name; None where there is nothing, or not what was kept."""
    folder = cache_folder()
    if folder is None:
        return None
    try:
        with open(folder / name, "rb", buffering=0) as file:  # a buffer would copy tens of megabytes once more
            digest, data = file.read(32), file.readall()
    except OSError:
        return None
    return data if hashlib.sha256(data).digest() == digest else None


def keep(name: str, data: bytes, most: int | None = None) -> None:
    """Keep it, whole or not at all. A folder that cannot be written to keeps nothing.

    most: of names that begin alike, up to the first "-", only so many stay, the last that were kept.
    """
    folder = cache_folder()
    if folder is None:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with temporary_file(folder / name) as temporary:
            temporary.write_bytes(hashlib.sha256(data).digest() + data)
            os.replace(temporary, folder / name)
        alike = sorted(folder.glob(f"{name.partition('-')[0]}-*"), key=lambda path: path.stat().st_mtime)
        for old in alike[: -most if most else 0]:
            old.unlink(missing_ok=True)
