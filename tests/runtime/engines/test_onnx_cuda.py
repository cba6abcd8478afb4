"""Binding and fixed shapes of the CUDA sessions, run for real on the CPU's memory; tests/gpu has them on a GPU."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.engines import onnx_cuda
from gcolor.runtime.engines.onnx_cuda import CudaSession, fixed_options


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_cuda, "PROVIDER", "CPUExecutionProvider")
    monkeypatch.setattr(onnx_cuda, "MEMORY", "cpu")


def feeds(make_scene, height: int, width: int, seed: int = 0) -> dict[str, np.ndarray]:
    hints = np.zeros((1, 64, 96, 4), np.uint8)
    hints[0, 10 + seed : 20, 10:20] = (200, 40, 40, 255)
    vividness = np.ones((1, 1, 1, 1), np.float32)
    return {"rgb": make_scene(height, width, seed)[None], "hints": hints, "vividness": vividness}


def test_bound_and_fixed_runs_paint_what_a_plain_session_paints(make_scene) -> None:
    graph = load_bundle().model
    plain = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    session = CudaSession(graph, onnxruntime.SessionOptions(), 0, fixed_shapes=True)
    for seed in range(onnx_cuda.REPEATS + 2):
        for size in ((60, 80), (90, 70)):
            given = feeds(make_scene, *size, seed)
            found, wanted = session.run(["colored", "ab"], given), plain.run(["colored", "ab"], given)
            assert np.abs(found[0].astype(int) - wanted[0]).max() <= 1
            assert np.abs(found[1] - wanted[1]).max() < 1e-2
    assert len(session._captured) == 2


def test_only_shapes_that_repeat_are_captured_and_only_the_last_are_kept(make_scene, monkeypatch) -> None:
    monkeypatch.setattr(onnx_cuda, "KEPT", 2)
    graph = load_bundle().paint
    session = CudaSession(graph, onnxruntime.SessionOptions(), 0, fixed_shapes=True)
    ab, place = np.zeros((1, 2, 16, 16), np.float32), np.array([0, 0, 64, 64], np.float32)
    for width in (20, 24, 28, 32):
        for _ in range(onnx_cuda.REPEATS if width > 20 else 1):
            session.run(["colored"], {"rgb": make_scene(16, width)[None], "ab": ab, "place": place})
    assert [shapes[0][2] for shapes in session._captured] == [28, 32]
    never = CudaSession(graph, onnxruntime.SessionOptions(), 0, fixed_shapes=False)
    for _ in range(onnx_cuda.REPEATS + 1):
        never.run(["colored"], {"rgb": make_scene(16, 20)[None], "ab": ab, "place": place})
    assert not never._captured


def test_every_dimension_is_fixed() -> None:
    bundle = load_bundle()
    graph, stride = bundle.model, bundle.manifest.output_stride
    inputs = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).get_inputs()
    options = fixed_options(inputs, ((2, 50, 60, 3), (2, 64, 96, 4), (2, 1, 1, 1)))
    fixed = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    assert [item.shape for item in fixed.get_inputs()] == [[2, 50, 60, 3], [2, 64, 96, 4], [2, 1, 1, 1]]
    assert [item.shape for item in fixed.get_outputs()] == [
        [2, 50, 60, 3],
        [2, 2, 64 // stride, 96 // stride],
        [2, 140, 16, 24],
    ]
