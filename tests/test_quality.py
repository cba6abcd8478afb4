"""What the default model must do on real photographs; the benchmark in benchmarks/quality.py measures it in full."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from gcolor import Colorizer
from gcolor.color import lab, scores
from gcolor.runtime.pictures import find_pictures, read_picture

pytestmark = pytest.mark.photos


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    return Colorizer(device="cpu")


@pytest.fixture(scope="module")
def some(photos: Path) -> list[np.ndarray]:
    paths = find_pictures(photos / "test")
    chosen = paths[:: len(paths) // 24][:24]
    return [cv2.resize(read_picture(p).rgb, (256, 256), interpolation=cv2.INTER_AREA) for p in chosen]


def grey(rgb: np.ndarray) -> np.ndarray:
    lightness = lab.rgb_to_lightness(rgb)
    return lab.lab_to_rgb(np.stack([lightness, np.zeros_like(lightness), np.zeros_like(lightness)], axis=-1))


def test_more_hints_are_better(colorizer: Colorizer, some: list[np.ndarray]) -> None:
    found = {n: [] for n in (0, 1, 10, 36)}
    for number, photo in enumerate(some):
        colorizer.set_image(grey(photo), grid=(256, 256))
        at = np.random.default_rng(number).integers(1, 255, (36, 2))
        for n, psnr in found.items():
            hints = np.zeros((256, 256, 4), np.uint8)
            for y, x in at[:n]:
                area = np.s_[y - 1 : y + 2, x - 1 : x + 2]
                hints[area][..., :3], hints[area][..., 3] = photo[area], 255
            psnr.append(scores.psnr(colorizer.color(hints), photo))
    means = [float(np.mean(v)) for v in found.values()]
    assert all(a + 0.1 < b for a, b in zip(means, means[1:], strict=False)), means


def test_single_hints_of_foreign_colors_are_obeyed(colorizer: Colorizer, some: list[np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    distances = []
    for photo in some:
        picture = grey(photo)
        lightness = lab.rgb_to_lightness(picture)
        colorizer.set_image(picture, grid=(256, 256))
        candidates = np.argwhere((lightness > 25) & (lightness < 85))
        candidates = candidates[((candidates > 8) & (candidates < 248)).all(1)]
        if not len(candidates):
            continue
        y, x = candidates[rng.integers(len(candidates))]
        angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(10, 50)
        wanted = np.array([lightness[y, x], radius * np.cos(angle), radius * np.sin(angle)])
        color = lab.lab_to_rgb(wanted)
        wanted_ab = lab.rgb_to_lab(color)[1:]
        hints = np.zeros((256, 256, 4), np.uint8)
        hints[y - 1 : y + 2, x - 1 : x + 2] = (*color, 255)
        distances.append(float(np.hypot(*(lab.rgb_to_lab(colorizer.color(hints)[y, x])[1:] - wanted_ab))))
    assert np.mean(distances) < 4.0, distances


def test_lightness_stays_at_full_size(colorizer: Colorizer, photos: Path) -> None:
    for path in find_pictures(photos / "fullsize")[:2]:
        picture = grey(read_picture(path).rgb)
        colorizer.set_image(picture)
        out = colorizer.color()
        assert out.shape == picture.shape
        assert np.abs(lab.rgb_to_lightness(out) - lab.rgb_to_lightness(picture)).mean() < 0.6
