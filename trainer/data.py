"""Photos from folders: found, checked, filtered, kept in memory, cut into random crops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..color import bins, lab
from ..color.errors import NothingToDoError, PictureError
from ..runtime.pictures import find_pictures, read_picture

# The paper's filter counts a pixel as near-grey when both its bins are in 14..18, ab about -16..24.
GREY_BINS = (14, 18)
SHORT_SIDE = 256

Photo = NDArray[np.uint8]


def read_photo(path: Path) -> Photo | None:
    """A photo as RGB uint8 [H, W, 3] with its short side at most 256, or None where it cannot be read."""
    try:
        rgb = read_picture(path).rgb
    except PictureError:
        return None
    height, width = rgb.shape[:2]
    if min(height, width) < 32:
        return None
    scale = SHORT_SIDE / min(height, width)
    if scale >= 1.0:
        return rgb
    size = (max(SHORT_SIDE, round(width * scale)), max(SHORT_SIDE, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def thumbnail_ab(photo: Photo) -> NDArray[np.floating]:
    """ab [32, 32, 2] of a shrunk photo: enough for its histogram and for the grey filter."""
    small = np.asarray(cv2.resize(photo, (32, 32), interpolation=cv2.INTER_AREA), np.uint8)
    return lab.rgb_to_lab(small)[..., 1:]


def grey_share(ab: NDArray[np.floating]) -> float:
    """Share of the pixels whose two bins are both near grey (paper, section 4.1)."""
    low, high = GREY_BINS
    index = bins.to_bins(ab)
    return float(((index >= low) & (index <= high)).all(-1).mean())


class PhotoSet:
    """Photos decoded once and kept in memory (0.26 MB each), with their ab histograms.

    Raises NothingToDoError where no photo is found or all are filtered.
    """

    def __init__(self, folders: list[Path], max_grey: float, report: Callable[[str], None] = print) -> None:
        paths = [path for folder in folders for path in find_pictures(folder)]
        if not paths:
            raise NothingToDoError(f"no photo found in {', '.join(map(str, folders))}")
        self.photos: list[Photo] = []
        self.counts = np.zeros((2, bins.COUNT), np.int64)
        unreadable = grey = 0
        with ThreadPoolExecutor() as pool:
            for photo in pool.map(read_photo, paths):
                if photo is None:
                    unreadable += 1
                    continue
                ab = thumbnail_ab(photo)
                if grey_share(ab) > max_grey:
                    grey += 1
                    continue
                for head in range(2):
                    self.counts[head] += np.bincount(bins.to_bins(ab[..., head]).ravel(), minlength=bins.COUNT)
                self.photos.append(photo)
        report(f"{len(self.photos)} photos kept, {grey} near-grey and {unreadable} unreadable left out")
        if not self.photos:
            raise NothingToDoError(f"all {len(paths)} photos were filtered; raise --max-grey above {max_grey}")


def random_crop(photo: Photo, size: int, rng: np.random.Generator) -> Photo:
    """A random part of a photo (30 to 100 % of its area, aspect 3:4 to 4:3), made size x size, half mirrored."""
    height, width = photo.shape[:2]
    area = height * width * rng.uniform(0.3, 1.0)
    aspect = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
    w = min(width, max(16, round(float(np.sqrt(area * aspect)))))
    h = min(height, max(16, round(float(np.sqrt(area / aspect)))))
    x, y = rng.integers(0, width - w + 1), rng.integers(0, height - h + 1)
    part = photo[y : y + h, x : x + w]
    crop = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA if min(h, w) > size else cv2.INTER_LINEAR)
    return np.asarray(crop[:, ::-1] if rng.random() < 0.5 else crop, np.uint8)


def make_batch(photos: list[Photo], seed: int, step: int, size: int, batch_size: int) -> Tensor:
    """The batch of a step, uint8 [B, 3, size, size]. It depends on nothing but its arguments, so a resumed run
    goes on exactly; each pass over the photos is a new permutation of them."""
    rng = np.random.default_rng((seed, step))
    start = step * batch_size
    index = [
        _shuffled(len(photos), seed, (start + i) // len(photos))[(start + i) % len(photos)] for i in range(batch_size)
    ]
    crops = np.stack([random_crop(photos[i], size, rng) for i in index])
    return torch.from_numpy(crops).permute(0, 3, 1, 2)


_permutations: dict[tuple[int, int, int], NDArray[np.int64]] = {}


def _shuffled(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    key = (count, seed, epoch)
    if key not in _permutations:
        if len(_permutations) > 1:
            _permutations.clear()
        _permutations[key] = np.random.default_rng((seed, epoch, 1)).permutation(count)
    return _permutations[key]


def prefetch(make: Callable[[int], Tensor], steps: Iterator[int]) -> Iterator[Tensor]:
    """Batches in order, the next one made on another thread while the current one is used."""
    with ThreadPoolExecutor(1) as pool:
        pending = None
        for step in steps:
            following = pool.submit(make, step)
            if pending is not None:
                yield pending.result()
            pending = following
        if pending is not None:
            yield pending.result()
