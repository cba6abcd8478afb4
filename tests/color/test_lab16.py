"""The quick way to 16 bits paints what the plain definition of color paints."""

from __future__ import annotations

import numpy as np
import pytest
from gcolor.color.lab import lab_to_rgb16, rgb_to_lab, rgb_to_lightness
from gcolor.color.lab16 import at_lightness

pytestmark = pytest.mark.smoke

STEP = 100 / 65535  # of L, between two levels of 16 bits


def plain(colored: np.ndarray, samples: np.ndarray) -> np.ndarray:
    shown = samples if samples.ndim == 3 else samples[..., None].repeat(3, axis=2)
    lab = rgb_to_lab(colored)
    lab[..., 0] = rgb_to_lightness(shown)
    return lab_to_rgb16(lab)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("colors", ["any", "mild"])
def test_it_is_the_definition(channels: int, colors: str) -> None:
    rng = np.random.default_rng(channels)
    colored = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    if colors == "mild":
        colored = (110 + colored // 8).astype(np.uint8)
    samples = np.arange(65536, dtype=np.uint16).reshape(256, 256)  # every level there is
    if channels == 3:
        samples = rng.integers(0, 65536, (256, 256, 3), dtype=np.uint16)
    expected, found = plain(colored, samples), at_lightness(colored, samples)
    assert found.dtype == np.uint16
    apart = np.abs(expected.astype(int) - found)
    assert apart.max() <= 4 and (apart > 0).mean() < 0.06  # where rounding falls to the other side
    wanted = rgb_to_lightness(samples if channels == 3 else samples[..., None].repeat(3, axis=2))
    error, before = (np.abs(rgb_to_lightness(pixels) - wanted).max() for pixels in (found, expected))
    assert error <= before + STEP / 2


def test_gray_stays_gray() -> None:
    samples = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    gray = np.repeat((samples >> 8).astype(np.uint8)[..., None], 3, axis=2)
    found = at_lightness(gray, samples).astype(int)
    assert np.abs(found - samples[..., None]).max() <= 1
