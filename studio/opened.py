"""One picture, open: its pixels at every scale, what the network says of it, and any view painted from both."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..color.errors import UsageError
from ..color.hints import Hints
from ..color.lab import Bytes, rgb_to_lightness
from ..runtime.colorizer import Colorizer
from ..runtime.grid import TILE
from ..runtime.tiles import Tile, tiles, work_on

Chroma = NDArray[np.float32]
PREDICTIONS = 8
# A view larger than any screen is refused.
MAX_VIEW = 16_000_000
# How far, in a and b, a cell must move to count as changed.
MOVED = 8.0


@dataclass(frozen=True, slots=True)
class View:
    """What a page shows: a rectangle of the picture in its pixels, at so many pixels of the answer."""

    left: float
    top: float
    right: float
    bottom: float
    width: int
    height: int

    @classmethod
    def read(cls, value: Any, size: tuple[int, int]) -> View:
        """From the page's JSON, for a picture of a size (W, H). Raises UsageError."""
        try:
            left, top, right, bottom = (float(side) for side in value["rect"])
            width, height = (int(side) for side in value["size"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise UsageError("a view is {rect: [left, top, right, bottom], size: [width, height]}") from error
        inside = 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
        if not inside or width < 1 or height < 1 or width * height > MAX_VIEW:
            raise UsageError("the view lies outside the picture, or is too large")
        if width > np.ceil(right - left) or height > np.ceil(bottom - top):
            raise UsageError("a view has at most the picture's own pixels; the page enlarges them")
        return cls(left, top, right, bottom, width, height)


class Opened:
    """A picture that is open; for one thread at a time. Memory: the picture and a third for its smaller scales."""

    def __init__(self, name: str, rgb: Bytes, colorizer: Colorizer, stamp: tuple[int, int]) -> None:
        self.name, self.stamp = name, stamp
        self.size = rgb.shape[1], rgb.shape[0]
        self._colorizer = colorizer
        colorizer.set_image(rgb)
        self._levels = [rgb]
        while min(self._levels[-1].shape[:2]) > 512:
            height, width = self._levels[-1].shape[:2]
            half = (width + 1) // 2, (height + 1) // 2
            self._levels.append(np.asarray(cv2.resize(self._levels[-1], half, interpolation=cv2.INTER_AREA), np.uint8))
        self._chroma: OrderedDict[bytes, Chroma] = OrderedDict()
        self._edit, self._before, self._last = "", None, None  # type: str, Chroma | None, Chroma | None
        self._gray: tuple[View, Bytes] | None = None

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]

    def chroma(self, hints: Hints) -> Chroma:
        """The network's ab [1, 2, g, k] for these hints; the last few are kept, so that panning costs none."""
        cells = hints.rasterize(self._colorizer.grid)
        key = cells.tobytes() if hints.count else b""
        if key not in self._chroma:
            self._chroma[key] = self._colorizer.chroma(cells)
            while len(self._chroma) > PREDICTIONS:
                self._chroma.popitem(last=False)
        self._chroma.move_to_end(key)
        return self._chroma[key]

    def changed(self, edit: str, chroma: Chroma) -> float:
        """Which share of the picture has another color than before an edit began; a drag is one edit. 0 at first."""
        if edit != self._edit:
            self._edit, self._before = edit, self._last
        self._last = chroma
        return 0.0 if self._before is None else float(np.mean(np.hypot(*(chroma - self._before)[0]) > MOVED))

    def gray(self, view: View) -> Bytes:
        """The view as it is in the file, uint8 [h, w, 3]; the last one is kept, since hints change under it."""
        if self._gray is None or self._gray[0] != view:
            self._gray = view, self._shrunk(view)
        return self._gray[1]

    def _shrunk(self, view: View) -> Bytes:
        scale = max(1.0, min((view.right - view.left) / view.width, (view.bottom - view.top) / view.height))
        level = min(len(self._levels) - 1, int(np.floor(np.log2(scale) + 1e-9)))
        pixels = self._levels[level]
        height, width = pixels.shape[:2]
        across, down = width / self.size[0], height / self.size[1]
        left, right = int(view.left * across + 0.5), int(view.right * across + 0.5)
        top, bottom = int(view.top * down + 0.5), int(view.bottom * down + 0.5)
        part = pixels[min(top, height - 1) : max(bottom, top + 1), min(left, width - 1) : max(right, left + 1)]
        if part.shape[:2] == (view.height, view.width):
            return np.ascontiguousarray(part)
        return np.asarray(cv2.resize(part, (view.width, view.height), interpolation=cv2.INTER_AREA), np.uint8)

    def paint(self, view: View, chroma: Chroma) -> Bytes:
        """The view in color, uint8 [h, w, 3]; where it has the picture's own pixels, those that the batch writes."""
        gray = self.gray(view)
        out = np.empty_like(gray)
        across, down = view.width / (view.right - view.left), view.height / (view.bottom - view.top)
        whole = self.size[1] * down, self.size[0] * across
        engine = self._colorizer.engine

        def paint(tile: Tile) -> None:
            place = (view.top * down + tile[0].start, view.left * across + tile[1].start, *whole)
            pixels = np.ascontiguousarray(gray[tile])
            out[tile] = engine.paint(pixels[None], chroma, place)[0]

        work_on(tiles((view.height, view.width), TILE, TILE), paint, engine.parallel_tiles)
        return out

    def suggest(self, x: int, y: int, hints: Hints) -> list[dict[str, Any]]:
        """Likely colors of a pixel. Raises BundleError where the bundle cannot say."""
        found = self._colorizer.suggest(x + 0.5, y + 0.5, hints, 6)
        return [{"color": "#{:02x}{:02x}{:02x}".format(*s.color), "probability": float(s.probability)} for s in found]

    def lightness(self, x: int, y: int) -> float:
        """L of a pixel."""
        return float(rgb_to_lightness(self._levels[0][y, x]))


def with_alpha(rgb: Bytes) -> bytes:
    """As a canvas takes it: RGBA, row by row."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)).tobytes()
