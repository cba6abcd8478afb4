"""The standard streams, made safe: closed ones, and messages that nobody reads any more."""

from __future__ import annotations

import io
import os
import sys

closed: set[str] = set()
"""Of stdin, stdout and stderr, those that were closed when the process began."""


def make_safe() -> None:
    """Let closed streams be /dev/null, and messages be lost once nobody takes them; for the start of a process.

    A number that is free would go to the next file that is opened, and whatever writes to the standard error would
    write into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            closed.add(name)
            _open_nothing(number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
    if isinstance(sys.stderr, io.TextIOWrapper):
        encoding = sys.stderr.encoding
        sys.stderr = _Messages(sys.stderr.detach(), encoding=encoding, errors="backslashreplace", line_buffering=True)


def drop_output() -> None:
    """Let what is still to be written to the standard output be lost: its reader has gone."""
    _open_nothing(1)


def _open_nothing(number: int) -> None:
    handle = os.open(os.devnull, os.O_RDWR)
    if handle != number:
        os.dup2(handle, number)
        os.close(handle)


class _Messages(io.TextIOWrapper):
    """Loses what cannot be written: a batch does not end because nobody hears of it."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            _open_nothing(2)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            _open_nothing(2)
