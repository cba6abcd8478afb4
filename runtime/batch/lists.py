"""Lists of pictures as files: what `--files-from` reads and `--failures` writes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from ...color.errors import UsageError
from ..files import show


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


class FailureList:
    """Writes names one a line as they come; all of them ended by NUL instead once a name has a line break in it."""

    def __init__(self, path: Path) -> None:
        self._path, self._end = path, b"\n"
        try:
            self._file = path.open("w+b", buffering=0)
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, name: str) -> None:
        """One more. Raises UsageError where it cannot be written."""
        data = os.fsencode(name)
        try:
            if (b"\n" in data or data.endswith(b"\r")) and self._end == b"\n":
                self._end = b"\0"
                self._file.seek(0)
                before = self._file.read()
                self._file.seek(0)
                self._file.write(before.replace(b"\n", b"\0"))
            self._file.write(data + self._end)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UsageError:
        return UsageError(f"{show(self._path)}: cannot be written ({error.strerror})")
