"""The ab bins and their decodings, against plain loops, in NumPy and in torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gcolor.color import bins


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def bin_by_loop(value: float) -> int:
    """The bin whose lower edge is the last one at or below the value."""
    found = 0
    for k, edge in enumerate(range(-128, 128, 8)):
        if value >= edge:
            found = k
    return found


def mean_by_loop(logits: list[float], temperature: float) -> float:
    highest = max(logits)
    weights = [math.exp((v - highest) / temperature) for v in logits]
    return sum(w * (-124.0 + 8.0 * k) for k, w in enumerate(weights)) / sum(weights)


EDGES = np.arange(-128, 129, 8).astype(float)
VALUES = np.concatenate([EDGES, EDGES - 1e-3, EDGES + 1e-3, rng().uniform(-160, 160, 500), [-1e4, 1e4, 127.0]])


def test_the_bins_are_the_papers() -> None:
    assert bins.COUNT == 32 and bins.WIDTH == 8
    assert bins.CENTERS.tolist() == [-124.0 + 8.0 * k for k in range(32)]


def test_to_bins_by_loop() -> None:
    found = bins.to_bins(VALUES)
    assert found.tolist() == [bin_by_loop(v) for v in VALUES]
    assert found.dtype == np.int64 and bins.to_bins(np.zeros((4, 5, 2))).shape == (4, 5, 2)


def test_values_outside_go_to_the_end_bins() -> None:
    assert bins.to_bins(np.array([-1e9, -128.0, 127.999, 128.0, 1e9])).tolist() == [0, 0, 31, 31, 31]


def test_a_center_is_within_half_a_width_of_its_values() -> None:
    assert bins.to_bins(bins.CENTERS).tolist() == list(range(32))
    inside = VALUES[np.abs(VALUES) < 128]
    assert np.abs(bins.CENTERS[bins.to_bins(inside)] - inside).max() <= 4.0


def test_the_same_in_torch() -> None:
    torch = pytest.importorskip("torch")
    from gcolor.color import tensors

    values = VALUES.astype(np.float32)
    found = tensors.to_bins(torch.from_numpy(values))
    assert found.dtype == torch.int64 and found.tolist() == bins.to_bins(values).tolist()
    assert tensors.centers(found.float()).tolist() == bins.CENTERS.tolist()
    assert tensors.centers(found.half()).dtype == torch.float16


@pytest.mark.parametrize("temperature", [1.0, 0.38, 3.0])
def test_annealed_mean_by_loop(temperature: float) -> None:
    torch = pytest.importorskip("torch")
    from gcolor.color import tensors

    logits = rng().normal(0, 4, (2, 2, 32, 5, 6)).astype(np.float32)
    rows = np.moveaxis(logits, 2, -1).astype(np.float64).reshape(-1, 32).tolist()
    wanted = np.array([mean_by_loop(row, temperature) for row in rows]).reshape(2, 2, 5, 6)
    for given in (temperature, torch.tensor(temperature)):
        np.testing.assert_allclose(tensors.annealed_mean(torch.from_numpy(logits), given).numpy(), wanted, atol=1e-3)


def test_annealed_mean_ends() -> None:
    torch = pytest.importorskip("torch")
    from gcolor.color import tensors

    logits = torch.from_numpy(rng().normal(0, 4, (1, 2, 32, 10, 10)))
    likeliest = -124.0 + 8.0 * logits.argmax(2)
    assert torch.allclose(tensors.annealed_mean(logits, 1e-4), likeliest.double(), atol=1e-6)
    assert tensors.annealed_mean(logits, 1e6).abs().max() < 1e-2
    assert torch.allclose(tensors.annealed_mean(logits + 1e5), tensors.annealed_mean(logits), atol=1e-6)
