"""The parity gate: what an engine paints against what PyTorch paints, on real photos, before a bundle is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..color.distance import Comparison, Distance
from ..color.errors import BundleError, NothingToDoError
from ..color.lab import Bytes
from ..runtime.engines.engine import Engine
from ..runtime.grid import choose_grid
from ..runtime.pictures import find_pictures, read_picture

LIMITS: dict[str, dict[str, float]] = {
    "fp32": {"mean_ciede2000": 0.05, "share_beyond_one_level": 0.001},
    "fp16": {"mean_ciede2000": 0.5},
    "int8": {"mean_ciede2000": 0.5},
}
"""The greatest distance from PyTorch in fp32 that still passes, for each precision."""
HINTS = (0, 20)
"""How many hints each photo is coloured with, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity(Distance):
    """Measured over every pixel of `photos` photos, each without and with hints."""

    photos: int

    def check(self, precision: str, tolerance: float) -> None:
        """Raise BundleError with the figures unless they pass; `tolerance` multiplies every limit."""
        limits = LIMITS[precision]
        # Not "any above it": what is no number is not within a limit.
        if not all(getattr(self, name) <= limit * tolerance for name, limit in limits.items()):
            raise BundleError(
                f"{precision}: parity with PyTorch fails: {asdict(self)}; limits times {tolerance:g}: {limits}; "
                "raise --tolerance to accept it"
            )


def choose_photos(folders: list[Path], most: int) -> list[Path]:
    """Up to `most` photos spread over the folders. Raises NothingToDoError where there is none."""
    paths = [path for folder in folders for path in find_pictures(folder)]
    if not paths:
        raise NothingToDoError(
            f"no photo for the parity gate in {', '.join(map(str, folders))}; name some with --photos"
        )
    return paths[:: max(1, len(paths) // most)][:most]


def hinted(paths: list[Path]) -> Iterator[tuple[Bytes, Bytes]]:
    """Photos [1, H, W, 3], each with rasters [1, h, w, 4] of each number of hints, read when they are asked for.

    Raises PictureError where one cannot be read.
    """
    rng = np.random.default_rng(0)
    for path in paths:
        rgb = read_picture(path).rgb
        for count in HINTS:
            yield rgb[None], true_hints(rgb, choose_grid(*rgb.shape[:2]), rng, count)[None]


def true_hints(photo: Bytes, grid: tuple[int, int], rng: np.random.Generator, count: int) -> Bytes:
    """A raster [h, w, 4] with `count` 3x3 hints that show the photo's own colours."""
    h, w = grid
    out = np.zeros((h, w, 4), np.uint8)
    for y, x in zip(rng.integers(1, h - 1, count), rng.integers(1, w - 1, count), strict=True):
        colour = photo[y * photo.shape[0] // h, x * photo.shape[1] // w]
        out[y - 1 : y + 2, x - 1 : x + 2] = (*colour, 255)
    return out


def measure_parity(reference: Engine, engine: Engine, folders: list[Path], most: int = 8) -> Parity:
    """Compare an engine with PyTorch in fp32 on up to `most` photos spread over the folders.

    Raises NothingToDoError where there is no photo, PictureError where one cannot be read.
    """
    paths = choose_photos(folders, most)
    comparison = Comparison()
    for rgb, hints in hinted(paths):
        (found, found_ab), (wanted, wanted_ab) = engine.color(rgb, hints), reference.color(rgb, hints)
        comparison.add(found, wanted, found_ab, wanted_ab)
    return Parity(**asdict(comparison.result()), photos=len(paths))
