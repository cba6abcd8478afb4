"""The runner's own bookkeeping, on a stand-in for CUDA whose kernels read and write the addresses they are given.

What only TensorRT and a GPU can show is in tests/gpu/test_trt.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gcolor.color.errors import EngineError, PictureError  # noqa: E402
from gcolor.runtime.engines.trt_graph import LANES, REPEATS, Graph  # noqa: E402

UINT8, FLOAT = "uint8", "float"
PROFILES = [
    {"rgb": ((1, 1, 1, 3), (1, 8, 8, 3), (4, 16, 32, 3)), "place": ((4,), (4,), (4,))},
    {"rgb": ((1, 1, 1, 3), (1, 8, 8, 3), (1, 64, 64, 3)), "place": ((4,), (4,), (4,))},
]


def at(address: int, shape: tuple[int, ...], kind: type) -> np.ndarray:
    """The memory at an address, as TensorRT's kernels see it."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    return np.frombuffer(memoryview((ctypes.c_uint8 * size).from_address(address)), kind).reshape(shape)


class Cuda:
    """Streams that run at once, graphs that record the kernel and run it again."""

    def __init__(self) -> None:
        self.recording: list[Any] | None = None
        self.fail_next: Exception | None = None
        self.OutOfMemoryError = torch.cuda.OutOfMemoryError

    def Stream(self, device):  # noqa: N802
        return SimpleNamespace(cuda_stream=7, synchronize=lambda: None)

    def CUDAGraph(self):  # noqa: N802
        cuda, kernels = self, []

        class Recorded:
            def capture_begin(self, capture_error_mode: str) -> None:
                cuda.recording = kernels

            def capture_end(self) -> None:
                cuda.recording = None

            def replay(self) -> None:
                for kernel in kernels:
                    kernel()

        return Recorded()

    def device(self, device):
        return contextlib.nullcontext()

    def stream(self, stream):
        return contextlib.nullcontext()


class Context:
    """Adds place[0] to every byte: an answer that needs the right addresses at the right time."""

    def __init__(self, engine) -> None:
        self.engine, self.shapes, self.addresses, self.memory = engine, {}, {}, 0
        self.launched = 0

    def set_optimization_profile_async(self, number: int, stream: int) -> bool:
        self.profile, self.shapes = number, {}
        return True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        least, _, most = PROFILES[self.profile][name]
        self.shapes[name] = shape
        return all(a <= s <= b for a, s, b in zip(least, shape, most, strict=True))

    def infer_shapes(self) -> list[str]:
        return [name for name in ("rgb", "place") if name not in self.shapes]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shapes["rgb"]

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def update_device_memory_size_for_shapes(self) -> int:
        return int(np.prod(self.shapes["rgb"]))

    def set_device_memory(self, address: int, size: int) -> None:
        self.memory = size

    def execute_async_v3(self, stream: int) -> bool:
        assert self.memory == np.prod(self.shapes["rgb"])
        addresses, shape = dict(self.addresses), self.shapes["rgb"]

        def kernel() -> None:
            time.sleep(self.engine.seconds)
            top = at(addresses["place"], (4,), np.float32)[0]
            at(addresses["colored"], shape, np.uint8)[...] = at(addresses["rgb"], shape, np.uint8) + int(top)

        cuda = self.engine.cuda
        if cuda.recording is not None:
            cuda.recording.append(kernel)
            self.engine.recorded += 1
        else:
            if cuda.fail_next:
                error, cuda.fail_next = cuda.fail_next, None
                raise error
            kernel()
            self.engine.plain += 1
        return not self.engine.refuses


class Engine:
    num_io_tensors, num_optimization_profiles = 3, len(PROFILES)

    def __init__(self, cuda: Cuda, on_host: bool = False) -> None:
        self.cuda, self.on_host = cuda, on_host
        self.contexts, self.plain, self.recorded, self.refuses, self.seconds = [], 0, 0, False, 0.0

    def create_execution_context(self, strategy):
        self.contexts.append(Context(self))
        return self.contexts[-1]

    def get_tensor_name(self, i: int) -> str:
        return ("rgb", "place", "colored")[i]

    def get_tensor_dtype(self, name: str) -> str:
        return FLOAT if name == "place" else UINT8

    def get_tensor_mode(self, name: str) -> str:
        return "out" if name == "colored" else "in"

    def get_tensor_location(self, name: str) -> str:
        return "host" if self.on_host and name == "place" else "device"

    def get_tensor_profile_shape(self, name: str, number: int):
        return PROFILES[number][name]


