"""TensorRT on a CUDA device: what neither a CPU nor a builder alone can show. One command: pytest -m gpu"""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gcolor.color.errors import BundleError, PictureError  # noqa: E402
from gcolor.runtime.bundle import Bundle, load_bundle  # noqa: E402
from gcolor.runtime.colorizer import Colorizer  # noqa: E402
from gcolor.runtime.engines.open import open_engine  # noqa: E402
from gcolor.runtime.engines.trt_key import read_key  # noqa: E402
from gcolor.runtime.manifest import DEFAULT, PAINT  # noqa: E402


def library() -> str | None:
    for name in ("tensorrt", "tensorrt_rtx"):
        try:
            return __import__(name).__name__
        except (ImportError, OSError):
            continue
    return None


pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    pytest.mark.skipif(library() is None, reason="TensorRT is not installed"),
]
# The bar of every engine: at most one level apart on 99.9 % of the pixels.
SHARE_BEYOND_ONE = 0.001


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default bundle with engines for all sizes."""
    from gcolor.export.tensorrt.build import BuildOptions
    from gcolor.export.tensorrt.engines import build_engines

    bundle = tmp_path_factory.mktemp("trt") / "bundle"
    shutil.copytree(DEFAULT, bundle)
    build_engines(load_bundle(bundle), BuildOptions(version_compatible=False))
    return bundle


def close(found: np.ndarray, wanted: np.ndarray) -> bool:
    return bool((np.abs(found.astype(int) - wanted.astype(int)).max(-1) > 1).mean() <= SHARE_BEYOND_ONE)


@pytest.mark.parametrize("size", [(64, 48), (512, 768), (900, 600), (300, 2000), (1500, 1100)])
def test_pictures_are_those_of_the_reference(built: Path, make_scene, size: tuple[int, int]) -> None:
    photo = make_scene(*size)
    pictures = []
    for backend in ("trt", "torch"):
        colorizer = Colorizer(built, backend=backend, device="cuda")
        colorizer.set_image(photo)
        hints = np.zeros((*colorizer.grid, 4), np.uint8)
        hints[10:14, 10:14] = (200, 40, 40, 255)
        pictures.append([colorizer.color(), colorizer.color(hints)])
    assert all(close(found, wanted) for found, wanted in zip(*pictures, strict=True))


def test_batches_of_any_length_and_repeats_agree(built: Path, make_scene) -> None:
    """More than a profile takes, one after the other, and often enough that the CUDA graph runs."""
    engine = open_engine(load_bundle(built), "trt")
    photos = np.stack([make_scene(96, 128, seed) for seed in range(11)])
    hints = np.zeros((11, 256, 336, 4), np.uint8)
    alone = np.concatenate([engine.color(photos[i : i + 1], hints[i : i + 1])[0] for i in range(11)])
    for _ in range(4):
        together, ab = engine.color(photos, hints)
        assert close(together, alone) and len(ab) == 11


def test_threads_get_their_own_answers(built: Path, make_scene) -> None:
    first = Colorizer(built, backend="trt")
    photos = [make_scene(96 + 8 * (i % 3), 128, i) for i in range(12)]
    wanted: list[np.ndarray] = []
    found: list[np.ndarray] = [np.empty(0)] * 12
    for photo in photos:
        first.set_image(photo)
        wanted.append(first.color())

    def work(i: int) -> None:
        mine = first.share()
        mine.set_image(photos[i])
        for _ in range(6):
            found[i] = mine.color()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(close(a, b) for a, b in zip(found, wanted, strict=True))


def test_auto_takes_engines_that_fit_and_a_stale_one_is_refused(built: Path, tmp_path: Path) -> None:
    assert open_engine(load_bundle(built)).backend == "trt"
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    path = copy / "engines" / "paint.json"
    record = json.loads(path.read_text())
    record["key"]["onnx"] = "0" * 64
    path.write_text(json.dumps(record))
    assert open_engine(load_bundle(copy)).backend == "onnx"
    with pytest.raises(BundleError, match=r"paint\.onnx is stale in the graph .*gcolor export .* --trt"):
        open_engine(load_bundle(copy), "trt")


def test_a_picture_outside_of_the_profiles_is_said(built: Path) -> None:
    engine = open_engine(load_bundle(built), "trt")
    with pytest.raises(PictureError, match="5000 x 16 pixels are outside"):
        engine.color(np.zeros((1, 16, 5000, 3), np.uint8), np.zeros((1, 256, 512, 4), np.uint8))


def test_the_key_names_this_device(built: Path) -> None:
    bundle: Bundle = load_bundle(built)
    key = read_key(bundle, PAINT)
    assert key is not None and key.gpu in ("any", "sm_{}{}".format(*torch.cuda.get_device_capability()))
