"""A bundle's TensorRT engines on a CUDA device."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color.errors import BundleError, EngineError, PictureError
from ...color.lab import Bytes
from ..bundle import Bundle
from ..device import AUTO, Device
from ..manifest import MODEL, PAINT
from ..painting.kernel import Kernel, Place
from .engine import feeds, no_suggestions
from .trt_graph import Arrays, Graph
from .trt_key import EngineKey, has_engines, read_engine, read_key, rebuild_hint
from .trt_library import architecture, import_tensorrt, make_log


class TrtEngine:
    """See `engine.Engine`.

    Raises EngineError where TensorRT, PyTorch, a CUDA device or the engines are missing, BundleError where an engine is
    damaged or was built for something else than what is here.
    """

    backend = "trt"
    parallel_tiles = 1
    kernel: Kernel | None = None

    def __init__(self, bundle: Bundle, device: Device = AUTO) -> None:
        if not has_engines(bundle, (MODEL, PAINT)):
            raise EngineError(f"backend trt: {bundle.path} has no TensorRT engines; {rebuild_hint(bundle)}")
        number, self._torch = _cuda(device)
        self._bundle, self.device = bundle, f"cuda:{number}"
        self._device = self._torch.device(self.device)
        self._runtimes: list[Any] = []  # an engine needs the one that loaded it
        self._model, self._paint = self._load(bundle, MODEL), self._load(bundle, PAINT)

    def _load(self, bundle: Bundle, graph: str) -> Graph:
        found = read_engine(bundle, graph)
        if found is None:
            raise EngineError(f"backend trt: {bundle.path} has no engine of {graph}; {rebuild_hint(bundle)}")
        key, plan = found
        trt = import_tensorrt(key.library)
        misfit = _misfit(key, bundle, graph, self._device.index)
        if misfit:
            raise BundleError(f"{bundle.path}: the engine of {graph} is stale in {misfit}; {rebuild_hint(bundle)}")
        self.about = f"{key.library} {trt.__version__}"
        log = make_log(trt)
        with self._torch.cuda.device(self._device):
            runtime = trt.Runtime(log)
            # A version-compatible engine carries code of its own; its hash was checked.
            runtime.engine_host_code_allowed = key.version_compatible
            engine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise EngineError(f"TensorRT does not load the engine of {graph}: {log.reason()}; {rebuild_hint(bundle)}")
        self._runtimes.append(runtime)
        return Graph(trt, self._torch, engine, self._device, log)

    def color(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> tuple[Bytes, NDArray[np.float32]]:
        colored, ab = self._run_model(("colored", "ab"), rgb, hints, vividness)
        return colored, ab

    def chroma(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> NDArray[np.float32]:
        return self._run_model(("ab",), rgb, hints, vividness)[0]

    def joint(self, rgb: Bytes, hints: Bytes) -> NDArray[np.float32]:
        if "joint" not in self._model.outputs:
            raise no_suggestions()
        return self._run_model(("joint",), rgb, hints, 1.0)[0]

    def _run_model(self, outputs: tuple[str, ...], rgb: Bytes, hints: Bytes, vividness: float) -> list[Any]:
        given = feeds(self._model.inputs, rgb, hints, vividness)
        parts: list[Arrays] = []
        done = 0
        while done < len(rgb):
            rest = {name: array[done:] for name, array in given.items()}
            parts.append(self._run(self._model, MODEL, rest, outputs))
            done += len(parts[-1][outputs[0]])
        return [np.concatenate([part[name] for part in parts]) for name in outputs]

    def paint(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        given: Arrays = {"rgb": tile, "ab": ab, "place": np.array(place, np.float32)}
        colored: Bytes = self._run(self._paint, PAINT, given, ("colored",))["colored"]
        return colored

    def _run(self, graph: Graph, name: str, given: Arrays, outputs: tuple[str, ...]) -> Arrays:
        """Run as much of the batch as one profile takes."""
        chosen = graph.choose({key: array.shape for key, array in given.items()})
        if chosen is None:
            height, width = given["rgb"].shape[1:3]
            raise PictureError(
                f"{width} x {height} pixels are outside of what the engine of {name} was built for "
                f"({graph.describe()}); `gcolor export {self._bundle.path} --trt --trt-profile "
                f"{len(given['rgb'])}x{height}x{width}` builds one for them, --backend onnx takes any"
            )
        profile, count = chosen
        some = {key: array[:count] if array.ndim == 4 else array for key, array in given.items()}
        return graph.run(profile, some, outputs)


def fits(bundle: Bundle, device: Device = AUTO) -> bool:
    """Whether the bundle has TensorRT engines for a CUDA device here. Raises BundleError where a key is damaged."""
    if device.kind == "cpu" or not has_engines(bundle, (MODEL, PAINT)):
        return False
    try:
        number, _ = _cuda(device)
        keys = {graph: read_key(bundle, graph) for graph in (MODEL, PAINT)}
        return all(key is not None and _misfit(key, bundle, graph, number) is None for graph, key in keys.items())
    except EngineError:
        return False


def _misfit(key: EngineKey, bundle: Bundle, graph: str, number: int) -> str | None:
    version = import_tensorrt(key.library).__version__
    return key.misfit(key.at(bundle, graph, version, architecture(key.library, number)))


def _cuda(device: Device) -> tuple[int, Any]:
    """The number of the CUDA device that is meant, and PyTorch."""
    if device.kind == "cpu":
        raise EngineError("backend trt runs on CUDA devices only; use --device cuda, or --backend onnx")
    try:
        import torch
    except ImportError as error:
        raise EngineError("backend trt: torch is not installed; pip install 'gcolor[trt]'") from error
    number = device.index
    if number >= torch.cuda.device_count():
        raise EngineError(f"backend trt, device {device}: PyTorch {torch.__version__} finds no such CUDA device here")
    return number, torch
