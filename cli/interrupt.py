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
def unwinding() -> Iterator[Callable[[], None]]:
    """While the block runs, Ctrl-C and SIGTERM end it as exceptions do, so that what it began is taken away.

    A library may lose an exception that comes from nowhere, as torch's exporter does now and then. The block calls what
    it is given before each of its steps: it ends there at the latest.
    """
    heard = 0

    def heed() -> None:
        if heard == signal.SIGINT:
            raise KeyboardInterrupt
        if heard:
            sys.exit(128 + heard)

    def handle(number: int, _: object) -> None:
        nonlocal heard
        heard = number
        heed()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield heed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
