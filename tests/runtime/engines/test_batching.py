"""Calls from many threads, merged: the same pictures as one by one, and nobody waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from gcolor.color.errors import PictureError
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.device import Device
from gcolor.runtime.engines.batching import BatchingEngine
from gcolor.runtime.engines.onnx_engine import OnnxEngine


class Watched:
    """An engine that notes the sizes of the batches, and lets the first go only when told."""

    backend, device, about, parallel_tiles, kernel = "onnx", "cpu", "watched", 1, None

    def __init__(self, inner: OnnxEngine, most: int = 99) -> None:
        self.inner, self.most = inner, most
        self.batches: list[tuple[int, ...]] = []
        self.go = threading.Event()

    def color(self, rgb, hints, vividness):
        self.batches.append(rgb.shape)
        assert self.go.wait(30)
        if len(rgb) > self.most:
            raise PictureError("out of memory")
        return self.inner.color(rgb, hints, vividness)

    def paint(self, *arguments):
        return self.inner.paint(*arguments)


@pytest.fixture(scope="module")
def inner() -> OnnxEngine:
    return OnnxEngine(load_bundle(), Device("cpu"))


def requests(make_scene) -> list[tuple[np.ndarray, np.ndarray]]:
    """Three sizes, each four times, with different hints."""
    found = []
    for seed in range(4):
        for size in ((40, 60), (50, 50), (60, 40)):
            hints = np.zeros((1, 64, 64, 4), np.uint8)
            hints[0, 5 * seed : 5 * seed + 4, 20:30] = (200, 60 * seed, 40, 255)
            found.append((make_scene(*size, seed)[None], hints))
    return found


def together(engine: BatchingEngine, watched: Watched, calls) -> list:
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(engine.color, *call) for call in calls]
        while len(engine._waiting) + len(watched.batches) < len(calls):
            pass
        watched.go.set()
        return [future.result(60) for future in futures]


def test_what_waits_runs_as_one_batch_of_each_size(inner: OnnxEngine, make_scene) -> None:
    calls = requests(make_scene)
    watched = Watched(inner)
    found = together(BatchingEngine(watched, 3), watched, calls)
    for (colored, ab), call in zip(found, calls, strict=True):
        wanted, wanted_ab = inner.color(*call)
        assert np.abs(colored.astype(int) - wanted).max() <= 1 and np.abs(ab - wanted_ab).max() < 1e-2
    sizes = [shape[0] for shape in watched.batches]
    assert sizes[0] == 1 and sum(sizes) == 12 and max(sizes) == 3 and len(sizes) <= 7


def test_a_batch_that_fails_is_tried_one_by_one(inner: OnnxEngine, make_scene) -> None:
    calls = requests(make_scene)
    watched = Watched(inner, most=1)
    found = together(BatchingEngine(watched, 8), watched, calls)
    assert all(
        np.abs(c.astype(int) - inner.color(*call)[0]).max() <= 1 for (c, _), call in zip(found, calls, strict=True)
    )


def test_an_error_reaches_those_it_belongs_to(inner: OnnxEngine, make_scene) -> None:
    watched = Watched(inner, most=0)
    watched.go.set()
    engine = BatchingEngine(watched, 8)
    for _ in range(2):
        with pytest.raises(PictureError, match="out of memory"):
            engine.color(*requests(make_scene)[0])
    watched.most = 1
    assert engine.color(*requests(make_scene)[0])[0].shape == (1, 40, 60, 3)
