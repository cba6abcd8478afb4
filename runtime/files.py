"""Files that appear whole or not at all: written beside their place, then renamed over it."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

TEMPORARY = ".gcolor-"


def show(path: PurePath | str) -> str:
    """A file name that is safe to print on one line: control characters and stray bytes are escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def replace_file(path: Path, write: Callable[[Path], object], *, durable: bool = False) -> None:
    """Let `write` fill a temporary file, then put it in the place of `path`; on any error the old file stays.

    durable: flushed to the disk first, so that it outlives a power cut, too.
    """
    with temporary_file(path) as temporary:
        write(temporary)
        temporary.chmod(mode_for(path))
        if durable:
            _flush(temporary)
        os.replace(temporary, path)
        if durable:
            _flush(path.parent)


@contextlib.contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """An empty file beside `path` with the same ending, to fill; where the block raises, it is removed."""
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def make_parent(path: Path, root: Path) -> None:
    """Make the folders that a file needs below `root`, which must be there: it is not made again once it is gone."""
    if not path.parent.is_dir():
        root.stat()
        path.parent.mkdir(parents=True, exist_ok=True)


def save_json(value: Any, path: Path, *, durable: bool = True) -> None:
    """Write a JSON file whole or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"), durable=durable)


def _flush(path: str | Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def mode_for(path: Path) -> int:
    """The mode that the file has, or that a new file would get."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0o666 & ~UMASK


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


# Read once: setting it, the only way to read it, must not race with the threads that write.
UMASK = _umask()
