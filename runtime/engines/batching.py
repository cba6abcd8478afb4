"""Batches out of calls that come one by one."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...color.errors import PictureError
from ...color.lab import Bytes
from ..painting.kernel import Place
from .engine import Engine


@dataclass(slots=True, eq=False)
class _Request:
    painted: bool
    rgb: Bytes
    hints: Bytes
    vividness: float
    found: tuple[Bytes | None, NDArray[np.float32]] | None = None
    error: Exception | None = None

    def fits(self, other: _Request) -> bool:
        mine, others = ((one.painted, one.rgb.shape, one.hints.shape, one.vividness) for one in (self, other))
        return mine == others


class BatchingEngine:
    """Runs the calls that wait while the engine is busy as one, where their pictures have one size and one vividness.

    Nobody waits for others to come: a free engine takes what is there, the oldest first, and with it the others of its
    kind, `most` at a time. Two batches are in flight, so that one is copied while the other is computed. It pays on
    GPUs; a CPU colors no faster in batches. See `engine.Engine` for the rest.
    """

    def __init__(self, engine: Engine, most: int, in_flight: int = 2) -> None:
        self.engine, self.most, self._free = engine, most, in_flight
        self.backend, self.device, self.about = engine.backend, engine.device, engine.about
        self.parallel_tiles, self.kernel = engine.parallel_tiles, engine.kernel
        self._waiting: list[_Request] = []
        self._changed = threading.Condition()

    def joint(self, rgb: Bytes, hints: Bytes) -> NDArray[np.float32]:
        """Asked for by whoever looks at one picture: nothing waits to be merged."""
        return self.engine.joint(rgb, hints)

    def color(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> tuple[Bytes, NDArray[np.float32]]:
        colored, ab = self._wait(_Request(True, rgb, hints, vividness))
        assert colored is not None
        return colored, ab

    def chroma(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> NDArray[np.float32]:
        return self._wait(_Request(False, rgb, hints, vividness))[1]

    def _wait(self, mine: _Request) -> tuple[Bytes | None, NDArray[np.float32]]:
        with self._changed:
            self._waiting.append(mine)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: mine.found or mine.error or (self._free and self._waiting))
                if mine.error:
                    raise mine.error
                if mine.found:
                    return mine.found
                first = self._waiting[0]
                batch = [other for other in self._waiting if other.fits(first)][: self.most]
                self._waiting = [other for other in self._waiting if other not in batch]
                self._free -= 1
            try:
                self._run(batch)
            finally:
                with self._changed:
                    self._free += 1
                    self._changed.notify_all()

    def _run(self, batch: list[_Request]) -> None:
        try:
            rgb, hints = (np.concatenate([getattr(one, name) for one in batch]) for name in ("rgb", "hints"))
            colored: Bytes | None = None
            if batch[0].painted:
                colored, ab = self.engine.color(rgb, hints, batch[0].vividness)
            else:
                ab = self.engine.chroma(rgb, hints, batch[0].vividness)
        except PictureError as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            # Together they may not fit the memory; alone they may.
            for one in batch:
                self._run([one])
        except Exception as error:
            for one in batch:
                one.error = error
        else:
            ends = np.cumsum([len(one.rgb) for one in batch])
            for one, end in zip(batch, ends, strict=True):
                some = slice(end - len(one.rgb), end)
                one.found = None if colored is None else colored[some], ab[some]

    def paint(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        return self.engine.paint(tile, ab, place)
