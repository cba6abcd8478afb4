"""The Python interface: set a picture once, colour it many times with other hints."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..color.errors import PictureError, UsageError
from ..color.hints import Hints
from ..color.lab import Bytes, rgb_to_lightness
from ..color.lab16 import at_lightness
from .bundle import Bundle, load_bundle
from .engines.batching import BatchingEngine
from .engines.engine import Engine
from .engines.open import open_engine
from .grid import CELL, GPU_BATCH, SHORT_SIDE, TILE, WHOLE, choose_grid, shrink_factor
from .suggestions import Suggestion, at_place, suggest

# Where a picture of 16 bits is darker than this level of 8, its chroma is taken at this level: 8 bits have too few
# colours below, and every colour that fits the gamut there fits it here.
CHROMA_FLOOR = 64

NO_PICTURE = "no picture is set; call set_image first"
NOT_A_NUMBER = "the model's output is not a number; the bundle is damaged or the wrong one"

Tile = tuple[slice, slice]


class Colorizer:
    """A loaded model. One object for each thread; `share` makes more that use the same engine.

    bundle: a folder that `gcolor export` wrote, None for the default model. device: "auto", "cpu", "cuda", "cuda:N".
    threads: arithmetic threads of each call, 0 for all cores. backend: see `open_engine`. batch_size: so many
    pictures of one size that wait at a time run as one, 0 for the engine's default. Raises BundleError and EngineError.

        colorizer = gcolor.Colorizer()
        colorizer.set_image(rgb)               # uint8 [H, W, 3]
        automatic = colorizer.color()
        guided = colorizer.color(hints)        # uint8 RGBA, or a Hints object
    """

    bundle: Bundle
    engine: Engine

    def __init__(
        self,
        bundle: str | os.PathLike[str] | None = None,
        device: str = "auto",
        threads: int = 0,
        backend: str = "auto",
        batch_size: int = 0,
    ) -> None:
        self.bundle = load_bundle(None if bundle is None else Path(bundle))
        self.engine = open_engine(self.bundle, backend, device, threads)
        most = batch_size or (1 if self.engine.device == "cpu" else GPU_BATCH)
        if most > 1:
            self.engine = BatchingEngine(self.engine, most)
        self._rgb: Bytes | None = None
        self._asked: tuple[bytes, NDArray[np.float32]] | None = None
        self.grid = (SHORT_SIDE, SHORT_SIDE)

    def share(self) -> Colorizer:
        """Another colorizer on the same engine, with a picture of its own."""
        return self.over(self.bundle, self.engine)

    @classmethod
    def over(cls, bundle: Bundle, engine: Engine) -> Colorizer:
        """A colorizer on an engine that is open already, or one of your own that runs the bundle elsewhere."""
        other = object.__new__(cls)
        other.bundle, other.engine, other.grid = bundle, engine, (SHORT_SIDE, SHORT_SIDE)
        other._rgb = other._asked = None
        return other

    def set_image(self, rgb: Bytes, grid: tuple[int, int] | None = None) -> None:
        """Set the picture, uint8 [H, W, 3] or [H, W]; only its lightness counts. grid: (h, w), multiples of 16.

        Raises PictureError for another type or shape, UsageError for a grid that the network cannot have.
        """
        if rgb.dtype != np.uint8 or rgb.ndim not in (2, 3) or (rgb.ndim == 3 and rgb.shape[2] != 3) or not rgb.size:
            raise PictureError(f"a picture is uint8 [H, W, 3] or [H, W], this is {rgb.dtype} {list(rgb.shape)}")
        if grid is not None and (min(grid) < 2 * CELL or grid[0] % CELL or grid[1] % CELL):
            raise UsageError(f"grid {grid}: both sides must be multiples of {CELL}, at least {2 * CELL}")
        self._rgb = np.ascontiguousarray(np.repeat(rgb[..., None], 3, axis=2) if rgb.ndim == 2 else rgb)
        self.grid = grid or choose_grid(*rgb.shape[:2])
        self._small = self._shrink(self._rgb)
        self._asked = None

    def clear(self) -> None:
        """Forget the picture, so that its memory is free."""
        self._rgb = None
        self._small = np.empty((0, 0, 3), np.uint8)
        self._asked = None

    def _shrink(self, rgb: Bytes) -> Bytes:
        """What the network looks at: the picture itself, or a large one averaged to once or twice the grid first.

        By whole factors, which OpenCV averages several times as fast; the graph shrinks the rest of the way.
        """
        height, width = rgb.shape[:2]
        if height * width <= WHOLE:
            return rgb
        down, across = (shrink_factor(side, cells) for side, cells in zip((height, width), self.grid, strict=True))
        rows, columns = height // down, width // across
        even = rgb[: rows * down, : columns * across]
        return np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)

    def color(self, hints: Bytes | Hints | None = None, vividness: float = 1.0) -> Bytes:
        """The picture in colour, uint8 [H, W, 3], at its own size and lightness.

        hints: None, a `Hints` object, or RGBA uint8 [h, w, 4] where alpha >= 128 says that the colour is a hint; an
        array of another size than the grid is taken as an overlay of the whole picture. vividness, 0..2, multiplies the
        chroma that the network makes up, not what hints say. Raises PictureError, HintError, UsageError for another
        vividness, and BundleError where the bundle is from before there was one.
        """
        colored, ab = self._predict(hints, vividness)
        assert self._rgb is not None
        if self._small is self._rgb:
            return colored[0]
        out = np.empty_like(self._rgb)

        def paint(tile: Tile) -> None:
            out[tile] = self._paint(tile, ab)

        self._each_tile(paint)
        return out

    def chroma(self, hints: Bytes | Hints | None = None) -> NDArray[np.float32]:
        """What the network says of the picture: ab [1, 2, g, k], from which `engine.paint` paints any part of it.

        For hints and errors see `color`.
        """
        if self._rgb is None:
            raise PictureError(NO_PICTURE)
        ab = self.engine.chroma(self._small[None], self._raster(hints)[None])
        _check(ab)
        return ab

    def color_deep(
        self, samples: NDArray[np.uint16], hints: Bytes | Hints | None = None, vividness: float = 1.0
    ) -> NDArray[np.uint16]:
        """The picture that was set, at the lightness of its own samples of 16 bits: uint16 [H, W, 3].

        samples: uint16 [H, W] (grey) or [H, W, 3] in sRGB; what was set is the same picture at 8 bits. For hints,
        vividness and errors see `color`.
        """
        if self._rgb is None or samples.dtype != np.uint16 or samples.shape[:2] != self._rgb.shape[:2]:
            raise PictureError("samples are uint16 of the size of the picture that was set")
        _, ab = self._predict(hints, vividness)
        out = np.empty(self._rgb.shape, np.uint16)

        def paint(tile: Tile) -> None:
            out[tile] = at_lightness(self._paint(tile, ab, darkest=CHROMA_FLOOR), samples[tile])

        self._each_tile(paint)
        return out

    def suggest(self, x: float, y: float, hints: Bytes | Hints | None = None, count: int = 6) -> list[Suggestion]:
        """Up to `count` distinct colours that a place of the picture may have, given the hints; the likeliest first.

        x, y: in pixels, x right, y down, the first pixel's middle being (0.5, 0.5). For hints and errors see `color`;
        raises UsageError for a place outside of the picture, BundleError where the bundle has no suggestions.
        """
        if self._rgb is None:
            raise PictureError(NO_PICTURE)
        height, width = self._rgb.shape[:2]
        if not (0 <= x < width and 0 <= y < height):
            raise UsageError(f"({x:g}, {y:g}) is outside of the picture, which has {width} x {height} pixels")
        if count < 1:
            raise UsageError(f"{count} suggestions: at least one")
        joint = self._joint(hints)
        lightness = float(rgb_to_lightness(self._rgb[int(y), int(x)]))
        return suggest(at_place(joint, x / width, y / height), lightness, count)

    def _joint(self, hints: Bytes | Hints | None) -> NDArray[np.float32]:
        """Probabilities [140, m, n] of every cell; kept for the last hints: one asks about place after place."""
        cells = self._raster(hints)
        key = cells.tobytes()
        if self._asked is None or self._asked[0] != key:
            joint = self.engine.joint(self._small[None], cells[None])[0]
            _check(joint)
            self._asked = key, joint
        return self._asked[1]

    def _predict(self, hints: Bytes | Hints | None, vividness: float) -> tuple[Bytes, NDArray[np.float32]]:
        """What the fused graph makes of the small picture: it coloured [1, H', W', 3], and ab [1, 2, g, k]."""
        if self._rgb is None:
            raise PictureError(NO_PICTURE)
        if not 0.0 <= vividness <= 2.0:
            raise UsageError(f"vividness {vividness:g}: from 0 to 2")
        colored, ab = self.engine.color(self._small[None], self._raster(hints)[None], vividness)
        _check(ab)
        return colored, ab

    def _paint(self, tile: Tile, ab: NDArray[np.float32], darkest: int = 0) -> Bytes:
        """A tile by the whole picture's ab; what is darker than a level is painted at that level."""
        assert self._rgb is not None
        pixels = np.ascontiguousarray(self._rgb[tile])
        place = (tile[0].start, tile[1].start, *self._rgb.shape[:2])
        return self.engine.paint((np.maximum(pixels, darkest) if darkest else pixels)[None], ab, place)[0]

    def _each_tile(self, work: Callable[[Tile], None]) -> None:
        assert self._rgb is not None
        height, width = self._rgb.shape[:2]
        corners = itertools.product(range(0, height, TILE), range(0, width, TILE))
        tiles = [(slice(top, top + TILE), slice(left, left + TILE)) for top, left in corners]
        if self.engine.parallel_tiles == 1:
            for tile in tiles:
                work(tile)
        else:
            with ThreadPoolExecutor(self.engine.parallel_tiles) as pool:
                list(pool.map(work, tiles))

    def _raster(self, hints: Bytes | Hints | None) -> Bytes:
        assert self._rgb is not None
        if hints is None:
            return np.zeros((*self.grid, 4), np.uint8)
        if isinstance(hints, Hints):
            return hints.rasterise(self.grid)
        if hints.dtype != np.uint8 or hints.ndim != 3 or hints.shape[2] != 4 or not hints.size:
            raise PictureError(f"hints are uint8 [h, w, 4], these are {hints.dtype} {list(hints.shape)}")
        if hints.shape[:2] == self.grid:
            return np.ascontiguousarray(hints)
        height, width = self._rgb.shape[:2]
        return Hints(size=(width, height), overlay=hints, marks=[]).rasterise(self.grid)


def _check(found: NDArray[np.float32]) -> None:
    if not np.isfinite(found).all():
        raise PictureError(NOT_A_NUMBER)
