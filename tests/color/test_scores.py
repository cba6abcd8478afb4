"""The scores against scikit-image, published values and literal formulas."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from gcolor.color import scores

deltaE_ciede2000 = pytest.importorskip("skimage.color").deltaE_ciede2000  # noqa: N816
peak_signal_noise_ratio = pytest.importorskip("skimage.metrics").peak_signal_noise_ratio


def rng() -> np.random.Generator:
    return np.random.default_rng(9)


@pytest.mark.parametrize("spread", [1, 10, 255])
def test_psnr_is_scikit_images(spread: int) -> None:
    truth = rng().integers(0, 256, (40, 50, 3), np.uint8)
    noise = rng().integers(-spread, spread + 1, truth.shape)
    found = np.clip(truth.astype(int) + noise, 0, 255).astype(np.uint8)
    assert scores.psnr(found, truth) == pytest.approx(peak_signal_noise_ratio(truth, found), abs=1e-9)


def test_psnr_ends() -> None:
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert scores.psnr(black, white) == 0.0
    assert scores.psnr(white, white) == 99.0
    assert scores.psnr(black, black + np.uint8(1)) == pytest.approx(20 * math.log10(255))


def lab_pairs() -> tuple[np.ndarray, np.ndarray]:
    """Random pairs, near pairs, grey ones, grey against colored, and hues on both sides of the wrap."""
    random_ = rng()
    low, high = (0, -110, -110), (100, 110, 110)
    one, two = random_.uniform(low, high, (2, 20_000, 3))
    two[:5000] = one[:5000] + random_.normal(0, 1, (5000, 3))
    one[5000:5500, 1:] = 0.0
    two[5250:5750, 1:] = 0.0
    one[6000:6500, 2], two[6000:6500, 2] = 1e-3, -1e-3
    two[7000:7100] = one[7000:7100]
    return one, two


def test_ciede2000_is_scikit_images() -> None:
    one, two = lab_pairs()
    # Hues exactly opposite are left out: their mean is undefined, and rounding decides its side.
    opposite = np.abs(np.abs(np.degrees(np.arctan2(one[:, 2], one[:, 1]) - np.arctan2(two[:, 2], two[:, 1]))) - 180)
    keep = opposite > 1e-3
    assert keep.mean() > 0.95
    found, wanted = scores.ciede2000(one, two), deltaE_ciede2000(one, two)
    np.testing.assert_allclose(found[keep], wanted[keep], atol=1e-6)
    assert (found >= 0).all() and np.isfinite(found).all()


# Sharma, Wu and Dalal 2005, table 1, the pairs that part the implementations: 1-6 blue turn, 7-16 hue wrap, 17-25 far.
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "two", "expected"), SHARMA)
def test_ciede2000_published(one: tuple[float, ...], two: tuple[float, ...], expected: float) -> None:
    assert scores.ciede2000(np.array(one), np.array(two)) == pytest.approx(expected, abs=1e-4)
    assert scores.ciede2000(np.array(two), np.array(one)) == pytest.approx(expected, abs=1e-4)


def test_ciede2000_shape_and_equal_colors() -> None:
    picture = rng().uniform((0, -100, -100), (100, 100, 100), (4, 5, 3))
    found = scores.ciede2000(picture, picture)
    assert found.shape == (4, 5) and not found.any()


def test_colorfulness_by_formula() -> None:
    picture = rng().integers(0, 256, (20, 30, 3), np.uint8)
    rg = [int(r) - int(g) for r, g, _ in picture.reshape(-1, 3)]
    yb = [(int(r) + int(g)) / 2 - int(b) for r, g, b in picture.reshape(-1, 3)]
    spread = math.sqrt(statistics.pvariance(rg) + statistics.pvariance(yb))
    mean = math.sqrt(statistics.fmean(rg) ** 2 + statistics.fmean(yb) ** 2)
    assert scores.colorfulness(picture) == pytest.approx(spread + 0.3 * mean, rel=1e-9)


def test_grey_is_not_colorful() -> None:
    grey = np.repeat(rng().integers(0, 256, (20, 30, 1), np.uint8), 3, axis=2)
    assert scores.colorfulness(grey) == 0.0


def test_bin_accuracy_by_loop() -> None:
    truth = rng().uniform(-120, 120, (12, 13, 2))
    found = truth + rng().normal(0, 4, truth.shape)
    hits = [math.floor(f / 8) == math.floor(t / 8) for f, t in zip(found.ravel(), truth.ravel(), strict=True)]
    assert 0.2 < sum(hits) / len(hits) < 0.9
    assert scores.bin_accuracy(found, truth) == pytest.approx(sum(hits) / len(hits))
    assert scores.bin_accuracy(truth, truth) == 1.0


def test_ab_rmse_by_loop() -> None:
    one, two = rng().uniform(-100, 100, (2, 9, 8, 2))
    squares = [math.dist(p, q) ** 2 for p, q in zip(one.reshape(-1, 2), two.reshape(-1, 2), strict=True)]
    assert scores.ab_rmse(one, two) == pytest.approx(math.sqrt(sum(squares) / len(squares)))
