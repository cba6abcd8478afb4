"""Ctrl-C and SIGTERM: the first is remembered, so that work comes to an orderly end; the second ends at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Interrupt:
    """While the block runs, `signal` is the number of the first signal, 0 before; `say` tells what happens first."""

    def __init__(self, say: Callable[[str], None], first: str) -> None:
        self.signal = 0
        self._say, self._first = say, first
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: object) -> None:
        if self.signal:
            os._exit(128 + number)
        self.signal = number
        self._say(f"stopping: {self._first}; once more to stop at once")


@contextmanager
def unwinding() -> Iterator[None]:
    """While the block runs, SIGTERM ends it as an exception does, so that what it began is taken away."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
