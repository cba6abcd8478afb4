"""The Python interface: set a picture once, color it many times with other hints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from ..color.errors import PictureError, UsageError
from ..color.lab import Bytes, Deep, Samples, rgb_to_lightness
from .bundle import Bundle, load_bundle
from .engines.batching import BatchingEngine
from .engines.engine import Engine
from .engines.open import open_engine
from .given import to_hints, to_rgb
from .grid import CELL, GPU_BATCH, SHORT_SIDE, TILE, WHOLE, choose_grid, shrink_factor
from .painting.rows import paint_deep_rows, paint_rows
from .suggestions import Suggestion, at_place, suggest

if TYPE_CHECKING:
    from .given import GivenHints, GivenPicture

NO_PICTURE = "no picture is set; call set_image first"
NOT_A_NUMBER = "the model's output is not a number; the bundle is damaged or the wrong one"


class Colorizer:
    """A loaded model. One object for each thread; `share` makes more that use the same engine.

    bundle: a folder that `gcolor export` wrote, None for the default model. device: "auto", "cpu", "cuda", "cuda:N".
    threads: arithmetic threads of each call, 0 for all cores. backend, painter: see `open_engine`. batch_size: so many
    pictures of one size that wait at a time run as one, 0 for the engine's default. Raises BundleError and EngineError.

        colorizer = gcolor.Colorizer()
        colorizer.set_image("a.jpg")           # or bytes, a PIL image, uint8 [H, W, 3]
        automatic = colorizer.color()
        guided = colorizer.color("a.json")     # or uint8 RGBA, a Hints object, …
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
        painter: str = "auto",
    ) -> None:
        self.bundle = load_bundle(None if bundle is None else Path(bundle))
        self.engine = open_engine(self.bundle, backend, device, threads, painter)
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

    def set_image(self, picture: GivenPicture, grid: tuple[int, int] | None = None) -> None:
        """Set the picture: a file, the bytes of one, a PIL image, or an array, uint8 [H, W, 3] or [H, W] in sRGB.

        Only its lightness counts. grid: (h, w), multiples of 16. Raises PictureError for what cannot be read and for
        another type or shape, UsageError for a grid that the network cannot have.
        """
        rgb = to_rgb(picture)
        if grid is not None and (min(grid) < 2 * CELL or grid[0] % CELL or grid[1] % CELL):
            raise UsageError(f"grid {grid}: both sides must be multiples of {CELL}, at least {2 * CELL}")
        # Only the kernel takes one plane.
        self._rgb = np.ascontiguousarray(rgb if self.engine.kernel else _three_planes(rgb))
        self.grid = grid or choose_grid(*rgb.shape[:2])
        self._small = _three_planes(self._shrink(self._rgb))
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

    def color(self, hints: GivenHints | None = None, vividness: float = 1.0, padded: bool = False) -> Bytes:
        """The picture in color, uint8 [H, W, 3], at its own size and lightness.

        hints: None, a `Hints` object, or RGBA uint8 [h, w, 4] where alpha >= 128 says that the color is a hint; an
        array of another size than the grid is taken as an overlay of the whole picture. Also hint files, one or
        several, the bytes of one, what a JSON file holds, or a PIL image with alpha. vividness, 0..2, multiplies the
        chroma that the network makes up, not what hints say. padded: each pixel takes four bytes of memory, as JPEG's
        writer has them. Raises PictureError, HintError, UsageError for another vividness, and BundleError where the
        bundle is from before there was one.
        """
        if self._is_small:
            colored, ab = self.engine.color(*self._given(hints, vividness))
            _check(ab)
            return colored[0]
        ab = self.chroma(hints, vividness)
        assert self._rgb is not None
        out = np.empty((*self._rgb.shape[:2], 4 if padded else 3), np.uint8)
        paint_rows(self.engine, self._rgb, 0, ab, out)
        return out[..., :3]

    def bands(
        self, hints: GivenHints | None = None, vividness: float = 1.0, samples: Deep | None = None
    ) -> Iterator[Samples]:
        """What `color` makes, or with samples `color_deep`, in bands of rows from above, [h, W, 3].

        Each is painted when it is asked for, so that the whole is never in memory. For hints, vividness, samples and
        errors see there.
        """
        if samples is None and self._is_small:
            return iter([self.color(hints, vividness)])
        self._check_samples(samples)
        ab = self.chroma(hints, vividness)
        picture = self._rgb
        assert picture is not None
        height, width = picture.shape[:2]

        def band(top: int) -> Samples:
            shape = (min(TILE, height - top), width, 3)
            if samples is None:
                out = np.empty(shape, np.uint8)
                paint_rows(self.engine, picture, top, ab, out)
                return out
            deep = np.empty(shape, np.uint16)
            paint_deep_rows(self.engine, picture, top, ab, samples, deep)
            return deep

        return map(band, range(0, height, TILE))

    @property
    def _is_small(self) -> bool:
        """Whether one call of the graph does it all."""
        return self.engine.kernel is None and self._small is self._rgb

    def chroma(self, hints: GivenHints | None = None, vividness: float = 1.0) -> NDArray[np.float32]:
        """What the network says of the picture: ab [1, 2, g, k], from which `engine.paint` paints any part of it.

        For hints, vividness and errors see `color`.
        """
        ab = self.engine.chroma(*self._given(hints, vividness))
        _check(ab)
        return ab

    def color_deep(self, samples: Deep, hints: GivenHints | None = None, vividness: float = 1.0) -> Deep:
        """The picture that was set, at the lightness of its own samples of 16 bits: uint16 [H, W, 3].

        samples: uint16 [H, W] (grey) or [H, W, 3] in sRGB; what was set is the same picture at 8 bits. For hints,
        vividness and errors see `color`.
        """
        self._check_samples(samples)
        ab = self.chroma(hints, vividness)
        assert self._rgb is not None
        out = np.empty((*samples.shape[:2], 3), np.uint16)
        paint_deep_rows(self.engine, self._rgb, 0, ab, samples, out)
        return out

    def _check_samples(self, samples: Deep | None) -> None:
        if self._rgb is None:
            raise PictureError(NO_PICTURE)
        if samples is not None and (samples.dtype != np.uint16 or samples.shape[:2] != self._rgb.shape[:2]):
            raise PictureError("samples are uint16 of the size of the picture that was set")

    def suggest(self, x: float, y: float, hints: GivenHints | None = None, count: int = 6) -> list[Suggestion]:
        """Up to `count` distinct colors that a place of the picture may have, given the hints; the likeliest first.

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
        lightness = float(rgb_to_lightness(np.broadcast_to(self._rgb[int(y), int(x)], 3)))
        return suggest(at_place(joint, x / width, y / height), lightness, count)

    def _joint(self, hints: GivenHints | None) -> NDArray[np.float32]:
        """Probabilities [140, m, n] of every cell; kept for the last hints: one asks about place after place."""
        cells = self._raster(hints)
        key = cells.tobytes()
        if self._asked is None or self._asked[0] != key:
            joint = self.engine.joint(self._small[None], cells[None])[0]
            _check(joint)
            self._asked = key, joint
        return self._asked[1]

    def _given(self, hints: GivenHints | None, vividness: float) -> tuple[Bytes, Bytes, float]:
        """What the fused graph is given of the picture."""
        if self._rgb is None:
            raise PictureError(NO_PICTURE)
        if not 0.0 <= vividness <= 2.0:
            raise UsageError(f"vividness {vividness:g}: from 0 to 2")
        return self._small[None], self._raster(hints)[None], vividness

    def _raster(self, hints: GivenHints | None) -> Bytes:
        assert self._rgb is not None
        if hints is None:
            return np.zeros((*self.grid, 4), np.uint8)
        height, width = self._rgb.shape[:2]
        found = to_hints(hints, (width, height))
        if isinstance(hints, np.ndarray) and hints.shape[:2] == self.grid:
            return np.ascontiguousarray(hints)
        return found.rasterize(self.grid)


def _three_planes(pixels: Bytes) -> Bytes:
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels


def _check(found: NDArray[np.float32]) -> None:
    if not np.isfinite(found).all():
        raise PictureError(NOT_A_NUMBER)


def colorize(
    picture: GivenPicture,
    hints: GivenHints | None = None,
    *,
    vividness: float = 1.0,
    bundle: str | os.PathLike[str] | None = None,
    device: str = "auto",
) -> Bytes:
    """A picture in color, uint8 [H, W, 3] in sRGB, at its own size and lightness, in one call.

    For `picture` see `Colorizer.set_image`, for `hints`, `vividness` and what is raised `Colorizer.color`, for the
    others `Colorizer`. The model is loaded at the first call and kept; threads may call at the same time.
    """
    colorizer = _opened(None if bundle is None else os.fspath(bundle), device).share()
    colorizer.set_image(picture)
    return colorizer.color(hints, vividness)


@lru_cache(maxsize=2)
def _opened(bundle: str | None, device: str) -> Colorizer:
    return Colorizer(bundle, device)
