"""A graph on CUDA: inputs and outputs bound to the GPU's memory, and CUDA graphs for the shapes that repeat."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnxruntime

Arrays = dict[str, NDArray[np.generic]]
Shapes = tuple[tuple[int, ...], ...]

PROVIDER, MEMORY = "CUDAExecutionProvider", "cuda"
TYPES = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
# A shape is captured when it comes this often; so many are kept, the last used ones.
REPEATS, KEPT = 3, 8


class CudaSession:
    """One ONNX graph on one CUDA device. Safe to call from several threads at once.

    fixed_shapes: no shape inside depends on what the inputs hold, so that a CUDA graph can be captured. Raises what
    ONNX Runtime raises.
    """

    def __init__(self, graph: bytes, options: onnxruntime.SessionOptions, device: int, fixed_shapes: bool) -> None:
        import onnxruntime

        self._ort, self._graph, self._device = onnxruntime, graph, device
        self._any = onnxruntime.InferenceSession(graph, options, providers=[(PROVIDER, provider_options(device))])
        self.starts = PROVIDER in self._any.get_providers()
        self._seen: Counter[Shapes] = Counter()
        self._captured: OrderedDict[Shapes, CapturedGraph] = OrderedDict()
        self._captures = fixed_shapes
        self._lock = threading.Lock()

    def get_inputs(self) -> list[Any]:
        return list(self._any.get_inputs())

    def get_outputs(self) -> list[Any]:
        return list(self._any.get_outputs())

    def run(self, outputs: list[str], feeds: Arrays) -> list[Any]:
        captured = self._repeated(feeds) if self._captures else None
        if captured is not None:
            return captured.run(outputs, feeds)
        binding = self._any.io_binding()
        for name, array in feeds.items():
            value = self._ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array), MEMORY, self._device)
            binding.bind_ortvalue_input(name, value)
        for name in outputs:
            binding.bind_output(name, MEMORY, self._device)
        self._any.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()

    def _repeated(self, feeds: Arrays) -> CapturedGraph | None:
        shapes = tuple(feeds[i.name].shape for i in self._any.get_inputs())
        with self._lock:
            self._seen[shapes] += 1
            if self._seen[shapes] < REPEATS:
                return None
            if shapes not in self._captured:
                self._captured[shapes] = CapturedGraph(self._graph, self._any.get_inputs(), shapes, self._device)
            self._captured.move_to_end(shapes)
            if len(self._captured) > KEPT:
                self._captured.popitem(last=False)
            return self._captured[shapes]


class CapturedGraph:
    """The graph with every dimension fixed and its tensors in place; the first call captures, the others replay."""

    def __init__(self, graph: bytes, inputs: list[Any], shapes: Shapes, device: int) -> None:
        import onnxruntime

        options = fixed_options(inputs, shapes)
        provider = (PROVIDER, provider_options(device) | {"enable_cuda_graph": "1"})
        self._session = onnxruntime.InferenceSession(graph, options, providers=[provider])
        self._binding = self._session.io_binding()
        place = onnxruntime.OrtValue.ortvalue_from_shape_and_type
        self._inputs, self._outputs = {}, {}
        for item in self._session.get_inputs():
            self._inputs[item.name] = place(item.shape, TYPES[item.type], MEMORY, device)
            self._binding.bind_ortvalue_input(item.name, self._inputs[item.name])
        for item in self._session.get_outputs():
            self._outputs[item.name] = place(item.shape, TYPES[item.type], MEMORY, device)
            self._binding.bind_ortvalue_output(item.name, self._outputs[item.name])
        self._lock = threading.Lock()

    def run(self, outputs: list[str], feeds: Arrays) -> list[Any]:
        with self._lock:
            for name, array in feeds.items():
                self._inputs[name].update_inplace(np.ascontiguousarray(array))
            self._session.run_with_iobinding(self._binding)
            return [self._outputs[name].numpy() for name in outputs]


def provider_options(device: int) -> dict[str, str]:
    """TF32 would cost the LAB mathematics its last digits."""
    return {"device_id": str(device), "use_tf32": "0"}


def fixed_options(inputs: list[Any], shapes: Shapes) -> onnxruntime.SessionOptions:
    """Session options that give each named dimension of the inputs its size."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    for item, shape in zip(inputs, shapes, strict=True):
        for name, size in zip(item.shape, shape, strict=True):
            if isinstance(name, str):
                options.add_free_dimension_override_by_name(name, size)
    return options
