from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("scipy")

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "quality" / "levin.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_levin", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


levin = load()
RED, BLUE = (40.0, 20.0), (-10.0, -35.0)


def hints(shape: tuple[int, int], *points: tuple[int, int, tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Chroma and mask with one hinted pixel (y, x, ab) each; what lies outside the mask must not be read."""
    ab, mask = np.full((*shape, 2), 99.0), np.zeros(shape, bool)
    for y, x, color in points:
        ab[y, x], mask[y, x] = color, True
    return ab, mask


def test_one_hint_fills_an_even_picture() -> None:
    out = levin.levin(np.full((12, 17), 50.0), *hints((12, 17), (3, 4, RED)))
    np.testing.assert_allclose(out, np.broadcast_to(RED, out.shape), atol=1e-6)


def test_halves_of_different_lightness_stay_apart() -> None:
    lightness = np.repeat([[30.0] * 12 + [70.0] * 12], 20, axis=0)
    out = levin.levin(lightness, *hints((20, 24), (10, 3, RED), (10, 20, BLUE)))
    left, right = out[:, :12].reshape(-1, 2), out[:, 12:].reshape(-1, 2)
    apart = np.hypot(*np.subtract(RED, BLUE))
    assert np.linalg.norm(left - RED, axis=1).max() < 0.15 * apart
    assert np.linalg.norm(right - BLUE, axis=1).max() < 0.15 * apart
    # Without the edge the two colors meet half-way: the lightness is what keeps them apart.
    even = levin.levin(np.full((20, 24), 50.0), *hints((20, 24), (10, 3, RED), (10, 20, BLUE)))
    assert np.linalg.norm(even[:, 11] - RED, axis=1).min() > 0.3 * apart


def test_hinted_pixels_keep_their_color_and_the_others_lie_between() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((15, 18)) < 0.1
    ab = rng.uniform(-60, 60, (15, 18, 2))
    out = levin.levin(rng.uniform(0, 100, (15, 18)), ab, mask)
    np.testing.assert_array_equal(out[mask], ab[mask])
    for channel in range(2):
        assert out[..., channel].min() >= ab[mask][:, channel].min() - 1e-6
        assert out[..., channel].max() <= ab[mask][:, channel].max() + 1e-6


def test_every_other_pixel_is_the_weighted_mean_of_its_neighbors() -> None:
    rng = np.random.default_rng(1)
    lightness, mask = rng.uniform(0, 100, (9, 11)), rng.random((9, 11)) < 0.1
    out = levin.levin(lightness, rng.uniform(-60, 60, (9, 11, 2)), mask)
    weights = levin.affinities(lightness / 100.0)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    around = np.pad(out, ((1, 1), (1, 1), (0, 0)))
    mean = sum(
        weights[i, ..., None] * around[1 + dy : 10 + dy, 1 + dx : 12 + dx] for i, (dy, dx) in enumerate(levin.NEIGHBORS)
    )
    np.testing.assert_allclose(out[~mask], mean[~mask], atol=1e-8)


def test_weights_are_the_published_ones() -> None:
    # The center of a 3 x 3 window, computed as getColorExact.m does.
    window = np.array([[10.0, 12.0, 11.0], [40.0, 12.5, 13.0], [42.0, 41.0, 12.0]]) / 100.0
    others = np.delete(window.ravel(), 4)
    spread = max(0.6 * window.var(), ((others - window[1, 1]) ** 2).min() / -np.log(0.01), 2e-6)
    expected = np.exp(-((others - window[1, 1]) ** 2) / spread)
    np.testing.assert_allclose(levin.affinities(window)[:, 1, 1], expected / expected.sum())


def test_no_hints_leave_it_grey() -> None:
    out = levin.levin(np.random.default_rng(2).uniform(0, 100, (8, 9)), *hints((8, 9)))
    assert out.shape == (8, 9, 2)
    assert not out.any()
