"""The ab bins of the classification: 32 of a and 32 of b, width 8, edges -128, -120, ..., 128 (paper, section 4.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .lab import Array

COUNT = 32
WIDTH = 8.0
LOWEST = -128.0
CENTERS = LOWEST + WIDTH * (np.arange(COUNT) + 0.5)

JOINT_WIDTH = 16.0
# Of each step of a, the first and the last step of b of the nodes that lie within one step of a color of sRGB.
_JOINT_ROWS = {
    -6: (3, 6), -5: (1, 6), -4: (-1, 6), -3: (-2, 6), -2: (-3, 6), -1: (-4, 6), 0: (-5, 6), 1: (-5, 6),
    2: (-6, 6), 3: (-7, 5), 4: (-7, 5), 5: (-7, 5), 6: (-7, 5), 7: (-5, -3),
}  # fmt: skip
JOINT = JOINT_WIDTH * np.array([(a, b) for a, (low, high) in _JOINT_ROWS.items() for b in range(low, high + 1)])
"""The nodes [140, 2] of a grid over a and b together, of which every color of sRGB is a bilinear mixture."""


def to_bins(ab: Array) -> NDArray[np.int64]:
    """Chroma of any shape to bin indices 0..31 of the same shape; values outside go to the end bins."""
    return np.clip(np.floor((ab - LOWEST) / WIDTH), 0, COUNT - 1).astype(np.int64)
