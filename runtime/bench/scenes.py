"""Pictures made in code, the same on every machine: what `gcolor bench` colors where no photos are named."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ...color.lab import Bytes

Plane = NDArray[np.float32]
GRAIN = 3.0


def scene(height: int, width: int, number: int = 0) -> Bytes:
    """A color picture uint8 [height, width, 3]: sky, hills, foliage, buildings, discs, and film grain.

    number: which one; each has other shapes and colors. Both sides at least 1.
    """
    rng = np.random.default_rng([7, number])
    x, y = np.meshgrid(np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32))
    rgb = _sky(rng, y) + 14.0 * _clouds(rng, height, width, 4)[..., None]
    ground = y > 0.45 + 0.12 * _clouds(rng, 1, width, 3)
    leaves = 1.0 + 0.45 * _clouds(rng, height, width, 7, 0.85)
    rgb[ground] = (_color(rng, (40, 70, 20), (120, 150, 90)) * leaves[..., None])[ground]
    for _ in range(3):
        _building(rng, rgb, x, y)
    for _ in range(4):
        _disc(rng, rgb, x, y, width / height)
    rgb += GRAIN * rng.standard_normal((height, width, 1), np.float32)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def _color(rng: np.random.Generator, low: tuple[int, int, int], high: tuple[int, int, int]) -> Plane:
    return rng.uniform(low, high).astype(np.float32)


def _sky(rng: np.random.Generator, y: Plane) -> Plane:
    top, bottom = _color(rng, (60, 110, 170), (130, 170, 235)), _color(rng, (180, 180, 170), (250, 225, 220))
    return top + (bottom - top) * y[..., None]


def _clouds(rng: np.random.Generator, height: int, width: int, octaves: int, fineness: float = 0.6) -> Plane:
    """Smooth noise of about -1..1 [height, width], from coarse to fine; fineness: each octave's share of the last."""
    out = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = rng.standard_normal((2 + 2**octave, 3 + 2**octave), np.float32)
        out += cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC) * fineness**octave
    return out / 2.0


def _building(rng: np.random.Generator, rgb: Plane, x: Plane, y: Plane) -> None:
    """A box with rows of windows: straight edges and a fine regular pattern."""
    left, top = rng.uniform(0.0, 0.8), rng.uniform(0.25, 0.5)
    wide, high = rng.uniform(0.08, 0.25), rng.uniform(0.25, 0.45)
    inside = (x > left) & (x < left + wide) & (y > top) & (y < top + high)
    window = (np.sin(x * 160.0) > 0.3) & (np.sin(y * 110.0) > 0.2)
    rgb[inside] = _color(rng, (110, 70, 60), (210, 170, 140))
    rgb[inside & window] = _color(rng, (20, 30, 40), (80, 90, 110))


def _disc(rng: np.random.Generator, rgb: Plane, x: Plane, y: Plane, aspect: float) -> None:
    """A shaded ball of a strong color."""
    cx, cy, radius = rng.uniform(0.05, 0.95), rng.uniform(0.55, 0.95), rng.uniform(0.03, 0.12)
    distance = np.hypot((x - cx) * aspect, y - cy) / radius
    inside = distance < 1.0
    shade = 1.15 - 0.6 * distance[inside] ** 2
    rgb[inside] = _color(rng, (20, 20, 20), (250, 220, 240)) * shade[..., None]
