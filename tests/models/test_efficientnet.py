"""The encoder: its padding against a plain loop, published weights, freezing."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gcolor.color import lab  # noqa: E402
from gcolor.models.efficientnet import (  # noqa: E402
    SCALES,
    EfficientNetLite,
    GrayConv,
    SameConv,
    from_published,
    gray_level,
)


def test_gray_levels_are_those_of_srgb() -> None:
    lightness = np.linspace(0, 100, 500)
    rgb = lab.lab_to_rgb(np.stack([lightness, 0 * lightness, 0 * lightness], axis=-1)[None])[0, :, 0]
    found = gray_level(torch.from_numpy(lightness).float()).numpy() * 128 + 127
    assert np.abs(found - rgb).max() < 1.3


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("side", [8, 12])
def test_convolutions_are_padded_as_tensorflow_pads(kernel: int, side: int) -> None:
    torch.manual_seed(0)
    conv = SameConv(1, 1, kernel, 2)
    x = torch.randn(1, 1, side, side)
    # TensorFlow's SAME: outputs ceil(n / 2), the odd one of the padding comes after.
    total = (side // 2 - 1) * 2 + kernel - side
    padded = np.pad(x[0, 0].numpy(), (total // 2, total - total // 2))
    wanted = [
        [(padded[2 * i : 2 * i + kernel, 2 * j : 2 * j + kernel] * conv.weight[0, 0].detach().numpy()).sum()
         for j in range(side // 2)]
        for i in range(side // 2)
    ]  # fmt: skip
    np.testing.assert_allclose(conv(x)[0, 0].detach().numpy(), wanted, atol=1e-5)


def test_gray_is_seen_as_three_equal_channels() -> None:
    torch.manual_seed(1)
    gray, colored = GrayConv(3, 4, 3, 2), SameConv(3, 4, 3, 2)
    colored.load_state_dict(gray.state_dict())
    x = torch.randn(2, 1, 8, 12)
    torch.testing.assert_close(gray(x), colored(x.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize("name", SCALES)
def test_features_come_at_four_strides_of_any_grid_of_16(name: str) -> None:
    encoder = EfficientNetLite(name).eval()
    with torch.no_grad():
        found = encoder(torch.rand(1, 1, 48, 112) * 100)
    assert [tuple(f.shape) for f in found] == [
        (1, channels, -(-48 // stride), -(-112 // stride))
        for channels, stride in zip(encoder.channels, (4, 8, 16, 32), strict=True)
    ]


def test_frozen_it_sees_the_same_and_learns_nothing() -> None:
    torch.manual_seed(0)
    encoder = EfficientNetLite("efficientnet-lite0")
    x = torch.rand(2, 1, 64, 64) * 100
    for _ in range(3):
        encoder(x)
    before = {name: t.clone() for name, t in encoder.state_dict().items()}
    encoder.eval()
    wanted = encoder(x)
    encoder.freeze()
    encoder.train()
    for found, feature in zip(encoder(x), wanted, strict=True):
        torch.testing.assert_close(found, feature, atol=1e-3, rtol=1e-3)
        assert not found.requires_grad
    assert all(torch.equal(t, before[name]) for name, t in encoder.state_dict().items())
    assert not [p for p in encoder.parameters() if p.requires_grad]
    # Other weights are seen by at once.
    encoder.load_state_dict({name: torch.zeros_like(t) for name, t in before.items()})
    assert not encoder(x)[-1].any()


def test_published_names_are_ours() -> None:
    encoder = EfficientNetLite("efficientnet-lite0")
    theirs = {
        "_conv_stem.weight": "stem.0.weight",
        "_bn0.running_mean": "stem.1.running_mean",
        "_blocks.0._depthwise_conv.weight": "blocks.0.depthwise.0.weight",
        "_blocks.3._expand_conv.weight": "blocks.3.expand.0.weight",
        "_blocks.3._bn0.bias": "blocks.3.expand.1.bias",
        "_blocks.15._bn1.weight": "blocks.15.depthwise.1.weight",
        "_blocks.15._bn2.running_var": "blocks.15.project.1.running_var",
    }
    own = encoder.state_dict()
    found = from_published({name: own[ours] for name, ours in theirs.items()} | {"_fc.weight": torch.zeros(1)})
    assert list(found) == list(theirs.values())
