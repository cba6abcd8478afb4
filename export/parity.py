"""The parity gate: what an engine paints against what PyTorch paints, on real photos, before a bundle is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ..color.distance import Comparison, Distance
from ..color.errors import BundleError, NothingToDoError
from ..color.lab import Bytes
from ..color.protocol import grid_hints
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
"""How many hints each photo is colored with, one after the other."""


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
    for path in paths:
        rgb = read_picture(path).rgb
        for count in HINTS:
            yield rgb[None], grid_hints(rgb, path.name, count, choose_grid(*rgb.shape[:2]))[None]


def measure_parity(
    reference: Engine,
    engine: Engine,
    folders: list[Path],
    most: int = 8,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Parity:
    """Compare an engine with PyTorch in fp32 on up to `most` photos spread over the folders.

    progress: called before each photo, with its number from 1 and how many they are.
    Raises NothingToDoError where there is no photo, PictureError where one cannot be read.
    """
    paths = choose_photos(folders, most)
    comparison = Comparison()
    for number, (rgb, hints) in enumerate(hinted(paths)):
        if number % len(HINTS) == 0:
            progress(number // len(HINTS) + 1, len(paths))
        (found, found_ab), (wanted, wanted_ab) = engine.color(rgb, hints), reference.color(rgb, hints)
        comparison.add(found, wanted, found_ab, wanted_ab)
    return Parity(**asdict(comparison.result()), photos=len(paths))
