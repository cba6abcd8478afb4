"""Stage times of real engines: they add up, and watching an engine does not change what it paints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gcolor.runtime.bench.scenes import scene
from gcolor.runtime.bench.stages import STAGES, StageClock
from gcolor.runtime.colorizer import Colorizer
from gcolor.runtime.pictures import Picture, read_picture, write_picture


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """One that the graph takes whole and one that is painted in tiles."""
    paths = [tmp_path / "small.png", tmp_path / "large.png"]
    for path, (height, width) in zip(paths, [(96, 130), (1010, 1020)], strict=True):
        write_picture(path, Picture(scene(height, width), None, None))
    return paths


@pytest.mark.parametrize("backend", ["onnx", "torch"])
def test_stages_add_up_and_the_picture_is_the_same(backend: str, pictures: list[Path], tmp_path: Path) -> None:
    pytest.importorskip({"onnx": "onnxruntime"}.get(backend, backend))
    folder = tmp_path / "out"
    folder.mkdir()
    colorizer = Colorizer(threads=1, backend=backend, device="cpu")
    wanted = []
    for path in pictures:
        colorizer.set_image(read_picture(path).rgb)
        wanted.append(colorizer.color())
    clock = StageClock(colorizer, folder)
    for _ in range(2):
        for path in pictures:
            clock.run(path)
    times = clock.times()
    assert clock.reason is None
    assert {name: len(runs) for name, runs in times.items()} == {"small.png": 2, "large.png": 2}
    for runs in times.values():
        for run in runs:
            values: dict[str, float] = {name: value for name, value in run.items() if value is not None}
            assert set(values) == {*STAGES, "whole"}
            assert sum(values[name] for name in STAGES) == pytest.approx(values["whole"])
            # What is left over is never negative: nothing was counted twice.
            assert min(values.values()) > -1e-3
            assert values["net"] > 0 and values["rest"] < 0.5 * values["whole"]
    for path, expected in zip(pictures, wanted, strict=True):
        np.testing.assert_array_equal(read_picture(folder / path.name).rgb, expected)


def test_an_engine_of_one_piece_says_that_its_stages_cannot_be_told(pictures: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")

    class Sealed:
        """The real engine under a backend whose inside nobody knows."""

        backend, device, about, parallel_tiles = "trt", "cuda:0", "", 1
        kernel: Any = None

        def __init__(self, engine: Any) -> None:
            self.color, self.chroma, self.paint, self.joint = engine.color, engine.chroma, engine.paint, engine.joint

    colorizer = Colorizer(threads=1, backend="onnx", device="cpu")
    colorizer.engine = Sealed(colorizer.engine)
    folder = tmp_path / "out"
    folder.mkdir()
    clock = StageClock(colorizer, folder)
    clock.run(pictures[0])
    (run,) = clock.times()["small.png"]
    assert clock.reason is not None and "trt" in clock.reason
    assert run["pre"] is run["net"] is run["post"] is None
    numbers = {name: value for name, value in run.items() if value is not None}
    assert numbers["decode"] + numbers["encode"] + numbers["rest"] == pytest.approx(numbers["whole"])
