"""Which photos are scored with which hints: the same on every machine, decided by the file's name alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import lab
from .lab import Bytes

SIZE = 256
"""Photos are stretched to squares of this side, in pixels (the paper, section 4.1)."""
PATCH = 3
"""Side of a hint, in pixels."""
PAPER_HINTS = 36
"""The paper's number of hints: 0.5 % of the picture."""


@dataclass(frozen=True, slots=True)
class Patches:
    """What hints look like: squares at random places of a photo that was stretched to size x size pixels."""

    size: int = SIZE
    side: int = PATCH
    """Of a hint, in pixels."""
    mean: bool = False
    """Show the mean LAB color of the square instead of its own pixels."""
    cells: bool = False
    """Squares are cells of a grid, each taken at most once; otherwise they lie anywhere and may overlap."""


PAPER = Patches()
"""The paper's hints: 3x3 pixels of the photo's own."""


def digest(text: str) -> bytes:
    """SHA-256 of a text; Python's own hash() differs from run to run."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def sample(paths: Iterable[Path], limit: int | None = None) -> list[Path]:
    """Paths in the order of their names' hash, so that the first N are a fair sample of all."""
    return sorted(paths, key=lambda p: digest(p.name))[:limit]


def generator(name: str, purpose: str) -> np.random.Generator:
    """Random numbers that belong to a file name and a purpose."""
    return np.random.default_rng(list(digest(f"{purpose}/{name}")))


def hint_corners(name: str, count: int, patches: Patches = PAPER) -> NDArray[np.int64]:
    """Row and column of the upper left pixels of `count` hints [count, 2]; the first of 100 are the first of 10."""
    rng = generator(name, "hints")
    if not patches.cells:
        return rng.integers(0, patches.size - patches.side + 1, (count, 2))
    across = patches.size // patches.side
    return np.stack(np.divmod(rng.permutation(across**2)[:count], across), axis=-1) * patches.side


def hint_centers(name: str, count: int, patches: Patches = PAPER) -> NDArray[np.int64]:
    """Row and column of the centers of `count` hints [count, 2]; of an even side, the pixel below and right of it."""
    return hint_corners(name, count, patches) + patches.side // 2


def hint_mask(centers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where hints of 3x3 pixels lie around their centers: bool [256, 256]."""
    mask = np.zeros((SIZE, SIZE), bool)
    for y, x in centers:
        mask[y - 1 : y + 2, x - 1 : x + 2] = True
    return mask


def true_hints(rgb: Bytes, name: str, count: int, patches: Patches = PAPER) -> Bytes:
    """RGBA [size, size, 4] with `count` hints that show the colors of a photo [size, size, 3]; later ones on top."""
    raster = np.zeros((patches.size, patches.size, 4), np.uint8)
    for y, x in hint_corners(name, count, patches):
        square = np.s_[y : y + patches.side, x : x + patches.side]
        shown = rgb[square]
        raster[square][..., :3] = lab.lab_to_rgb(lab.rgb_to_lab(shown).mean((0, 1))) if patches.mean else shown
        raster[square][..., 3] = 255
    return raster


def grid_hints(rgb: Bytes, name: str, count: int, grid: tuple[int, int]) -> Bytes:
    """RGBA [h, w, 4] with `count` hints of PATCH x PATCH cells of a grid, for a photo [H, W, 3] of any size.

    They lie where `true_hints` has them, as fractions of the photo, and show the means of its pixels below each cell.
    """
    height, width = rgb.shape[:2]
    h, w = grid
    raster = np.zeros((h, w, 4), np.uint8)
    for row, column in np.clip(hint_centers(name, count) * (h, w) // SIZE, 1, (h - 2, w - 2)):
        for y, x in np.ndindex(PATCH, PATCH):
            y, x = row - 1 + y, column - 1 + x
            top, left = y * height // h, x * width // w
            below = rgb[top : max(top + 1, (y + 1) * height // h), left : max(left + 1, (x + 1) * width // w)]
            raster[y, x] = (*np.rint(below.mean((0, 1))), 255)
    return raster


def fingerprint(names: Iterable[str], counts: Iterable[int], patches: Patches = PAPER) -> str:
    """SHA-256 over the hints of these photos: two evaluations with the same one have seen the same."""
    most = max(counts := list(counts), default=0)
    parts = [f"{name}:{hint_centers(name, most, patches).tobytes().hex()}" for name in sorted(names)]
    # The paper's are known by their places alone.
    look = [] if patches == PAPER else [repr(patches)]
    text = "\n".join([str(sorted(set(counts))), *look, *parts])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
