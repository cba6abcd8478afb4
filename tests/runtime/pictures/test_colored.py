"""Which pictures are in color already: made-up scenes, and photographs where there are some."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from gcolor.runtime.pictures import find_pictures, is_colored, read_picture

# What time and photographers do to a grey picture, values in 0..1.
TONINGS = {
    "grey": lambda g: [g, g, g],
    "sepia": lambda g: [g**0.8, g * 0.87 + 0.02, g**1.25 * 0.68 + 0.05],
    "blue": lambda g: [g * 0.3 + 0.7 * g**2, g * 0.9, 0.25 + 0.75 * g],
    "selenium": lambda g: [g**0.9, g, g**0.97],
}


def toned(rgb: np.ndarray, toning: str, fading: float = 0.0) -> np.ndarray:
    """A grey version, toned, maybe less and less to the right, with grain and JPEG's artifacts."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) / 255.0
    ramp = np.linspace(0, fading, grey.shape[1])[None, :, None]
    values = np.stack(TONINGS[toning](grey), axis=-1) * (1 - ramp) + grey[..., None] * ramp
    noisy = values * 255 + np.random.default_rng(0).normal(0, 4, values.shape)
    data = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))


def stained(rgb: np.ndarray) -> np.ndarray:
    """Grey, with a brown stain and a yellowed border."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, axis=2).astype(float)
    height, width = grey.shape[:2]
    grey[height // 5 : height // 2, width // 5 : width // 2] *= (1.0, 0.88, 0.7)
    paper = np.ones((height, width, 1), bool)
    paper[10:-10, 10:-10] = False
    return np.where(paper, (230, 217, 184), grey).astype(np.uint8)


def test_colors_are_seen(make_scene) -> None:
    assert all(is_colored(make_scene(seed=seed)) for seed in range(8))
    grey = np.linspace(0, 255, 300).astype(np.uint8)[None, :, None].repeat(200, axis=0).repeat(3, axis=2)
    assert not is_colored(grey)
    grey[50:90, 50:90] = (200, 30, 30)  # a red balloon
    assert is_colored(grey)


@pytest.mark.parametrize("toning", TONINGS)
@pytest.mark.parametrize("fading", [0.0, 0.6])
def test_toning_is_no_color(make_scene, toning: str, fading: float) -> None:
    assert not any(is_colored(toned(make_scene(seed=seed), toning, fading)) for seed in range(8))


def test_stains_and_old_paper_are_no_color(make_scene) -> None:
    assert not any(is_colored(stained(make_scene(seed=seed))) for seed in range(8))


def test_any_size_is_judged(make_scene) -> None:
    assert is_colored(make_scene(1000, 40)) and not is_colored(np.zeros((1, 1, 3), np.uint8))


@pytest.mark.photos
def test_photographs(photos: Path) -> None:
    some = find_pictures(photos / "test")[:40]
    pictures = [read_picture(path).rgb for path in some]
    assert np.mean([is_colored(rgb) for rgb in pictures]) > 0.85
    for toning in TONINGS:
        assert not any(is_colored(toned(rgb, toning)) for rgb in pictures)