TRT = SimpleNamespace(
    DataType=SimpleNamespace(UINT8=UINT8, FLOAT=FLOAT),
    TensorIOMode=SimpleNamespace(INPUT="in", OUTPUT="out"),
    TensorLocation=SimpleNamespace(HOST="host", DEVICE="device"),
    ExecutionContextAllocationStrategy=SimpleNamespace(USER_MANAGED="ours"),
)


def make(on_host: bool = False) -> tuple[Graph, Engine, Cuda]:
    cuda = Cuda()
    engine = Engine(cuda, on_host)

    def empty(shape, *, dtype, pin_memory=False, device=None):
        return torch.empty(shape, dtype=dtype)

    shim = SimpleNamespace(cuda=cuda, uint8=torch.uint8, float32=torch.float32, empty=empty)
    log = SimpleNamespace(reason=lambda: "the reason")
    return Graph(TRT, shim, engine, "cuda:0", log), engine, cuda


def feeds(*shape: int, top: int = 1) -> dict[str, np.ndarray]:
    rgb = np.random.default_rng(top).integers(0, 100, shape, np.uint8)
    return {"rgb": rgb, "place": np.array([top, 0, 0, 0], np.float32)}


def call(graph: Graph, given: dict[str, np.ndarray]) -> None:
    """Run it and check the answer."""
    chosen = graph.choose({name: array.shape for name, array in given.items()})
    assert chosen is not None
    found = graph.run(chosen[0], given, ("colored",))
    np.testing.assert_array_equal(found["colored"], given["rgb"] + int(given["place"][0]))


@pytest.mark.parametrize("on_host", [False, True])
def test_repeated_shapes_are_recorded_once_and_still_see_new_values(on_host: bool) -> None:
    graph, engine, _ = make(on_host)
    for top in range(1, 8):
        call(graph, feeds(1, 8, 8, 3, top=top))
    assert len(engine.contexts) == 1
    # An input that TensorRT reads on the host would stay as it was recorded.
    assert (engine.plain, engine.recorded) == ((7, 0) if on_host else (REPEATS, 1))


def test_alternating_shapes_each_keep_their_lane_and_graph() -> None:
    graph, engine, _ = make()
    for top in range(1, 8):
        for side in (8, 9):
            call(graph, feeds(1, side, 8, 3, top=top))
    assert (len(engine.contexts), engine.plain, engine.recorded) == (2, 2 * REPEATS, 2)


def test_more_shapes_than_lanes_take_the_one_that_was_free_the_longest() -> None:
    graph, engine, _ = make()
    for side in range(1, LANES + 2):
        call(graph, feeds(1, side, 8, 3))
    assert len(engine.contexts) == LANES
    sides = sorted(context.shapes["rgb"][1] for context in engine.contexts)
    assert sides == list(range(2, LANES + 2))


def test_many_threads_share_few_lanes() -> None:
    graph, engine, _ = make()
    engine.seconds = 0.002
    errors = []

    def work(number: int) -> None:
        try:
            for top in range(1, 10):
                call(graph, feeds(1, 4 + number % 3, 8, 3, top=top))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and len(engine.contexts) <= LANES


def test_a_batch_goes_to_the_profile_that_takes_the_most_of_it() -> None:
    graph, _, _ = make()

    def choose(*shape: int):
        return graph.choose({"rgb": shape, "place": (4,)})

    assert choose(3, 16, 32, 3) == (0, 3)
    assert choose(9, 16, 32, 3) == (0, 4)
    assert choose(9, 17, 32, 3) == (1, 1)
    assert choose(1, 65, 32, 3) is None
    assert "1x1x1x3 to 4x16x32x3" in graph.describe()


def test_too_little_memory_fails_the_picture_and_a_dead_device_the_run() -> None:
    graph, engine, cuda = make()
    call(graph, feeds(1, 8, 8, 3))
    cuda.fail_next = torch.cuda.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(PictureError, match="memory does not suffice"):
        call(graph, feeds(1, 8, 8, 3))
    assert [lane.key for lane in graph._free] == [None]  # its memory is given back
    call(graph, feeds(1, 8, 8, 3))  # the next picture works, in the same lane
    assert len(engine.contexts) == 1
    cuda.fail_next = RuntimeError("CUDA error: an illegal memory access was encountered")
    with pytest.raises(EngineError, match="illegal memory access"):
        call(graph, feeds(1, 9, 8, 3))
    engine.refuses = True
    with pytest.raises(EngineError, match="TensorRT refuses to run: the reason"):
        call(graph, feeds(1, 10, 8, 3))
