"""The parity gate: what an engine paints against what PyTorch paints, on real photos, before a bundle is written."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..color import bins, lab, scores
from ..color.errors import BundleError, NothingToDoError
from ..models.fused import FusedColorizer
from ..runtime.bundle import Bundle
from ..runtime.colorizer import choose_grid
from ..runtime.onnx_engine import OnnxEngine
from ..runtime.pictures import find_pictures, read_picture

# Largest mean CIEDE2000 and largest share of pixels more than one 8-bit level away that still pass.
MEAN_CIEDE2000 = 0.05
SHARE_BEYOND_ONE = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Measured over every pixel of `photos` pictures, each without and with hints."""

    photos: int
    max_levels: int
    share_beyond_one_level: float
    mean_ciede2000: float
    bin_agreement: float

    def check(self, tolerance: float) -> None:
        """Raise BundleError with the figures unless they pass; `tolerance` multiplies both limits."""
        if (
            not np.isfinite(self.mean_ciede2000)
            or self.mean_ciede2000 > MEAN_CIEDE2000 * tolerance
            or self.share_beyond_one_level > SHARE_BEYOND_ONE * tolerance
        ):
            raise BundleError(
                f"parity with PyTorch fails: {asdict(self)}; limits times {tolerance:g}: mean CIEDE2000 "
                f"{MEAN_CIEDE2000}, share beyond one level {SHARE_BEYOND_ONE}; raise --tolerance to accept it"
            )


def true_hints(
    photo: NDArray[np.uint8], grid: tuple[int, int], rng: np.random.Generator, count: int
) -> NDArray[np.uint8]:
    """A raster [h, w, 4] with `count` 3x3 hints that show the photo's own colours."""
    h, w = grid
    out = np.zeros((h, w, 4), np.uint8)
    for y, x in zip(rng.integers(1, h - 1, count), rng.integers(1, w - 1, count), strict=True):
        colour = photo[y * photo.shape[0] // h, x * photo.shape[1] // w]
        out[y - 1 : y + 2, x - 1 : x + 2] = (*colour, 255)
    return out


def measure_parity(model: FusedColorizer, bundle: Bundle, folders: list[Path], most: int = 8) -> Parity:
    """Compare ONNX Runtime on the CPU with PyTorch on up to `most` photos spread over the folders.

    Raises NothingToDoError where there is no photo, PictureError where one cannot be read.
    """
    paths = [path for folder in folders for path in find_pictures(folder)]
    photos = [read_picture(path).rgb for path in paths[:: max(1, len(paths) // most)][:most]]
    if not photos:
        raise NothingToDoError(
            f"no photo for the parity gate in {', '.join(map(str, folders))}; name some with --photos"
        )
    engine = OnnxEngine(bundle, "cpu")
    rng = np.random.default_rng(0)
    worst, beyond, total, distance, same, cells = 0, 0, 0, 0.0, 0, 0
    for photo in photos:
        grid = choose_grid(*photo.shape[:2])
        for count in (0, 20):
            hints = true_hints(photo, grid, rng, count)
            found, found_ab = engine.color(photo[None], hints[None])
            with torch.no_grad():
                wanted_t, wanted_ab_t = model(torch.from_numpy(photo.copy())[None], torch.from_numpy(hints)[None])
            wanted, wanted_ab = wanted_t.numpy(), wanted_ab_t.numpy()
            levels = np.abs(found.astype(int) - wanted.astype(int)).max(-1)
            worst = max(worst, int(levels.max()))
            beyond += int((levels > 1).sum())
            total += levels.size
            distance += float(scores.ciede2000(lab.rgb_to_lab(found), lab.rgb_to_lab(wanted)).sum())
            same += int((bins.to_bins(found_ab) == bins.to_bins(wanted_ab)).sum())
            cells += wanted_ab.size
    return Parity(
        photos=len(photos),
        max_levels=worst,
        share_beyond_one_level=beyond / total,
        mean_ciede2000=distance / total,
        bin_agreement=same / cells,
    )
