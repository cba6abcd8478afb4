from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from gcolor.color import lab, tensors  # noqa: E402
from gcolor.trainer.simulate import Draws, paper_hints, recolor, simulate_hints  # noqa: E402
from torch import Generator  # noqa: E402


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def draws(rows: int, seed: int = 0) -> Draws:
    return Draws(generator(seed), rows, 0, rows)


def test_hints_are_true_colors_of_none_to_many_patches() -> None:
    ab = 50 * torch.randn(64, 2, 48, 64, generator=generator(1))
    hint, mask = simulate_hints(ab, draws(64), most=36, largest=9)
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
    hint, mask = simulate_hints(ab, draws(200), most=1, largest=5)
    checked = 0
    for truth, found, on in zip(ab, hint, mask[:, 0].bool(), strict=True):
        if on.any() and not torch.allclose(truth[:, on], found[:, on]):
            assert torch.allclose(found[:, on], truth[:, on].mean(1, keepdim=True).expand(-1, int(on.sum())), atol=1e-4)
            checked += 1
    assert checked > 20


@pytest.mark.parametrize(("size", "patches"), [(256, 36), (128, 9), (32, 1)])
def test_the_papers_hints_cover_half_a_percent_in_3x3_patches(size: int, patches: int) -> None:
    ab = 50 * torch.randn(8, 2, size, size, generator=generator(6))
    hint, mask = paper_hints(ab, draws(8))
    assert torch.equal(hint, ab * mask)
    covered = mask.sum((1, 2, 3))
    assert covered.max() <= 9 * patches and covered.float().mean() > 8 * patches
    # Whole patches: wherever a pixel is shown, a 3x3 square around or beside it is.
    squares = torch.nn.functional.avg_pool2d(mask, 3, 1) > 0.999
    grown = torch.nn.functional.max_pool2d(torch.nn.functional.pad(squares.float(), (2, 2, 2, 2)), 3, 1)
    assert torch.equal(grown, mask)


def test_recoloring_keeps_lightness_and_gamut_and_changes_color() -> None:
    rgb = torch.rand(8, 3, 24, 24, generator=generator(3))
    before = tensors.rgb_to_lab(rgb)
    after, point = recolor(before, draws(8), share=1.0)
    assert (point >= 0).all() and (point < 24).all()
    assert (after[:, 0] - before[:, 0]).abs().max() < 0.05
    linear = lab.lab_to_linear(after.permute(0, 2, 3, 1).double().numpy())
    assert linear.min() > -1e-3 and linear.max() < 1 + 1e-3
    assert ((after - before)[:, 1:].abs().amax((1, 2, 3)) > 5).all()
    same, none = recolor(before, draws(8), share=0.0)
    assert torch.equal(same, before) and (none == -1).all()


def test_a_recolored_point_is_always_hinted() -> None:
    ab = 50 * torch.randn(40, 2, 24, 24, generator=generator(4))
    point = torch.randint(0, 24, (40, 2), generator=generator(5))
    point[::2] = -1
    _, mask = simulate_hints(ab, draws(40), most=36, largest=4, point_B2=point)
    for (y, x), on in zip(point.tolist(), mask[:, 0], strict=True):
        assert y < 0 or on[y, x] == 1


def test_most_recoloring_stays_around_its_point() -> None:
    flat = torch.full((60, 3, 64, 64), 0.5)
    before = tensors.rgb_to_lab(flat)
    after, point = recolor(before, draws(60), share=1.0)
    change = (after - before)[:, 1:].norm(dim=1)
    corner = torch.where((point < 32).all(1), change[:, -1, -1], change[:, 0, 0])
    at_point = change[torch.arange(60), point[:, 0], point[:, 1]]
    assert (at_point > 5).all()
    assert 0.4 < float((corner < 0.5 * at_point).float().mean()) < 0.95
