"""Photos whose colors are known, to score with: a fair sample of a folder, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from ..color.errors import NothingToDoError, PictureError
from ..color.lab import Bytes
from ..color.protocol import sample
from .pictures import find_pictures, read_picture


def load_photos(
    folder: Path,
    limit: int | None = None,
    most_pixels: int | None = None,
    on_error: Callable[[Path, PictureError], None] | None = None,
) -> Iterator[tuple[Path, Bytes]]:
    """Path and RGB uint8 [H, W, 3] of the photos below a folder, in the order of their names' hash.

    limit: only the first so many, which are a fair sample. most_pixels: larger ones are shrunk to it, aspect kept.
    Raises NothingToDoError where there is none, and what reading raises unless on_error hears it.
    """
    found = False
    for path in sample(find_pictures(folder), limit):
        try:
            rgb = read_picture(path).rgb
        except PictureError as error:
            if on_error is None:
                raise PictureError(f"{path}: {error}") from error
            on_error(path, error)
            continue
        found = True
        scale = 1.0 if most_pixels is None else (most_pixels / (rgb.shape[0] * rgb.shape[1])) ** 0.5
        if scale < 1.0:
            size = max(1, int(rgb.shape[1] * scale)), max(1, int(rgb.shape[0] * scale))
            rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        yield path, rgb
    if not found:
        raise NothingToDoError(f"no photo that can be read in {folder}")
