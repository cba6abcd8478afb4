"""Lists of pictures as files: what `--files-from` reads and `--failures` writes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ....color.errors import UsageError
from ...files import show, storage_error


def read_list(path: Path) -> list[str]:
    """The paths in a file, "-" being the standard input: one a line, or each ended by a NUL where there is one.

    Raises UsageError.
    """
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise UsageError(f"{show(path)}: cannot be read ({error.strerror})") from error
    nul = b"\0" in data
    names = data.split(b"\0") if nul else [line.removesuffix(b"\r") for line in data.split(b"\n")]
    return [os.fsdecode(name) for name in names if name]


class Listing:
    """A file that is written as things happen. Raises UsageError where it cannot be written."""

    def __init__(self, path: Path, mode: str, **how: Any) -> None:
        self._path = path
        with self._writing():
            self._file: IO[Any] = path.open(mode, **how)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise storage_error(error, self._path, "make room, or name another file") from error


class FailureList(Listing):
    """Writes names one a line as they come; all of them ended by NUL instead once a name has a line break in it."""

    def __init__(self, path: Path) -> None:
        self._end = b"\n"
        super().__init__(path, "w+b", buffering=0)

    def add(self, name: str) -> None:
        """One more."""
        data = os.fsencode(name)
        with self._writing():
            if (b"\n" in data or data.endswith(b"\r")) and self._end == b"\n":
                self._end = b"\0"
                self._file.seek(0)
                before = self._file.read()
                self._file.seek(0)
                self._file.write(before.replace(b"\n", b"\0"))
            self._file.write(data + self._end)
