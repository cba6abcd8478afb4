"""A small visible mark in the lower right corner: the colors are inferred."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from .picture import Picture

TEXT = "colors inferred"
SHARE = 1 / 40
"""Of the shorter side, the height of the letters."""
LEAST, FONT = 7.0, cv2.FONT_HERSHEY_SIMPLEX


def mark(picture: Picture) -> Picture:
    """The picture with the mark; its letters are opaque."""
    pixels: Any = picture.rgb if picture.deep is None else picture.deep
    height, width = pixels.shape[:2]
    scale = max(LEAST, SHARE * min(height, width)) / cv2.getTextSize(TEXT, FONT, 1.0, 1)[0][1]
    thick = max(1, round(1.6 * scale))
    (across, up), below = cv2.getTextSize(TEXT, FONT, scale, 3 * thick)
    if across > 0.9 * width:  # a picture too narrow for it
        scale *= 0.9 * width / across
        thick = max(1, round(1.6 * scale))
        (across, up), below = cv2.getTextSize(TEXT, FONT, scale, 3 * thick)
    rim, ink = (_letters((up + 2 * below, across + 2 * thick), scale, lines) for lines in (3 * thick, thick))
    top, left = max(0, height - rim.shape[0]), max(0, width - rim.shape[1] - below)
    rim, ink = rim[: height - top, : width - left], ink[: height - top, : width - left]
    place = np.s_[top : top + rim.shape[0], left : left + rim.shape[1]]
    marked = pixels.copy()
    largest = np.iinfo(marked.dtype).max
    under = marked[place] * (1 - rim[..., None])
    marked[place] = np.rint(under * (1 - ink[..., None]) + largest * ink[..., None]).astype(marked.dtype)
    alpha = picture.alpha
    if alpha is not None:
        alpha = alpha.copy()
        alpha[place] = np.maximum(alpha[place], np.rint(rim * np.iinfo(alpha.dtype).max).astype(alpha.dtype))
    name = "pixels" if picture.deep is None else "deep"
    return replace(picture, alpha=alpha, **{name: marked})


def _letters(size: tuple[int, int], scale: float, thick: int) -> Any:
    """The text, drawn on nothing: 0..1 [H, W]."""
    canvas = np.zeros(size, np.uint8)
    baseline = size[0] - cv2.getTextSize(TEXT, FONT, scale, thick)[1]
    cv2.putText(canvas, TEXT, (thick, baseline), FONT, scale, 255, thick, cv2.LINE_AA)
    return canvas / 255.0
