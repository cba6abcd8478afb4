"""One TensorRT engine, executed: a few contexts, each with its stream, its buffers and its CUDA graph.

TensorRT and PyTorch (for memory and streams) come as parameters; neither is imported here.
"""

from __future__ import annotations

import threading
from typing import Any

from numpy.typing import NDArray

from ...color.errors import EngineError, PictureError, one_line

# Contexts of one engine: as many calls run at once, and as many sets of shapes keep their buffers and CUDA graphs.
LANES = 4
# Calls with the same shapes before they are recorded as a CUDA graph; TensorRT wants one plain run before.
REPEATS = 2
# One recording at a time: PyTorch's allocator is prepared for each.
RECORDING = threading.Lock()

Arrays = dict[str, NDArray[Any]]
Shapes = dict[str, tuple[int, ...]]
# Profile number, and the inputs' shapes.
Key = tuple[int, tuple[tuple[str, tuple[int, ...]], ...]]


class Lane:
    """One execution context. Its buffers, and later its CUDA graph, serve as long as the shapes stay the same."""

    def __init__(self, trt: Any, torch: Any, engine: Any, device: Any, log: Any) -> None:
        self._torch, self._device, self._log = torch, device, log
        # The memory between layers is ours to give, so that it is what the shapes need, not the most that any may.
        self._context = engine.create_execution_context(trt.ExecutionContextAllocationStrategy.USER_MANAGED)
        if self._context is None:
            raise EngineError(f"TensorRT gives no execution context: {log.reason()}")
        self._stream = torch.cuda.Stream(device)
        types = {trt.DataType.UINT8: torch.uint8, trt.DataType.FLOAT: torch.float32}
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self._types = {name: types[engine.get_tensor_dtype(name)] for name in names}
        self._inputs = [n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
        self._outputs = [n for n in names if n not in self._inputs]
        # Inputs that TensorRT reads on the host to find shapes; a CUDA graph would keep their first values.
        self._on_host = {n for n in names if engine.get_tensor_location(n) == trt.TensorLocation.HOST}
        self.forget()

    def forget(self) -> None:
        """Give the memory back; the next call finds its own."""
        self.key: Key | None = None
        self._graph: Any = None
        self._runs = 0
        self._scratch: Any = None
        self._host: dict[str, Any] = {}
        self._on_device: dict[str, Any] = {}

    def run(self, key: Key, feeds: Arrays, outputs: tuple[str, ...]) -> Arrays:
        """Copy in, run, copy these outputs out, wait."""
        torch = self._torch
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            if key != self.key:
                self._take_shapes(key, feeds)
            for name in self._inputs:
                self._host[name].numpy()[...] = feeds[name]
                if name not in self._on_host:
                    self._on_device[name].copy_(self._host[name], non_blocking=True)
            self._launch()
            for name in outputs:
                self._host[name].copy_(self._on_device[name], non_blocking=True)
            self._stream.synchronize()
        return {name: self._host[name].numpy().copy() for name in outputs}

    def _take_shapes(self, key: Key, feeds: Arrays) -> None:
        self.forget()
        profile, shapes = key
        context, handle = self._context, self._stream.cuda_stream
        self._demand(context.set_optimization_profile_async(profile, handle), "the profile")
        for name, shape in shapes:
            self._buffer(name, shape)
            if name in self._on_host:
                self._host[name].numpy()[...] = feeds[name]
            self._demand(context.set_input_shape(name, shape), f"the shape of {name}")
        missing = context.infer_shapes()
        self._demand(not missing, f"the shapes, {missing} is missing")
        for name in self._outputs:
            self._buffer(name, tuple(context.get_tensor_shape(name)))
        size = context.update_device_memory_size_for_shapes()
        self._scratch = self._torch.empty(max(size, 1), dtype=self._torch.uint8, device=self._device)
        context.set_device_memory(self._scratch.data_ptr(), size)
        self.key = key

    def _buffer(self, name: str, shape: tuple[int, ...]) -> None:
        """A pinned buffer, one on the device, and its address for TensorRT."""
        torch = self._torch
        self._host[name] = torch.empty(shape, dtype=self._types[name], pin_memory=True)
        there = self._host[name]
        if name not in self._on_host:
            there = self._on_device[name] = torch.empty(shape, dtype=self._types[name], device=self._device)
        self._demand(self._context.set_tensor_address(name, there.data_ptr()), f"the address of {name}")

    def _launch(self) -> None:
        if self._graph is None and self._runs == REPEATS and not self._on_host:
            self._graph = self._record()
        if self._graph is not None:
            self._graph.replay()
            return
        self._demand(self._context.execute_async_v3(self._stream.cuda_stream), "to run")
        self._runs += 1

    def _record(self) -> Any:
        with RECORDING:
            graph = self._torch.cuda.CUDAGraph()
            # Other threads may allocate meanwhile.
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                recorded = self._context.execute_async_v3(self._stream.cuda_stream)
            finally:
                graph.capture_end()
        self._demand(recorded, "to be recorded as a CUDA graph")
        return graph

    def _demand(self, done: bool, what: str) -> None:
        if not done:
            raise EngineError(f"TensorRT refuses {what}: {self._log.reason()}")


class Graph:
    """A deserialized engine and its lanes. Safe to call from several threads at once."""

    def __init__(self, trt: Any, torch: Any, engine: Any, device: Any, log: Any) -> None:
        self._trt, self._torch, self._engine, self._device, self._log = trt, torch, engine, device, log
        modes = {n: engine.get_tensor_mode(n) for n in map(engine.get_tensor_name, range(engine.num_io_tensors))}
        self._limits = [
            {
                name: tuple(tuple(shape) for shape in engine.get_tensor_profile_shape(name, number))
                for name, mode in modes.items()
                if mode == trt.TensorIOMode.INPUT
            }
            for number in range(engine.num_optimization_profiles)
        ]
        self.inputs = [name for name, mode in modes.items() if mode == trt.TensorIOMode.INPUT]
        self.outputs = [name for name in modes if name not in self.inputs]
        self._free: list[Lane] = []
        self._made = 0
        self._changed = threading.Condition()

    def choose(self, shapes: Shapes) -> tuple[int, int] | None:
        """The profile that takes the most of this batch (the first axis of every input that has one), and how many.

        None where no profile takes any of it.
        """
        best: tuple[int, int] | None = None
        for number, limits in enumerate(self._limits):
            count = _most(limits, shapes)
            if count and (best is None or count > best[1]):
                best = number, count
        return best

    def describe(self) -> str:
        """The shapes that the profiles take, for an error's sentence."""
        limits = [limits["rgb"] for limits in self._limits]
        ranges = [f"{'x'.join(map(str, least))} to {'x'.join(map(str, most))}" for least, _, most in limits]
        return "; ".join(ranges)

    def run(self, profile: int, feeds: Arrays, outputs: tuple[str, ...]) -> Arrays:
        """Run feeds that `choose` has found a profile for; only the outputs that are named are copied back.

        Raises PictureError where the device's memory does not suffice, EngineError where the device or TensorRT fails.
        """
        key = profile, tuple((name, array.shape) for name, array in feeds.items())
        lane = self._take(key)
        try:
            return lane.run(key, feeds, outputs)
        except self._torch.cuda.OutOfMemoryError as error:
            lane.forget()
            raise PictureError(f"the device's memory does not suffice for it: {one_line(error)}") from error
        except RuntimeError as error:
            lane.forget()
            raise EngineError(f"the CUDA device failed: {one_line(error)}") from error
        except EngineError:
            lane.forget()
            raise
        finally:
            with self._changed:
                self._free.append(lane)
                self._changed.notify()

    def _take(self, key: Key) -> Lane:
        """A free lane with these shapes or none, else a new one, else the one that was free the longest."""
        with self._changed:
            while True:
                fitting = [lane for wanted in (key, None) for lane in self._free if lane.key == wanted]
                lane = next(iter(fitting), None)
                if lane is None and self._made < LANES:
                    lane = Lane(self._trt, self._torch, self._engine, self._device, self._log)
                    self._made += 1
                    return lane
                lane = lane or next(iter(self._free), None)
                if lane is not None:
                    self._free.remove(lane)
                    return lane
                self._changed.wait()


def _most(limits: dict[str, Any], shapes: Shapes) -> int:
    """How many of a batch one profile takes; 0 where it takes none of these shapes."""
    count = 0
    for name, (least, _, most) in limits.items():
        shape = shapes[name]
        if len(shape) != len(most) or not all(
            a <= s <= b for a, s, b in zip(least[1:], shape[1:], most[1:], strict=True)
        ):
            return 0
        if len(shape) == 4:
            take = min(shape[0], most[0])
            if take < least[0] or (count and take != count):
                return 0
            count = take
    return count
