"""EXIF orientations."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind", np.uint8, np.uint16)

# How a stored picture becomes upright: whether rows and columns change places first, then what is mirrored (OpenCV's
# code: 1 left and right, 0 top and bottom, -1 both).
TURNS = {
    2: (False, 1),
    3: (False, -1),
    4: (False, 0),
    5: (True, None),
    6: (True, 1),
    7: (True, -1),
    8: (True, 0),
}


def turn(pixels: NDArray[Kind], orientation: int) -> NDArray[Kind]:
    """Pixels [H, W] or [H, W, C] as displayed; an orientation outside 2..8 leaves them."""
    transposed, mirrored = TURNS.get(orientation, (False, None))
    if transposed:
        pixels = np.asarray(cv2.transpose(pixels), pixels.dtype)
    if mirrored is not None:
        pixels = np.asarray(cv2.flip(pixels, mirrored), pixels.dtype)
    return pixels
