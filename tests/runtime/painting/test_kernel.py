"""The painting kernel against its definition, `models/fused.py`, in each form that this machine runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gcolor.color.errors import EngineError
from gcolor.runtime.colorizer import Colorizer
from gcolor.runtime.painting import choose
from gcolor.runtime.painting.build import COMPILE, SOURCE, ZIG
from gcolor.runtime.painting.kernel import AVX2, BASELINE, Kernel, library_path
from gcolor.runtime.painting.tables import tables
from PIL import Image

pytestmark = pytest.mark.skipif(not library_path().is_file(), reason="no painting kernel here; `make kernel` builds it")


@pytest.fixture(params=[BASELINE, AVX2], ids=["baseline", "avx2"])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    found = Kernel(form=request.param)
    if found.form != request.param:
        pytest.skip("this processor has no AVX2")
    return found


def define(pixels: np.ndarray, ab: np.ndarray, place: tuple[float, ...], exact: bool = False) -> np.ndarray:
    """What PyTorch paints; exact: by the formulas themselves in place of tables of them."""
    torch = pytest.importorskip("torch")
    from gcolor.models.fused import Paint

    paint = Paint("static" if exact else "dynamic")
    rgb = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    with torch.no_grad():
        given = torch.from_numpy(rgb[None].copy()), torch.from_numpy(ab), torch.tensor(place)
        return paint(*given)[0].numpy()


def gray(height: int = 90, width: int = 600) -> np.ndarray:
    rng = np.random.default_rng(3)
    ramp = np.linspace(0.0, 255.0, width)[None] + rng.normal(0.0, 6.0, (height, width))
    return np.clip(ramp, 0, 255).astype(np.uint8)


def noise(strength: float, down: int = 24, across: int = 32) -> np.ndarray:
    return np.random.default_rng(4).normal(0.0, strength, (1, 2, down, across)).astype(np.float32)


def compare(found: np.ndarray, expected: np.ndarray) -> None:
    apart = np.abs(found.astype(int) - expected)
    assert apart.max() <= 1 and apart.mean() < 0.02


@pytest.mark.parametrize("strength", [0.0, 15.0, 60.0, 1e4])
@pytest.mark.parametrize("colored", [False, True])
def test_any_chroma_is_painted_as_defined(kernel: Kernel, strength: float, colored: bool) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (90, 600, 3), np.uint8) if colored else gray()
    place = (0.0, 0.0, 90.0, 600.0)
    ab = noise(strength)
    compare(kernel.paint(pixels, ab, place), define(pixels, ab, place, exact=True))
    if strength < 20:  # the definition's tables are up to two levels from its formulas where colors are cut off
        compare(kernel.paint(pixels, ab, place), define(pixels, ab, place))


@pytest.mark.photos
def test_a_photograph_is_painted_as_defined(kernel: Kernel, photos: Path) -> None:
    for path in sorted((photos / "test").glob("*.jpg"))[:3]:
        with Image.open(path) as image:
            rgb, plane = np.asarray(image.convert("RGB")), np.asarray(image.convert("L"))
        place = (0.0, 0.0, *map(float, plane.shape))
        for pixels in (rgb, plane):
            for strength in (12.0, 40.0):
                compare(kernel.paint(pixels, noise(strength), place), define(pixels, noise(strength), place))


@pytest.mark.parametrize(
    "place", [(0.0, 0.0, 7.0, 5.0), (300.0, 1000.0, 2000.0, 3000.0), (10.5, 3.25, 60.5, 44.75), (0.0, 0.0, 7.0, 900.0)]
)
@pytest.mark.parametrize("cells", [(1, 1), (2, 3), (64, 128)])
def test_any_part_of_any_picture_by_any_grid(kernel: Kernel, place: tuple[float, ...], cells: tuple[int, int]) -> None:
    pixels = np.random.default_rng(6).integers(0, 256, (7, 5, 3), np.uint8)
    ab = noise(12.0, *cells)
    # Too few pixels for a mean to say much.
    assert np.abs(kernel.paint(pixels, ab, place).astype(int) - define(pixels, ab, place)).max() <= 1


def test_grey_without_chroma_comes_back_exactly(kernel: Kernel) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 256)
    assert (kernel.paint(pixels, np.zeros((1, 2, 4, 4), np.float32), (0, 0, 1, 256)) == pixels[..., None]).all()


def test_strips_planes_and_four_channels_are_the_same_picture(kernel: Kernel) -> None:
    pixels, ab = gray(), noise(40.0)
    height, width = pixels.shape
    whole = kernel.paint(pixels, ab, (0, 0, height, width))
    assert (kernel.paint(np.repeat(pixels[..., None], 3, axis=2), ab, (0, 0, height, width)) == whole).all()
    out = np.zeros((height, width, 4), np.uint8)
    for top in range(0, height, 37):
        kernel.paint(pixels[top : top + 37], ab, (top, 0, height, width), out[top : top + 37])
    assert (out[..., :3] == whole).all() and (out[..., 3] == 255).all()


def test_only_what_was_asked_for_is_written(kernel: Kernel) -> None:
    room = np.full((12, 70, 3), 7, np.uint8)
    kernel.paint(gray(10, 50), noise(20.0), (0, 0, 10, 50), room[1:11, 10:60])
    room[1:11, 10:60] = 7
    assert (room == 7).all()


def test_what_does_not_fit_is_refused(kernel: Kernel) -> None:
    for pixels, ab, out in (
        (gray().astype(np.float32), noise(1.0), None),
        (gray()[..., None], noise(1.0), None),
        (gray(), noise(1.0)[0], None),
        (gray(), noise(1.0), np.empty((90, 601, 3), np.uint8)),
        (gray(), noise(1.0), np.empty((3, 90, 600), np.uint8).transpose(1, 2, 0)),
    ):
        with pytest.raises(ValueError):
            kernel.paint(pixels, ab, (0, 0, 90, 600), out)


def test_loading_it_leaves_small_numbers_alone() -> None:
    code = (
        "import numpy as np; from gcolor.runtime.painting.kernel import Kernel; Kernel();"
        "assert np.float32(1e-40) * np.float32(0.5) > 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_kernel_that_paints_otherwise_is_named_and_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Kernel()

    def graph(tile: np.ndarray, ab: np.ndarray, place: tuple[float, ...]) -> np.ndarray:
        return right.paint(tile[0], ab, place)[None]

    def wrong(tile: np.ndarray, ab: np.ndarray, place: tuple[float, ...]) -> np.ndarray:
        return 255 - graph(tile, ab, place)

    assert choose.open_kernel("auto", graph, "right") is not None
    assert choose.open_kernel("onnx", graph, "right") is None
    assert choose.open_kernel("auto", wrong, "wrong") is None
    with pytest.raises(EngineError, match=r"paints otherwise than the bundle's graph: up to \d+ levels apart"):
        choose.open_kernel("native", wrong, "wrong")
    # Once for each library, processor and graph.
    assert choose.open_kernel("auto", wrong, "right") is not None
    monkeypatch.setenv("GCOLOR_CACHE", "off")
    assert choose.open_kernel("auto", wrong, "right") is None


def test_without_a_library_the_graph_paints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(choose, "library_path", lambda: tmp_path / "none.so")
    assert choose.open_kernel("auto", lambda *_: np.empty(0), "x") is None
    with pytest.raises(EngineError, match="no library for .*`make kernel`"):
        choose.open_kernel("native", lambda *_: np.empty(0), "x")
    damaged = tmp_path / "damaged.so"
    damaged.write_bytes(b"no library")
    with pytest.raises(EngineError, match="cannot be loaded"):
        Kernel(damaged)


@pytest.mark.smoke
@pytest.mark.parametrize("size", [(60, 90), (1100, 1200)])
def test_a_colorizer_paints_by_it_what_the_graph_paints(make_scene, size: tuple[int, int]) -> None:
    pytest.importorskip("onnxruntime")
    rgb = make_scene(*size)
    plane = np.ascontiguousarray(rgb[..., 1])
    native, onnx = (Colorizer(device="cpu", painter=painter, threads=2) for painter in ("native", "onnx"))
    assert "native painter" in native.engine.about and onnx.engine.kernel is None
    for picture in (rgb, plane):
        for colorizer in (native, onnx):
            colorizer.set_image(picture)
        compare(native.color(), onnx.color())
    deep = plane.astype(np.uint16) * 257
    assert np.abs(native.color_deep(deep).astype(int) - onnx.color_deep(deep)).max() < 3 * 257


def test_arm_paints_the_same(tmp_path: Path) -> None:
    pytest.importorskip("ziglang", reason="ziglang, which compiles for other processors, is not installed")
    emulator = shutil.which("qemu-aarch64") or pytest.skip("qemu-aarch64 (Debian: qemu-user) is not installed")
    program = tmp_path / "job"
    folder = Path(__file__).parent
    target = ["-target", "aarch64-linux-musl", "-mcpu=generic", "-static", f"-I{SOURCE.parent}"]
    subprocess.run([*ZIG, *COMPILE, *target, "-o", program, folder / "job.c"], check=True)
    for pixels in (gray(), np.random.default_rng(5).integers(0, 256, (40, 300, 3), np.uint8)):
        height, width = pixels.shape[:2]
        ab = noise(40.0)
        sizes = np.array([height, width, 1 if pixels.ndim == 2 else 3, *ab.shape[2:]], np.int32)
        given = b"".join(map(bytes, (tables(), sizes.tobytes(), pixels.tobytes(), ab.tobytes())))
        done = subprocess.run([emulator, program], input=given, capture_output=True, check=True)
        found = np.frombuffer(done.stdout, np.uint8).reshape(height, width, 3)
        compare(found, Kernel().paint(pixels, ab, (0, 0, height, width)))
