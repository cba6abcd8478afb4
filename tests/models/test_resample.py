from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from gcolor.models.resample import enlarge_matrix, shrink_matrix  # noqa: E402
from torch import Tensor  # noqa: E402


def index(n: int) -> Tensor:
    return torch.arange(n, dtype=torch.float32)


@pytest.mark.parametrize(("inputs", "outputs"), [(300, 64), (64, 64), (50, 64), (1000, 256), (257, 256)])
def test_shrinking_is_torchs_antialiased_resize(inputs: int, outputs: int) -> None:
    x = torch.rand(1, 1, inputs, 40)
    expected = torch.nn.functional.interpolate(x, size=(outputs, 40), mode="bilinear", antialias=True)
    assert torch.allclose(shrink_matrix(index(outputs), index(inputs)) @ x, expected, atol=1e-5)


@pytest.mark.parametrize(("inputs", "outputs"), [(16, 64), (64, 64), (24, 331), (64, 4000)])
def test_enlarging_is_pillows_bicubic(inputs: int, outputs: int) -> None:
    x = np.random.default_rng(0).random((inputs, 8)).astype(np.float32)
    expected = np.asarray(Image.fromarray(x).resize((8, outputs), Image.Resampling.BICUBIC))
    found = enlarge_matrix(index(outputs), torch.tensor(float(outputs)), index(inputs)) @ torch.from_numpy(x)
    assert np.allclose(found.numpy(), expected, atol=1e-4)


def test_a_strip_of_the_enlargement_is_the_same_rows() -> None:
    whole = enlarge_matrix(index(100), torch.tensor(100.0), index(13))
    strip = enlarge_matrix(index(7) + 40, torch.tensor(100.0), index(13))
    assert torch.allclose(whole[40:47], strip, atol=1e-6)
