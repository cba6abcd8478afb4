from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from gcolor.color import bins  # noqa: E402
from gcolor.models import PRESETS, ModelConfig, build  # noqa: E402
from gcolor.models.enlarging import LearnedEnlarging  # noqa: E402
from gcolor.models.hintunet import HintUNet  # noqa: E402
from gcolor.models.propagation import HintCorrection, HintPropagation, ResidualSpreading, pool_hints  # noqa: E402
from gcolor.models.weights import grow  # noqa: E402
from torch import Tensor  # noqa: E402


def inputs(h: int, w: int, n: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    mask = (torch.rand(n, 1, h, w, generator=generator) > 0.99).float()
    ab = 40 * torch.randn(n, 2, h, w, generator=generator) * mask
    return 100 * torch.rand(n, 1, h, w, generator=generator), ab, mask


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("size", [(64, 64), (48, 112)])
def test_every_preset_takes_any_grid_of_16(preset: str, size: tuple[int, int]) -> None:
    model = build(PRESETS[preset]).eval()
    with torch.no_grad():
        out = model(*inputs(*size))
    grid = (size[0] // model.output_stride, size[1] // model.output_stride)
    coarse = 4 if isinstance(model, HintUNet) else model.output_stride
    assert out.logits.shape == (2, 2, 32, size[0] // coarse, size[1] // coarse)
    assert out.ab.shape == (2, 2, *grid)
    assert torch.isfinite(out.ab).all()


@pytest.mark.parametrize("preset", PRESETS)
def test_every_parameter_gets_a_gradient(preset: str) -> None:
    model = build(PRESETS[preset])
    out = model(*inputs(64, 64))
    joint = 0.0 if out.joint is None else out.joint.square().mean()
    (out.ab.square().mean() + out.logits.square().mean() + joint).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]


def test_paper_preset_has_the_papers_shape() -> None:
    model = build(PRESETS["paper"])
    assert [layer.conv2[0].out_channels for layer in model.encoder] == [8, 16, 32, 64]
    assert len(model.decoder) == 4
    assert sum(p.numel() for p in model.parameters()) == 308_893
    assert model.head_a.in_channels == 3 and model.head_a.out_channels == 32
    assert all(m.kernel_size == (1, 1) for m in model.bottleneck if isinstance(m, torch.nn.Conv2d))


def test_paper_hints_are_bin_indices_without_a_mask() -> None:
    model = build(PRESETS["paper"])
    ab = torch.full((1, 2, 16, 16), 44.0)
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., 3, 5] = 1
    x = model._inputs(torch.zeros(1, 1, 16, 16), ab, mask)
    assert x.shape[1] == 3
    assert x[0, 1, 3, 5] == 21  # (44 + 128) // 8
    assert x[0, 1].sum() == 21


def test_config_survives_json() -> None:
    import json

    for config in PRESETS.values():
        assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("preset", ["paper", "paper-unet", "paper-transunet"])
def test_what_a_config_says_that_is_not_decisive_changes_no_network(preset: str) -> None:
    config = PRESETS[preset]
    unread = PRESETS["default"].to_dict().keys() - config.decisive().keys()
    others = {"blocks": (1, 1, 1), "encoder": "efficientnet-lite0", "joint": True, "kernels": 1, "enlarging": False}
    others |= {"temperature": 0.2, "chroma": 2.0, "reserve": 1.0}
    assert unread == others.keys()
    made = []
    for one in (config, replace(config, **others)):
        torch.manual_seed(0)
        with torch.no_grad():
            made.append(build(one).eval()(*inputs(64, 64)).ab)
    assert torch.equal(*made)
    assert PRESETS["default"].decisive() == PRESETS["default"].to_dict()


def test_networks_from_before_there_were_kernels_have_none() -> None:
    values = PRESETS["default"].to_dict()
    del values["kernels"]
    assert build(ModelConfig.from_dict(values)).spread is None


def test_pooled_hints_are_the_mean_of_the_hinted_pixels() -> None:
    ab = torch.zeros(1, 2, 8, 8)
    mask = torch.zeros(1, 1, 8, 8)
    ab[0, :, 1, 1], ab[0, :, 2, 3] = 10.0, 30.0
    mask[0, 0, 1, 1] = mask[0, 0, 2, 3] = 1.0
    pooled, share = pool_hints(*pool_hints(ab, mask))
    assert pooled[0, 0, 0, 0] == pytest.approx(20.0)
    assert share[0, 0, 0, 0] == pytest.approx(2 / 16)
    assert pooled[0, :, 1, 1].abs().max() == 0


@pytest.mark.parametrize("reserve", [0.0, 1.5])
def test_propagation_matches_a_plain_softmax_over_the_hinted_cells(reserve: float) -> None:
    torch.manual_seed(1)
    layer = HintPropagation(6, heads=2)
    torch.nn.init.normal_(layer.null_key, std=0.5)
    feature, ab = torch.randn(1, 6, 3, 4), torch.randn(1, 2, 3, 4)
    mask = torch.zeros(1, 1, 3, 4)
    hinted = [(0, 1), (2, 3), (1, 0)]
    for y, x in hinted:
        mask[0, 0, y, x] = 1.0
    ab = ab * mask
    out = layer(feature, ab, mask, torch.arange(12)[None], reserve).view(2, 3, 3, 4)

    width = layer.width - 4
    q, k = layer.query(feature).view(2, width, 3, 4), layer.key(feature).view(2, width, 3, 4)
    for head in range(2):
        reach = layer.log_reach[head].exp()
        for y in range(3):
            for x in range(4):
                own = q[head, :, y, x] / width**0.5
                scores = [own @ k[head, :, j, i] - ((y - j) ** 2 + (x - i) ** 2) / (2 * reach**2) for j, i in hinted]
                at = torch.tensor([y - 3 / 2, x - 4 / 2]) / (reach * 2**0.5)
                near = torch.cat([2 * at, -(at @ at).view(1), torch.ones(1)])
                null = layer.null_key[head, 0] @ torch.cat([own, near]) + reserve
                weight = torch.stack([*scores, null]).softmax(0)
                sure = weight[:-1].sum()
                color = sum(w * ab[0, :, j, i] for w, (j, i) in zip(weight, hinted, strict=False)) / (sure + 1e-3)
                assert torch.allclose(out[head, 2, y, x], sure, atol=1e-5)
                assert torch.allclose(out[head, :2, y, x], color, atol=1e-4)


def test_propagation_without_hints_carries_nothing() -> None:
    layer = HintPropagation(6, heads=2)
    out = layer(torch.randn(1, 6, 4, 4), torch.zeros(1, 2, 4, 4), torch.zeros(1, 1, 4, 4), torch.arange(16)[None])
    assert out.abs().max() < 1e-6


def spreading_inputs() -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(2)
    mask = torch.zeros(1, 1, 6, 8)
    for y, x in [(0, 1), (1, 1), (3, 6), (5, 2)]:
        mask[0, 0, y, x] = 1.0
    ab, hint = 20 * torch.randn(2, 1, 2, 6, 8, generator=generator)
    return ab, hint * mask, mask, torch.randn(1, 5, 6, 8, generator=generator), 100 * torch.rand(1, 1, 6, 8)


def test_spreading_matches_plain_kernel_regressions_of_what_is_lacking() -> None:
    torch.manual_seed(3)
    layer = ResidualSpreading(5, kernels=2, width=4)
    torch.nn.init.normal_(layer.query.weight)
    ab, hint, mask, feature, lightness = spreading_inputs()
    with torch.no_grad():
        out = layer(ab, hint, mask, feature, lightness, torch.arange(12)[None])
        blocks = {}
        for y, x in mask[0, 0].nonzero().tolist():
            blocks.setdefault((y // 2, x // 2), []).append((y, x))
        q = layer.query(feature).view(2, 4, 6, 8)
        expected = ab.clone()
        for kernel in range(2):
            reach, like = layer.log_reach[kernel].exp(), layer.log_likeness[kernel].exp()
            keys = []
            for (row, column), cells in blocks.items():
                own = torch.stack([feature[0, :, y, x] for y, x in cells]).mean(0)
                light = torch.stack([lightness[0, 0, y, x] for y, x in cells]).mean()
                lack = torch.stack([hint[0, :, y, x] - expected[0, :, y, x] for y, x in cells]).mean(0)
                key = layer.key(own.view(1, 5, 1, 1)).view(2, 4)[kernel]
                keys.append((2 * row + 1, 2 * column + 1, light, key, lack))
            step = torch.zeros_like(ab)
            for y in range(6):
                for x in range(8):
                    scores = [
                        q[kernel, :, y, x] @ key / 2.0
                        - ((y + 0.5 - row) ** 2 + (x + 0.5 - column) ** 2) / (2 * reach**2)
                        - (lightness[0, 0, y, x] - light) ** 2 / (2 * like**2)
                        for row, column, light, key, _ in keys
                    ]
                    weight = torch.stack([*scores, layer.log_nothing[kernel]]).softmax(0)
                    step[0, :, y, x] = sum(w * k[-1] for w, k in zip(weight, keys, strict=False))
            expected = expected + step
    assert torch.allclose(out, expected, atol=2e-3)


def test_spreading_without_hints_changes_nothing() -> None:
    ab, hint, mask, feature, lightness = spreading_inputs()
    layer = ResidualSpreading(5, kernels=3)
    for index in (torch.arange(12)[None], torch.zeros(1, 0, dtype=torch.int64)):
        with torch.no_grad():
            assert torch.equal(layer(ab, hint * 0, mask * 0, feature, lightness, index), ab)


def test_cells_without_hints_count_for_nothing() -> None:
    torch.manual_seed(4)
    model = build(PRESETS["default"]).eval()
    torch.nn.init.normal_(model.spread.query.weight)
    given = inputs(64, 96)
    with torch.no_grad():
        some = model(*given).ab
        assert torch.allclose(model.in_form("static")(*given).ab, some, atol=1e-3)
    learning = model.train()._looked_at(torch.ones(1, 1, 20, 20))
    assert learning.shape == (1, HintUNet.LEARNING) and len(learning.unique()) == HintUNet.LEARNING


def test_a_low_temperature_takes_the_likeliest_colors() -> None:
    torch.manual_seed(6)
    model = build(replace(PRESETS["default"], temperature=1e-4, chroma=1.0, enlarging=False)).eval()
    torch.nn.init.normal_(model.head.weight)
    torch.nn.init.zeros_(model.gate.weight)
    torch.nn.init.constant_(model.gate.bias, -100.0)
    model.gate.bias.data[0] = 100.0  # all by the classifier
    lightness, ab, mask = inputs(64, 64)
    with torch.no_grad():
        out = model(lightness, 0 * ab, 0 * mask)
    likeliest = torch.tensor(bins.CENTERS).float()[out.logits.argmax(2)]
    assert (out.ab - likeliest).abs().mean() < 0.1


def test_chroma_multiplies_what_the_classifier_says_but_not_while_it_learns() -> None:
    torch.manual_seed(6)
    paler = build(replace(PRESETS["default"], chroma=1.0)).eval()
    purer = build(replace(PRESETS["default"], chroma=1.25)).eval()
    purer.load_state_dict(paler.state_dict())
    lightness, ab, mask = inputs(64, 64)
    with torch.no_grad():
        own = [model(lightness, 0 * ab, 0 * mask).ab for model in (paler, purer)]
        assert own[0].abs().mean() > 0.01
        assert torch.allclose(own[1], 1.25 * own[0], atol=1e-3)
        learning = [model.train()(lightness, ab, mask).ab for model in (paler, purer)]
    assert torch.equal(*learning)


def test_reserve_keeps_a_hint_from_what_is_far_but_not_while_it_learns() -> None:
    torch.manual_seed(6)
    open_, reserved = (build(replace(PRESETS["default"], reserve=value)) for value in (0.0, 3.0))
    reserved.load_state_dict(open_.state_dict())
    lightness, ab, mask = inputs(64, 64)
    with torch.no_grad():
        learning = [model.train()(lightness, ab, mask).ab for model in (open_, reserved)]
        sure = []
        for model in (open_.eval(), reserved.eval()):
            model.propagate.register_forward_hook(lambda _, __, out: sure.append(out.unflatten(1, (4, 3))[:, :, 2]))
            model(lightness, ab, mask)
    assert torch.equal(*learning)
    assert (sure[1] <= sure[0]).all() and sure[1].mean() < 0.9 * sure[0].mean()


def test_mixed_precision_stays_near_fp32() -> None:
    torch.manual_seed(5)
    model = build(PRESETS["default"]).eval()
    given = inputs(64, 64)
    with torch.no_grad():
        exact = model(*given).ab
        with torch.autocast("cpu", torch.bfloat16):
            mixed = model(*given).ab
    assert mixed.dtype == torch.float32
    assert (exact - mixed).abs().mean() < 0.1


def test_correction_obeys_hints_and_stops_at_edges() -> None:
    correct = HintCorrection(2)
    lightness = torch.full((1, 1, 9, 9), 30.0)
    lightness[..., 5:] = 80.0
    hint, mask = torch.zeros(1, 2, 9, 9), torch.zeros(1, 1, 9, 9)
    hint[0, :, 4, 4], mask[0, 0, 4, 4] = 50.0, 1.0
    with torch.no_grad():
        out = correct(torch.zeros(1, 2, 9, 9), hint, mask, lightness)[0, 0]
    assert out[4, 4] > 45.0
    assert out[4, 3] > 40.0
    assert out[4, 5] < 1.0
    assert out[4, 0].abs() < 1e-6


def test_correction_matches_a_plain_loop() -> None:
    torch.manual_seed(3)
    correct = HintCorrection(1)
    ab, hint, lightness = torch.randn(2, 2, 4, 5), torch.randn(2, 2, 4, 5), 100 * torch.rand(2, 1, 4, 5)
    mask = (torch.rand(2, 1, 4, 5) > 0.6).float()
    with torch.no_grad():
        found = correct(ab, hint * mask, mask, lightness)
    for n, y, x in itertools.product(range(2), range(4), range(5)):
        sums, total = torch.zeros(2), 0.05
        for j, i in itertools.product(range(max(0, y - 1), min(4, y + 2)), range(max(0, x - 1), min(5, x + 2))):
            unlike = (lightness[n, 0, j, i] - lightness[n, 0, y, x]) / 10.0
            near = ((j - y) ** 2 + (i - x) ** 2) / 1.5**2
            weight = mask[n, 0, j, i] * torch.exp(-0.5 * (unlike**2 + near))
            sums, total = sums + weight * (hint - ab)[n, :, j, i], total + weight
        torch.testing.assert_close(found[n, :, y, x], ab[n, :, y, x] + sums / total)


def test_enlarging_begins_as_bilinear_interpolation() -> None:
    enlarge = LearnedEnlarging(5).eval()
    ab, feature = 40 * torch.randn(2, 2, 6, 9), torch.randn(2, 5, 6, 9)
    with torch.no_grad():
        out = enlarge(ab, enlarge.choices(feature))
    expected = torch.nn.functional.interpolate(ab, scale_factor=2.0, mode="bilinear")
    assert (out - expected).abs().mean() < 0.3


def test_enlarging_takes_each_half_cell_from_the_neighbor_that_it_chooses() -> None:
    enlarge = LearnedEnlarging(5)
    ab = torch.arange(2 * 4 * 5, dtype=torch.float32).view(1, 2, 4, 5)
    generator = torch.Generator().manual_seed(3)
    wanted = torch.randint(0, 9, (4, 4, 5), generator=generator)
    choices = torch.nn.functional.one_hot(wanted, 9).permute(3, 0, 1, 2).reshape(1, 36, 4, 5) * 100.0
    out = enlarge(ab, choices)
    for half in range(4):
        for y in range(4):
            for x in range(5):
                down, right = divmod(int(wanted[half, y, x]), 3)
                of = ab[0, :, min(max(y + down - 1, 0), 3), min(max(x + right - 1, 0), 4)]
                assert torch.allclose(out[0, :, 2 * y + half // 2, 2 * x + half % 2], of)


def test_a_grown_network_does_what_the_smaller_one_did() -> None:
    small = ModelConfig(channels=(8, 8, 16), blocks=(1, 1, 1), heads=2, enlarging=False)
    large = replace(small, blocks=(2, 3, 2))
    one, other = build(small).eval(), build(large).eval()
    with torch.no_grad():
        for p in one.parameters():
            p.add_(0.1 * torch.randn_like(p))
    grow(other, one)
    given = inputs(48, 64)
    with torch.no_grad():
        assert torch.allclose(one(*given).logits, other(*given).logits, atol=1e-5)
        assert torch.allclose(one(*given).ab, other(*given).ab, atol=1e-4)
    with pytest.raises(ValueError, match="no place for its"):
        grow(one, other)
