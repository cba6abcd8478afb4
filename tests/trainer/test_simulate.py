from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gcolor.color import lab, tensors  # noqa: E402
from gcolor.trainer.simulate import recolor, simulate_hints, vary_lightness  # noqa: E402


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_hints_are_true_colours_of_none_to_many_patches() -> None:
    ab = 50 * torch.randn(64, 2, 48, 64, generator=generator(1))
    hint, mask = simulate_hints(ab, generator(), most=36, largest=9)
    assert hint.shape == ab.shape and mask.shape == (64, 1, 48, 64)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert (hint * (1 - mask)).abs().max() == 0
    covered = mask.sum((1, 2, 3))
    assert 2 <= int((covered == 0).sum()) <= 25  # 15 % of 64 photos, roughly
    assert covered.max() > 300
    # Half of the photos show their own pixels.
    own = ((hint - ab) * mask).abs().amax((1, 2, 3)) < 1e-5
    assert 0.2 < float(own[covered > 0].float().mean()) < 0.8


def test_a_brush_paints_the_mean_of_its_patch() -> None:
    ab = 50 * torch.randn(200, 2, 16, 16, generator=generator(2))
    hint, mask = simulate_hints(ab, generator(), most=1, largest=5)
    checked = 0
    for truth, found, on in zip(ab, hint, mask[:, 0].bool(), strict=True):
        if on.any() and not torch.allclose(truth[:, on], found[:, on]):
            assert torch.allclose(found[:, on], truth[:, on].mean(1, keepdim=True).expand(-1, int(on.sum())), atol=1e-4)
            checked += 1
    assert checked > 20


def test_recolouring_keeps_lightness_and_gamut_and_changes_colour() -> None:
    rgb = torch.rand(8, 3, 24, 24, generator=generator(3))
    before = tensors.rgb_to_lab(rgb)
    after = recolor(before, generator(), share=1.0)
    assert (after[:, 0] - before[:, 0]).abs().max() < 0.05
    linear = lab.lab_to_linear(after.permute(0, 2, 3, 1).double().numpy())
    assert linear.min() > -1e-3 and linear.max() < 1 + 1e-3
    assert ((after - before)[:, 1:].abs().amax((1, 2, 3)) > 5).all()
    assert torch.equal(recolor(before, generator(), share=0.0), before)


def test_lightness_varies_within_its_range() -> None:
    lightness = torch.linspace(0, 100, 64 * 16 * 16).view(64, 1, 16, 16)
    varied = vary_lightness(lightness, generator())
    assert varied.min() >= 0 and varied.max() <= 100
    moved = (varied - lightness).abs().amax((1, 2, 3))
    assert (moved > 1).any() and (moved < 1e-3).any()
    assert np.isfinite(varied.numpy()).all()
