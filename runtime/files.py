"""Files that appear whole or not at all: written beside their place, then renamed over it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any

from ..color.errors import StorageError, UsageError, one_line

TEMPORARY = ".gcolor-"

# A file that changed this short a while ago (ns) may change again and keep its times: file systems count in ticks of
# up to two seconds. Its stat proves nothing.
RECENT_NS = 2_000_000_000


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


def check_writable(folder: Path, made: Iterable[str] = ()) -> None:
    """Make the output folder and prove that files can be made in it, and in the folders of what is to be made there.

    A folder without any write permission counts as read-only for the superuser, too. Raises UsageError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_mode(folder)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
        os.close(handle)
        os.unlink(name)
        for below in sorted({os.path.dirname(path) for path in made} - {""}):
            parts = [folder.joinpath(*below.split("/")[:depth]) for depth in range(1, below.count("/") + 2)]
            _check_mode(next((part for part in reversed(parts) if os.path.lexists(part)), folder))
    except OSError as error:
        raise unwritable(error, folder) from error


def unwritable(error: OSError, folder: Path) -> UsageError:
    """The error where an output folder cannot be written to."""
    where = show(error.filename or folder)
    return UsageError(f"{where}: cannot write there ({error.strerror}); choose another folder with -o")


def storage_error(error: Exception, path: Path, advice: str) -> StorageError:
    """What a user is told where something does not go to the disk; advice: what to do about it."""
    why = getattr(error, "strerror", None) or one_line(error)
    return StorageError(f"{show(path)}: cannot be written ({why}); {advice}")


def _check_mode(folder: Path) -> None:
    mode = folder.stat().st_mode
    if not stat.S_ISDIR(mode):
        raise NotADirectoryError(20, "Not a folder", str(folder))
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(13, "Permission denied, the folder is read-only", str(folder))


def sweep(folder: Path, below: bool = True) -> int:
    """Remove the temporary files of killed runs in the output folder, and in those below; returns how many."""
    found = 0
    for root, folders, names in os.walk(folder):
        for name in [name for name in names if name.startswith(TEMPORARY)]:
            Path(root, name).unlink(missing_ok=True)
            found += 1
        for name in [name for name in folders if name.startswith(TEMPORARY)]:
            shutil.rmtree(Path(root, name), ignore_errors=True)
            folders.remove(name)
            found += 1
        if not below:
            break
    return found


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
