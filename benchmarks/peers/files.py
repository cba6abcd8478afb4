"""The pictures that the peers color: JPEG files of given sizes, from photos or made up."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from gcolor.color.lab import Bytes
from gcolor.runtime.bench.scenes import scene
from gcolor.runtime.pictures import find_pictures, read_picture, read_size
from PIL import Image

QUALITY = 90
GRAIN = 4.0


def make_files(source: Path | None, sizes: list[float], count: int, grey: bool, folder: Path) -> dict[str, list[Path]]:
    """`count` JPEG files (quality 90, 4:2:0) of each size in megapixels, by the size's name.

    source: a folder of photos, of which the largest are resized; None for made-up scenes. grey: one channel a file.
    """
    photos = _largest(source, count) if source else []
    out: dict[str, list[Path]] = {}
    for size in sizes:
        name = f"{size:g} MP"
        out[name] = [folder / f"{size:g}mp_{number:02d}.jpg" for number in range(count)]
        for number, path in enumerate(out[name]):
            rgb = _resized(read_picture(photos[number % len(photos)]).rgb, size) if photos else _scene(size, number)
            Image.fromarray(rgb).convert("L" if grey else "RGB").save(path, quality=QUALITY)
    return out


def _largest(folder: Path, count: int) -> list[Path]:
    found = find_pictures(folder)
    if not found:
        raise SystemExit(f"error: {folder}: no picture found")
    # A large folder of small photos is not all opened.
    return sorted(found[: 50 * count], key=lambda path: -math.prod(read_size(path)))[:count]


def _resized(rgb: Bytes, megapixels: float) -> Bytes:
    scale = math.sqrt(megapixels * 1e6 / (rgb.shape[0] * rgb.shape[1]))
    if scale < 1.0:
        return np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    larger = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    # Enlarged photos are smoother than any scan, and cheaper to compress; grain makes up for it.
    return _grained(larger.astype(np.float32), np.random.default_rng(0))


def _grained(values: np.ndarray, rng: np.random.Generator) -> Bytes:
    grain = rng.standard_normal(values.shape[:2], np.float32)[..., None] * GRAIN
    return np.clip(values + grain, 0, 255).astype(np.uint8)


def _scene(megapixels: float, number: int) -> Bytes:
    height = max(64, round(math.sqrt(megapixels * 1e6 / 1.5)))
    return scene(height, round(height * 1.5), number)
