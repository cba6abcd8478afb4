"""A small visible mark in the lower right corner: the colors are inferred."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from ...color.lab import Samples
from .picture import Picture

TEXT = "colors inferred"
SHARE = 1 / 40
"""Of the shorter side, the height of the letters."""
LEAST, FONT = 7.0, cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class _Stamp:
    """Where the mark lies in a picture, and its letters, 0..1 [h, w], with a rim and without."""

    top: int
    left: int
    rim: Any
    ink: Any

    def on(self, pixels: Samples, first: int = 0) -> Any:
        """Rows of the picture [h, W, 3], of which `first` is the first, with what lies there of the mark."""
        rows = slice(max(0, first - self.top), max(0, first + len(pixels) - self.top))
        rim, ink = self.rim[rows, :, None], self.ink[rows, :, None]
        if not len(rim):
            return pixels
        top = max(0, self.top - first)
        place = np.s_[top : top + len(rim), self.left : self.left + rim.shape[1]]
        marked = pixels.copy()
        largest = np.iinfo(marked.dtype).max
        under = marked[place] * (1 - rim)
        marked[place] = np.rint(under * (1 - ink) + largest * ink).astype(marked.dtype)
        return marked

    def opaque(self, alpha: Samples) -> Samples:
        """Alpha [H, W] with the letters opaque."""
        place = np.s_[self.top : self.top + self.rim.shape[0], self.left : self.left + self.rim.shape[1]]
        marked: Any = alpha.copy()
        marked[place] = np.maximum(marked[place], np.rint(self.rim * np.iinfo(marked.dtype).max).astype(marked.dtype))
        return marked


def mark(picture: Picture) -> Picture:
    """The picture with the mark; its letters are opaque."""
    stamp = _stamp(*picture.pixels.shape[:2])
    alpha = None if picture.alpha is None else stamp.opaque(picture.alpha)
    if picture.bands is not None:
        return replace(picture, alpha=alpha, bands=_marked(stamp, picture.bands))
    if picture.deep is not None:
        return replace(picture, alpha=alpha, deep=stamp.on(picture.deep))
    return replace(picture, alpha=alpha, pixels=stamp.on(picture.rgb))


def _marked(stamp: _Stamp, bands: Iterable[Samples]) -> Iterator[Samples]:
    top = 0
    for band in bands:
        yield stamp.on(band, top)
        top += len(band)


def _stamp(height: int, width: int) -> _Stamp:
    scale = max(LEAST, SHARE * min(height, width)) / cv2.getTextSize(TEXT, FONT, 1.0, 1)[0][1]
    thick = max(1, round(1.6 * scale))
    (across, up), below = cv2.getTextSize(TEXT, FONT, scale, 3 * thick)
    if across > 0.9 * width:  # a picture too narrow for it
        scale *= 0.9 * width / across
        thick = max(1, round(1.6 * scale))
        (across, up), below = cv2.getTextSize(TEXT, FONT, scale, 3 * thick)
    rim, ink = (_letters((up + 2 * below, across + 2 * thick), scale, lines) for lines in (3 * thick, thick))
    top, left = max(0, height - rim.shape[0]), max(0, width - rim.shape[1] - below)
    return _Stamp(top, left, rim[: height - top, : width - left], ink[: height - top, : width - left])


def _letters(size: tuple[int, int], scale: float, thick: int) -> Any:
    """The text, drawn on nothing: 0..1 [H, W]."""
    canvas = np.zeros(size, np.uint8)
    baseline = size[0] - cv2.getTextSize(TEXT, FONT, scale, thick)[1]
    cv2.putText(canvas, TEXT, (thick, baseline), FONT, scale, 255, thick, cv2.LINE_AA)
    return canvas / 255.0
