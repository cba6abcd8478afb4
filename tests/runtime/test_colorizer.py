from __future__ import annotations

import numpy as np
import pytest
from gcolor import Colorizer
from gcolor.color import lab
from gcolor.color.errors import EngineError, PictureError, UsageError
from gcolor.runtime import colorizer as module
from gcolor.runtime.grid import choose_grid

pytestmark = pytest.mark.smoke


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    return Colorizer(device="cpu")


def grey(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels[..., 1:2], 3, axis=2)


def test_lightness_is_the_photos_own(colorizer: Colorizer, make_scene) -> None:
    for seed in range(3):
        picture = grey(make_scene(240, 320, seed))
        colorizer.set_image(picture)
        out = colorizer.color()
        assert out.shape == picture.shape and out.dtype == np.uint8
        difference = np.abs(lab.rgb_to_lightness(out) - lab.rgb_to_lightness(picture))
        assert difference.mean() < 0.3 and difference.max() < 2.0


@pytest.mark.parametrize("color", [(200, 60, 50), (60, 90, 200), (70, 150, 60), (220, 200, 60), (128, 128, 128)])
def test_a_hint_is_obeyed_at_its_center(colorizer: Colorizer, make_scene, color: tuple[int, int, int]) -> None:
    picture = grey(make_scene(256, 256, 5))
    colorizer.set_image(picture)
    hints = np.zeros((*colorizer.grid, 4), np.uint8)
    hints[100:103, 140:143] = (*color, 255)
    out = colorizer.color(hints)
    at = (101, 141)
    wanted = lab.rgb_to_lab(np.array(color, np.uint8))
    wanted[0] = lab.rgb_to_lightness(picture[at])
    wanted_ab = _ab_in_gamut(wanted)
    assert np.hypot(*(lab.rgb_to_lab(out[at])[1:] - wanted_ab)) < 6.0


def _ab_in_gamut(color: np.ndarray) -> np.ndarray:
    return lab.rgb_to_lab(lab.linear_to_srgb(lab.into_gamut(lab.lab_to_linear(color))))[1:]


def test_grey_hints_everywhere_keep_a_picture_grey(colorizer: Colorizer, make_scene) -> None:
    colorizer.set_image(grey(make_scene(128, 128)))
    hints = np.full((*colorizer.grid, 4), 128, np.uint8)
    assert np.abs(lab.rgb_to_lab(colorizer.color(hints))[..., 1:]).mean() < 2.0


@pytest.mark.parametrize("painter", ["onnx", "auto"])
def test_large_pictures_in_tiles_look_like_the_whole(make_scene, monkeypatch: pytest.MonkeyPatch, painter: str) -> None:
    picture = grey(make_scene(700, 900, 2))
    whole, tiles = (Colorizer(device="cpu", painter=painter) for _ in range(2))
    hints = np.zeros((256, 336, 4), np.uint8)
    hints[30:40, 30:40] = (200, 50, 60, 255)
    whole.set_image(picture)
    monkeypatch.setattr(module, "WHOLE", 1000)
    monkeypatch.setattr(module, "TILE", 200)
    tiles.set_image(picture)
    found = tiles.color(hints).astype(int)
    one_piece = tiles.engine.paint(picture[None], tiles.chroma(hints), (0, 0, 700, 900))[0]
    assert np.abs(found - one_piece).max() <= 1
    # The network sees the picture shrunk in two steps instead of one, and may take grain a little otherwise.
    assert np.abs(found - whole.color(hints)).mean() < 2.0


def test_set_once_color_many_times(colorizer: Colorizer, make_scene) -> None:
    colorizer.set_image(grey(make_scene()))
    first = colorizer.color()
    red = np.zeros((*colorizer.grid, 4), np.uint8)
    red[60:70, 60:70] = (220, 40, 40, 255)
    assert not np.array_equal(colorizer.color(red), first)
    assert np.array_equal(colorizer.color(), first)
    other = colorizer.share()
    with pytest.raises(PictureError, match="no picture is set"):
        other.color()


def test_chroma_paints_what_color_does(colorizer: Colorizer, make_scene) -> None:
    picture = grey(make_scene(120, 160))
    colorizer.set_image(picture)
    hints = np.zeros((*colorizer.grid, 4), np.uint8)
    hints[60:70, 60:70] = (220, 40, 40, 255)
    painted = colorizer.engine.paint(picture[None], colorizer.chroma(hints), (0, 0, 120, 160))[0]
    assert np.array_equal(painted, colorizer.color(hints))


def test_suggestions_follow_picture_and_hints(colorizer: Colorizer, make_scene) -> None:
    colorizer.set_image(grey(make_scene(seed=1)))
    hints = np.zeros((*colorizer.grid, 4), np.uint8)
    hints[60:70, 60:70] = (220, 40, 40, 255)
    without, near, hinted = colorizer.suggest(40, 40), colorizer.suggest(41, 40), colorizer.suggest(40, 40, hints)
    assert hinted != without != near
    colorizer.set_image(grey(make_scene(seed=2)))
    assert colorizer.suggest(40, 40) != without
    colorizer.set_image(grey(make_scene(seed=1)))
    assert colorizer.suggest(40, 40) == without


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (500, 3), (17, 19), (64, 64)])
def test_odd_sizes(colorizer: Colorizer, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    colorizer.set_image(picture)
    out = colorizer.color()
    assert out.shape == (*shape, 3)
    assert np.abs(lab.rgb_to_lightness(out) - lab.rgb_to_lightness(np.repeat(picture[..., None], 3, 2))).max() < 2.0


def test_black_stays_black_and_white_white(colorizer: Colorizer) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32] = 255
    colorizer.set_image(picture)
    assert np.array_equal(colorizer.color(), picture)


def test_wrong_arrays_are_refused(colorizer: Colorizer) -> None:
    with pytest.raises(PictureError, match="float64"):
        colorizer.set_image(np.zeros((4, 4, 3)))
    with pytest.raises(PictureError, match=r"\[4, 4, 4\]"):
        colorizer.set_image(np.zeros((4, 4, 4), np.uint8))
    with pytest.raises(UsageError, match="multiples of 16"):
        colorizer.set_image(np.zeros((64, 64, 3), np.uint8), grid=(100, 64))
    colorizer.set_image(np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(PictureError, match="hints are uint8"):
        colorizer.color(np.zeros((256, 256, 3), np.uint8))


def test_grid_follows_the_aspect() -> None:
    assert choose_grid(1000, 1000) == (256, 256)
    assert choose_grid(2000, 3000) == (256, 384)
    assert choose_grid(3000, 2000) == (384, 256)
    assert choose_grid(100, 5000) == (256, 512)
    assert choose_grid(1, 1) == (256, 256)


def test_a_device_that_is_not_there_is_an_error_not_a_fallback() -> None:
    with pytest.raises(EngineError, match="not known"):
        Colorizer(device="abacus")
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(EngineError, match="could not start CUDA"):
            Colorizer(device="cuda")
