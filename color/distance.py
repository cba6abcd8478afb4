"""How far what one engine paints is from what another paints of the same pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import bins, lab, scores
from .lab import Bytes

# Width of the histogram's bins of CIEDE2000, and its end, which few colors reach.
STEP, END = 0.001, 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """Over every pixel of every picture; bin_agreement over every value of ab.

    p99_9_ciede2000 is rounded up to 0.001. psnr in dB, at most 99. max_levels of 255.
    """

    pictures: int
    mean_ciede2000: float
    p99_9_ciede2000: float
    psnr: float
    max_levels: int
    share_beyond_one_level: float
    bin_agreement: float


class Comparison:
    """Adds up pictures one at a time; none is kept."""

    def __init__(self) -> None:
        self._pictures = self._pixels = self._max_levels = self._beyond = self._same = self._values = 0
        self._ciede2000 = self._square = 0.0
        self._histogram = np.zeros(round(END / STEP) + 1, np.int64)

    def add(
        self, found: Bytes, wanted: Bytes, found_ab: NDArray[np.float32], wanted_ab: NDArray[np.float32]
    ) -> Distance:
        """Count one picture, uint8 [..., H, W, 3] from both engines and the ab [..., 2, g, k] that they found.

        Returns the distance of this picture alone.
        """
        one = Comparison()
        levels = np.abs(found.astype(np.int16) - wanted.astype(np.int16))
        distance = scores.ciede2000(lab.rgb_to_lab(found), lab.rgb_to_lab(wanted))
        one._pictures, one._pixels, one._values = 1, distance.size, wanted_ab.size
        one._max_levels = int(levels.max())
        one._beyond = int((levels.max(-1) > 1).sum())
        # An ab that is not a number is in no bin, and no color agrees with it.
        finite = bool(np.isfinite(found_ab).all())
        one._same = int((bins.to_bins(found_ab) == bins.to_bins(wanted_ab)).sum()) if finite else 0
        one._ciede2000 = float(distance.sum()) if finite else float("nan")
        one._square = float(np.square(levels.astype(np.float64)).sum())
        index = np.minimum(np.ceil(distance.ravel() / STEP), len(self._histogram) - 1).astype(np.int64)
        one._histogram = np.bincount(index, minlength=len(self._histogram))
        self.merge(one)
        return one.result()

    def merge(self, other: Comparison) -> None:
        """Count what another comparison has counted."""
        for name in ("_pictures", "_pixels", "_beyond", "_same", "_values", "_ciede2000", "_square", "_histogram"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self._max_levels = max(self._max_levels, other._max_levels)

    def result(self) -> Distance:
        """The distance over all pictures counted so far, at least one."""
        error = self._square / (3 * self._pixels)
        rank = int(np.searchsorted(np.cumsum(self._histogram), np.ceil(0.999 * self._pixels)))
        return Distance(
            pictures=self._pictures,
            mean_ciede2000=self._ciede2000 / self._pixels,
            p99_9_ciede2000=rank * STEP,
            psnr=min(99.0, 10.0 * float(np.log10(255.0**2 / max(error, 1e-12)))),
            max_levels=self._max_levels,
            share_beyond_one_level=self._beyond / self._pixels,
            bin_agreement=self._same / self._values,
        )
