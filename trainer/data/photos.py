"""The pixels of one training photo: checked, made small, its ab bins counted, encoded."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ...color import bins, lab
from ...color.lab import Bytes

# The paper (section 4.1) counts a pixel as near-grey when both its bins are in 14..18: a and b from -16 to below 24.
GREY_BINS = (14, 18)
SMALLEST = 32
"""Photos with a shorter side than this, in pixels, are of no use."""


def fit(photo: Bytes, size: int, stretch: bool) -> Bytes:
    """RGB uint8 [H, W, 3] with its short side shrunk to `size` pixels, aspect kept; smaller ones stay as they are.

    stretch: size x size instead, whatever the aspect, enlarged where it must be (as the paper does).
    """
    height, width = photo.shape[:2]
    if stretch:
        return resize(photo, size, size)
    scale = size / min(height, width)
    if scale >= 1.0:
        return photo
    return resize(photo, max(size, round(height * scale)), max(size, round(width * scale)))


def resize(photo: Bytes, height: int, width: int) -> Bytes:
    """RGB uint8 [H, W, 3] to [height, width, 3]: each axis antialiased where it shrinks, bilinear where it grows."""
    # Two steps, as OpenCV's INTER_AREA antialiases only when both axes shrink.
    small = (min(width, photo.shape[1]), min(height, photo.shape[0]))
    photo = np.asarray(cv2.resize(photo, small, interpolation=cv2.INTER_AREA), np.uint8)
    if small == (width, height):
        return photo
    return np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def ab_bins(photo: Bytes) -> NDArray[np.int64]:
    """The bins of a and b, 0..31, of every second pixel of every second row: RGB uint8 [H, W, 3] to [h, w, 2].

    All of them would cost five times as much as the rest of the work, and change a near-grey share by about 0.001.
    """
    return bins.to_bins(lab.rgb_to_lab(photo[::2, ::2])[..., 1:])


def grey_share(index: NDArray[np.int64]) -> float:
    """Share, 0..1, of the pixels of bins [..., 2] that are near-grey in both a and b (see GREY_BINS)."""
    low, high = GREY_BINS
    return float(((index >= low) & (index <= high)).all(-1).mean())


def count_bins(index: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many pixels of bins [..., 2] fall into each bin: [2, 32], a then b."""
    return np.stack([np.bincount(index[..., head].ravel(), minlength=bins.COUNT) for head in range(2)])


def encode(photo: Bytes, quality: int) -> bytes:
    """RGB uint8 [H, W, 3] as JPEG of a quality 1..100 with the full chroma resolution (4:4:4)."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), options)[1].tobytes()
