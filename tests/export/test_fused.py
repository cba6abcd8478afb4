"""The fused graph against independent color mathematics, and the exported files against PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import onnxruntime  # noqa: E402
from gcolor.color import lab  # noqa: E402
from gcolor.export.onnx_file import export_fused, export_paint  # noqa: E402
from gcolor.models import ModelConfig, build  # noqa: E402
from gcolor.models.fused import FusedColorizer, Paint  # noqa: E402
from gcolor.models.prediction import Form  # noqa: E402
from skimage.color import rgb2lab  # noqa: E402


@pytest.fixture(scope="module")
def model() -> FusedColorizer:
    torch.manual_seed(0)
    network = build(ModelConfig(channels=(8, 16, 16), blocks=(1, 1, 1), heads=2, joint=True))
    torch.nn.init.normal_(network.head.weight, std=1.0)
    return FusedColorizer(network).eval()


@pytest.fixture(scope="module")
def files(model: FusedColorizer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("onnx")
    export_fused(model, folder / "model.onnx")
    export_paint(model.paint, 4, folder / "paint.onnx")
    return folder / "model.onnx", folder / "paint.onnx"


def picture(h: int, w: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (1, h, w, 3), np.uint8)


def hints(h: int, w: int, count: int = 5) -> np.ndarray:
    rng = np.random.default_rng(1)
    out = np.zeros((1, h, w, 4), np.uint8)
    for _ in range(count):
        y, x = rng.integers(0, h - 3), rng.integers(0, w - 3)
        out[0, y : y + 3, x : x + 3] = (*rng.integers(0, 256, 3), 255)
    return out


def run_paint(rgb: np.ndarray, ab: np.ndarray, form: Form = "dynamic") -> np.ndarray:
    whole = torch.tensor([0.0, 0.0, *rgb.shape[1:3]])
    paint = Paint(form)
    with torch.no_grad():
        return paint(torch.from_numpy(rgb), torch.from_numpy(ab).float(), whole).numpy()


@pytest.mark.parametrize("form", get_args(Form))
def test_lightness_matches_scikit_image(form: Form) -> None:
    rgb = picture(64, 64)
    rgb[0, 0, :4] = [[0, 0, 0], [255, 255, 255], [1, 0, 0], [3, 2, 9]]
    paint = Paint(form)
    fy = paint.f_of(paint.luminance(torch.from_numpy(rgb)))
    assert np.abs(116 * fy.numpy() - 16 - rgb2lab(rgb)[..., 0]).max() < 1e-3


def test_hint_chroma_matches_scikit_image(model: FusedColorizer) -> None:
    raster = hints(32, 48)
    raster[0, 0, 0] = (90, 20, 200, 127)  # not opaque enough to be a hint
    ab, mask = model.hint_chroma(torch.from_numpy(raster))
    on = raster[..., 3] >= 128
    assert np.array_equal(mask[0, 0].numpy() > 0, on[0])
    expected = rgb2lab(raster[..., :3])[..., 1:] * on[..., None]
    assert np.abs(ab.permute(0, 2, 3, 1).numpy() - expected).max() < 2e-3


@pytest.mark.parametrize("form", get_args(Form))
def test_true_chroma_paints_the_picture_back(form: Form) -> None:
    rgb = picture(40, 56)
    ab = rgb2lab(rgb)[..., 1:].transpose(0, 3, 1, 2)
    assert np.abs(run_paint(rgb, ab, form).astype(int) - rgb).max() <= 1


@pytest.mark.parametrize("form", get_args(Form))
def test_any_chroma_matches_the_numpy_definition_and_keeps_lightness(form: Form) -> None:
    rng = np.random.default_rng(2)
    rgb = picture(60, 60)
    ab = rng.uniform(-110, 110, (1, 2, 60, 60))
    found = run_paint(rgb, ab, form)
    lightness = lab.rgb_to_lightness(rgb)
    expected = lab.lab_to_rgb(np.concatenate([lightness[..., None], ab.transpose(0, 2, 3, 1)], axis=-1))
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
    assert np.abs(lab.rgb_to_lightness(found) - lightness).mean() < 0.3


@pytest.mark.parametrize("form", get_args(Form))
def test_no_chroma_gives_grey_back_exactly(form: Form) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)
    assert np.array_equal(run_paint(grey, np.zeros((1, 2, 4, 4)), form), grey)


@pytest.mark.parametrize("ab", [(-1e4, 1e4), (1e4, -1e4), (-1e4, -1e4), (1e4, 1e4)])
def test_chroma_beyond_all_bounds_paints_colors_of_the_same_lightness(ab: tuple[float, float]) -> None:
    rgb = picture(20, 20)
    plane = np.zeros((1, 2, 5, 5))
    plane[0, :, 1:3, 1:3] = np.array(ab)[:, None, None]
    moved = np.abs(lab.rgb_to_lightness(run_paint(rgb, plane)) - lab.rgb_to_lightness(rgb))
    assert moved.mean() < 0.5 and moved.max() < 6.0  # a level is up to 1.1 in the darkest blue


@pytest.mark.parametrize(
    ("size", "grid", "n"), [((97, 131), (64, 96), 2), ((301, 517), (256, 448), 1), ((16, 40), (32, 32), 3)]
)
def test_onnx_runtime_paints_what_pytorch_paints(model, files, size, grid, n: int) -> None:
    rgb, raster = np.repeat(picture(*size), n, 0), np.repeat(hints(*grid), n, 0)
    rgb[-1] = 255 - rgb[-1]
    session = onnxruntime.InferenceSession(files[0], providers=["CPUExecutionProvider"])
    vividness = np.linspace(0.4, 2.0, n, dtype=np.float32).reshape(n, 1, 1, 1)
    feeds = {"rgb": rgb, "hints": raster, "vividness": vividness}
    found, found_ab, joint = session.run(["colored", "ab", "joint"], feeds)
    with torch.no_grad():
        wanted, wanted_ab, wanted_joint = model(*map(torch.from_numpy, feeds.values()))
    assert joint.shape[:2] == (n, 140) and np.abs(joint.sum(1) - 1.0).max() < 1e-4
    assert np.abs(joint - wanted_joint.numpy()).max() < 1e-4
    assert found.shape == rgb.shape and found.dtype == np.uint8
    assert np.abs(found_ab - wanted_ab.numpy()).max() < 1e-2
    difference = np.abs(found.astype(int) - wanted.numpy().astype(int))
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


def test_painting_in_tiles_is_painting_the_whole(model, files) -> None:
    rgb = picture(75, 90)
    whole, ab = onnxruntime.InferenceSession(files[0]).run(
        ["colored", "ab"], {"rgb": rgb, "hints": hints(64, 64), "vividness": np.ones((1, 1, 1, 1), np.float32)}
    )
    paint = onnxruntime.InferenceSession(files[1])
    found = np.zeros_like(whole)
    for top in range(0, 75, 20):
        for left in range(0, 90, 40):
            tile, place = np.s_[:, top : top + 20, left : left + 40], np.array([top, left, 75, 90], np.float32)
            found[tile] = paint.run(None, {"rgb": rgb[tile], "ab": ab, "place": place})[0]
    difference = np.abs(found.astype(int) - whole.astype(int))
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


def test_the_files_hold_all_and_tell_nothing_of_the_machine_that_made_them(files) -> None:
    folder = str(Path(export_fused.__code__.co_filename).parent).encode()
    for file in files:
        assert folder not in file.read_bytes()
        graph = onnx.load(str(file), load_external_data=False).graph
        assert not [t.name for t in graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]


def test_the_exported_sizes_are_dynamic(files) -> None:
    inputs = {i.name: i for i in onnxruntime.InferenceSession(files[0]).get_inputs()}
    assert [type(d) for d in inputs["rgb"].shape] == [str, str, str, int]
    assert [type(d) for d in inputs["hints"].shape] == [str, str, str, int]
    assert [type(d) for d in inputs["vividness"].shape] == [str, int, int, int]
    assert [i.type for i in inputs.values()] == ["tensor(uint8)", "tensor(uint8)", "tensor(float)"]
