"""Which engine runs a bundle. What really runs is asked, never assumed."""

from __future__ import annotations

from ...color.errors import EngineError
from .. import BACKENDS
from ..bundle import Bundle
from ..device import parse_device
from .engine import Engine


def open_engine(bundle: Bundle, backend: str = "auto", device: str = "auto", threads: int = 0) -> Engine:
    """The engine that runs a bundle.

    backend: one of BACKENDS; "auto" is "trt" where the bundle has TensorRT engines that fit a CUDA device here, and the
    CPU is not asked for, else "onnx". device: "auto", "cpu", "cuda" or "cuda:N". threads: of each call on a CPU, 0 for
    all cores.

    Raises EngineError where backend or device cannot be had (another one is never taken instead), BundleError where the
    bundle does not fit.
    """
    wanted = parse_device(device)
    if backend == "auto":
        from .trt_engine import fits

        backend = "trt" if fits(bundle, wanted) else "onnx"
    match backend:
        case "onnx":
            from .onnx_engine import OnnxEngine

            return OnnxEngine(bundle, wanted, threads)
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
