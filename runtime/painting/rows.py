"""Rows of a picture, painted tile by tile by whatever paints in an engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...color.lab import Bytes, Deep
from ...color.lab16 import at_lightness
from ..engines.engine import Engine
from ..grid import TILE
from ..tiles import Tile, tiles, work_on

# Where a picture of 16 bits is darker than this level of 8, its chroma is taken at this level: 8 bits have too few
# colors below, and every color that fits the gamut there fits it here.
CHROMA_FLOOR = 64


def paint_rows(engine: Engine, picture: Bytes, top: int, ab: NDArray[np.float32], out: Bytes) -> None:
    """A picture's rows from `top` on, into out [h, W, 3 or 4]. picture: uint8 [H, W, 3], or [H, W] for the kernel."""
    kernel = engine.kernel
    size, rows = picture.shape[:2], len(out)

    def paint(tile: Tile) -> None:
        out[tile][..., :3] = _paint(engine, picture, _below(top, tile), ab)

    def paint_strip(tile: Tile) -> None:
        assert kernel
        kernel.paint(picture[_below(top, tile)], ab, (top + tile[0].start, 0, *size), out[tile])

    if kernel:
        strips = tiles((rows, size[1]), -(-rows // engine.parallel_tiles), size[1])
        work_on(strips, paint_strip, engine.parallel_tiles)
    else:
        work_on(tiles((rows, size[1]), TILE, TILE), paint, engine.parallel_tiles)


def paint_deep_rows(
    engine: Engine, picture: Bytes, top: int, ab: NDArray[np.float32], samples: Deep, out: Deep
) -> None:
    """A picture's rows from `top` on at the lightness of its samples of 16 bits, into out [h, W, 3]."""

    def paint(tile: Tile) -> None:
        place = _below(top, tile)
        out[tile] = at_lightness(_paint(engine, picture, place, ab, darkest=CHROMA_FLOOR), samples[place])

    work_on(tiles(out.shape[:2], TILE, TILE), paint, engine.parallel_tiles)


def _paint(engine: Engine, picture: Bytes, tile: Tile, ab: NDArray[np.float32], darkest: int = 0) -> Bytes:
    """A tile by the whole picture's ab; what is darker than a level is painted at that level."""
    pixels = np.ascontiguousarray(picture[tile])
    place = (tile[0].start, tile[1].start, *picture.shape[:2])
    return engine.paint((np.maximum(pixels, darkest) if darkest else pixels)[None], ab, place)[0]


def _below(top: int, tile: Tile) -> Tile:
    """The same so many rows further down."""
    return slice(top + tile[0].start, top + tile[0].stop), tile[1]
