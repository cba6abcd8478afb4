"""What runs a bundle: one small interface. `open.py` says which engine is behind it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...color.lab import Bytes

# Where a tile lies: its first row and column, and the whole picture's rows and columns. Of a picture that is shown
# smaller, in pixels of what is shown, whole or not.
Place = tuple[float, float, float, float]


class Engine(Protocol):
    """The two graphs of a bundle, loaded. Safe to call from several threads at once.

    backend: its name in BACKENDS; device: what really runs it, "cpu" or "cuda:N"; about: the library and its version;
    painters: how many calls of `paint` at once make the best of it.
    """

    backend: str
    device: str
    about: str
    painters: int

    def color(self, rgb: Bytes, hints: Bytes) -> tuple[Bytes, NDArray[np.float32]]:
        """rgb uint8 [N, H, W, 3] and hints uint8 [N, h, w, 4] to the coloured pictures and their ab [N, 2, g, k].

        Raises PictureError where the engine fails on them (out of memory, say); the next call may work.
        """
        ...

    def paint(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        """A tile [1, H, W, 3] of a picture, coloured by the whole picture's ab [1, 2, g, k]."""
        ...
