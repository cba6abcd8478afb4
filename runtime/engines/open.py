"""Which engine runs a bundle. What really runs is asked, never assumed."""

from __future__ import annotations

from ...color.errors import EngineError
from .. import BACKENDS
from ..bundle import Bundle
from ..device import parse_device
from .engine import Engine


def open_engine(
    bundle: Bundle, backend: str = "auto", device: str = "auto", threads: int = 0, painter: str = "auto"
) -> Engine:
    """The engine that runs a bundle.

    backend: one of BACKENDS; "auto" is "trt" where the bundle has TensorRT engines that fit a CUDA device here, and the
    CPU is not asked for, else "onnx". device: "auto", "cpu", "cuda" or "cuda:N". threads: of each call on a CPU, 0 for
    all cores. painter: one of PAINTERS; "auto" is "native" where ONNX Runtime runs the model on the CPU and the kernel
    is right here, else the bundle's own graph, "onnx", in whatever engine.

    Raises EngineError where backend or device cannot be had (another one is never taken instead), BundleError where the
    bundle does not fit.
    """
    wanted = parse_device(device)
    if backend == "auto":
        from .trt_engine import fits

        backend = "trt" if fits(bundle, wanted) else "onnx"
    if painter == "native" and backend != "onnx":
        raise EngineError(
            f"painter native is for backend onnx on the CPU, {backend} has a painter of its own; leave it out"
        )
    match backend:
        case "onnx":
            from .onnx_engine import OnnxEngine

            return OnnxEngine(bundle, wanted, threads, painter)
        case "torch":
            from .torch_engine import TorchEngine

            return TorchEngine(bundle, wanted, threads)
        case "trt":
            from .trt_engine import TrtEngine

            return TrtEngine(bundle, wanted)
        case "trt-rtx":
            from .rtx_engine import RtxEngine

            return RtxEngine(bundle, wanted)
    raise EngineError(f"backend {backend!r} is not known; use auto, {', '.join(BACKENDS)}")
