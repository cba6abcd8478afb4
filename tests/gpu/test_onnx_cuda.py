"""ONNX Runtime on a CUDA device. One command: pytest -m gpu"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from gcolor.color.errors import GcolorError
from gcolor.runtime.colorizer import Colorizer


def starts() -> bool:
    try:
        return Colorizer(device="cuda").engine.device.startswith("cuda")
    except GcolorError:
        return False


pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not starts(), reason="ONNX Runtime starts no CUDA device here"),
]


@pytest.mark.parametrize("size", [(64, 48), (512, 768), (1500, 1100)])
def test_pictures_are_those_of_the_cpu_also_when_captured(make_scene, size: tuple[int, int]) -> None:
    photo = make_scene(*size)
    wanted = Colorizer(device="cpu")
    wanted.set_image(photo)
    found = Colorizer(device="cuda")
    found.set_image(photo)
    hints = np.zeros((*found.grid, 4), np.uint8)
    for number in range(6):
        hints[10 * number : 10 * number + 5, 30:40] = (200, 40 * number, 60, 255)
        away = np.abs(found.color(hints).astype(int) - wanted.color(hints).astype(int)).max(-1)
        assert (away > 1).mean() <= 0.001


def test_a_bundle_with_the_form_of_fixed_shapes_captures(make_scene, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from gcolor.export.tensorrt.form import with_trt_form
    from gcolor.runtime.bundle import load_bundle
    from gcolor.runtime.manifest import DEFAULT

    shutil.copytree(DEFAULT, tmp_path / "bundle")
    with_trt_form(load_bundle(tmp_path / "bundle"))
    colorizer = Colorizer(tmp_path / "bundle", device="cuda")
    colorizer.set_image(make_scene(256, 256))
    pictures = [colorizer.color() for _ in range(6)]
    assert all(np.array_equal(pictures[0], other) for other in pictures[1:])
    assert colorizer.engine._model._captured and onnxruntime.get_device() == "GPU"
