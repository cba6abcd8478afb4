"""sRGB <-> LAB against scikit-image, and torch against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gcolor.color import lab
from numpy.typing import NDArray

skimage_color = pytest.importorskip("skimage.color")
lab2rgb, rgb2lab = skimage_color.lab2rgb, skimage_color.rgb2lab

# scikit-image keeps XYZ_FROM_RGB to six digits as we do and inverts it as we do; what remains is rounding.
LAB_TOLERANCE = 1e-3


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def colors() -> NDArray[np.uint8]:
    """120,000 of the 16.7 million colors, every grey, and the corners and edges of the cube: [n, 3]."""
    codes = rng().choice(1 << 24, 120_000, replace=False)
    sample = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1)
    greys = np.repeat(np.arange(256)[:, None], 3, axis=1)
    ends = np.stack(np.meshgrid(*[[0, 1, 10, 11, 254, 255]] * 3), axis=-1).reshape(-1, 3)
    return np.concatenate([sample, greys, ends]).astype(np.uint8)


def wide_lab(count: int = 50_000) -> NDArray[np.float64]:
    """LAB [n, 3] in and far outside the gamut, L from 0 to 100 with both ends."""
    found = rng().uniform((0, -128, -128), (100, 127, 127), (count, 3))
    found[:100, 0], found[100:200, 0] = 0.0, 100.0
    return found


def luminance(linear: NDArray[Any]) -> NDArray[Any]:
    return 0.212671 * linear[..., 0] + 0.715160 * linear[..., 1] + 0.072169 * linear[..., 2]


def test_rgb_to_lab_is_scikit_images() -> None:
    rgb = colors()
    np.testing.assert_allclose(lab.rgb_to_lab(rgb), rgb2lab(rgb), atol=LAB_TOLERANCE)
    np.testing.assert_allclose(lab.rgb_to_lab(rgb / 255.0), rgb2lab(rgb), atol=LAB_TOLERANCE)
    np.testing.assert_allclose(lab.rgb_to_lightness(rgb), rgb2lab(rgb)[:, 0], atol=LAB_TOLERANCE)


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.74, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
    ],
)
def test_published_values(rgb: tuple[int, int, int], expected: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(lab.rgb_to_lab(np.array(rgb, np.uint8)), expected, atol=0.03)


def test_every_color_survives_the_round_trip() -> None:
    rgb = colors()
    np.testing.assert_array_equal(lab.lab_to_rgb(lab.rgb_to_lab(rgb)), rgb)


def test_lab_to_rgb_is_scikit_images_inside_the_gamut() -> None:
    inside = rgb2lab(colors()) + rng().uniform(-0.4, 0.4, (len(colors()), 3))
    linear = lab.lab_to_linear(inside)
    inside = inside[((linear >= 0) & (linear <= 1)).all(-1)]
    assert len(inside) > 100_000
    wanted = lab2rgb(inside) * 255.0
    assert np.abs(lab.lab_to_rgb(inside) - wanted).max() <= 1.0
    exact = lab.linear_to_srgb(lab.lab_to_linear(inside)) * 255.0
    np.testing.assert_allclose(exact, wanted, atol=0.02)


def test_shapes_are_kept() -> None:
    picture = colors()[:600].reshape(20, 30, 3)
    assert lab.rgb_to_lab(picture).shape == (20, 30, 3) and lab.rgb_to_lightness(picture).shape == (20, 30)
    found = lab.lab_to_rgb(lab.rgb_to_lab(picture))
    assert found.shape == (20, 30, 3) and found.dtype == np.uint8


def test_curves_undo_each_other() -> None:
    values = np.linspace(0, 1, 10_001)
    np.testing.assert_allclose(lab.linear_to_srgb(lab.srgb_to_linear(values)), values, atol=1e-6)
    np.testing.assert_allclose(lab.lab_f_inverse(lab.lab_f(values)), values, atol=1e-12)


def test_into_gamut_keeps_luminance_and_hue() -> None:
    linear = lab.lab_to_linear(wide_lab())
    found = lab.into_gamut(linear)
    assert found.min() >= 0.0 and found.max() <= 1.0
    y = np.clip(luminance(linear), 0, 1)
    np.testing.assert_allclose(luminance(found), y, atol=1e-9)
    # On the straight line from grey to the color: the two directions are parallel and of one sense.
    before, after = linear - y[:, None], found - y[:, None]
    np.testing.assert_allclose(np.cross(before, after), 0.0, atol=1e-9)
    assert ((before * after).sum(-1) >= -1e-12).all()
    # Moved no further than to the border.
    moved = np.abs(found - linear).max(-1) > 1e-9
    border = np.minimum(found.min(-1), 1.0 - found.max(-1))
    assert moved.sum() > 1000
    np.testing.assert_allclose(border[moved], 0.0, atol=1e-9)


def test_into_gamut_leaves_colors_inside_alone() -> None:
    linear = rng().uniform(0, 1, (10_000, 3))
    np.testing.assert_allclose(lab.into_gamut(linear), linear, atol=1e-12)


def test_lightness_is_kept_whatever_the_chroma() -> None:
    found = wide_lab()
    shown = rgb2lab(lab.lab_to_rgb(found))[:, 0]
    assert np.abs(shown - found[:, 0]).max() < 0.5  # the rounding to 8 bits


# --- The same in torch ---


def channels_first(values: NDArray[Any]) -> Any:
    """[n, 3] to a float32 tensor [2, 3, n/2/10, 10]."""
    torch = pytest.importorskip("torch")
    n = len(values) // 20 * 20
    return torch.from_numpy(values[:n].reshape(2, -1, 10, 3).astype(np.float32)).permute(0, 3, 1, 2)


def channels_last(tensor: Any) -> NDArray[np.float64]:
    found: NDArray[np.float64] = tensor.permute(0, 2, 3, 1).reshape(-1, tensor.shape[1]).double().numpy()
    return found


def test_torch_rgb_to_lab() -> None:
    x = channels_first(colors() / 255.0)
    from gcolor.color import tensors

    found = channels_last(tensors.rgb_to_lab(x))
    np.testing.assert_allclose(found, rgb2lab(colors()[: len(found)]), atol=LAB_TOLERANCE)


def test_torch_lab_to_rgb() -> None:
    x = channels_first(rgb2lab(colors()))
    from gcolor.color import tensors

    found = channels_last(tensors.lab_to_rgb(x)) * 255.0
    np.testing.assert_array_equal(np.rint(found), colors()[: len(found)])


def test_torch_lab_to_rgb_outside_the_gamut() -> None:
    wide = wide_lab()
    x = channels_first(wide)
    from gcolor.color import tensors

    found = channels_last(tensors.lab_to_rgb(x))
    assert found.min() >= 0.0 and found.max() <= 1.0
    assert np.abs(np.rint(found * 255.0) - lab.lab_to_rgb(wide[: len(found)])).max() <= 1.0
    assert np.abs(rgb2lab(found)[:, 0] - wide[: len(found), 0]).max() < 0.05


def test_torch_into_gamut() -> None:
    linear = lab.lab_to_linear(wide_lab())
    y = np.clip(luminance(linear), 0, 1)
    x, grey = channels_first(linear), channels_first(np.repeat(y[:, None], 3, axis=1))[:, :1]
    from gcolor.color import tensors

    found = channels_last(tensors.into_gamut(x, grey))
    assert found.min() >= 0.0 and found.max() <= 1.0
    np.testing.assert_allclose(luminance(found), y[: len(found)], atol=1e-5)
    np.testing.assert_allclose(found, lab.into_gamut(linear)[: len(found)], atol=1e-5)


def test_torch_gradients_are_finite() -> None:
    """Black, white and the branches' borders: where a cube root or a power meets its tangent."""
    torch = pytest.importorskip("torch")
    from gcolor.color import tensors

    rgb = channels_first(np.repeat(np.linspace(0, 1, 400)[:, None], 3, axis=1)).clone().requires_grad_(True)
    tensors.rgb_to_lab(rgb).sum().backward()
    assert torch.isfinite(rgb.grad).all()
    wide = channels_first(np.concatenate([wide_lab(400), [[0.0, 0, 0], [100.0, 0, 0]] * 10])).clone()
    wide.requires_grad_(True)
    tensors.lab_to_rgb(wide).sum().backward()
    assert torch.isfinite(wide.grad).all()
