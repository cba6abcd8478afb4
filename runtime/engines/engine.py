"""What runs a bundle: one small interface, and which engine is behind it. What really runs is asked, never assumed."""

from __future__ import annotations

import os
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...color.errors import EngineError
from ...color.lab import Bytes
from .. import BACKENDS
from ..bundle import Bundle

# Where a tile lies: its first row and column, and the whole picture's rows and columns. Of a picture that is shown
# smaller, in pixels of what is shown, whole or not.
Place = tuple[float, float, float, float]


class Engine(Protocol):
    """The two graphs of a bundle, loaded. Safe to call from several threads at once.

    backend: its name in BACKENDS; device: what really runs it, "cpu" or "cuda:N"; about: the library and its version;
    painters: how many calls of `paint` at once make the best of it.
    """

    backend: str
    device: str
    about: str
    painters: int

    def color(self, rgb: Bytes, hints: Bytes) -> tuple[Bytes, NDArray[np.float32]]:
        """rgb uint8 [N, H, W, 3] and hints uint8 [N, h, w, 4] to the coloured pictures and their ab [N, 2, g, k].

        Raises PictureError where the engine fails on them (out of memory, say); the next call may work.
        """
        ...

    def paint(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        """A tile [1, H, W, 3] of a picture, coloured by the whole picture's ab [1, 2, g, k]."""
        ...


def open_engine(bundle: Bundle, backend: str = "auto", device: str = "auto", threads: int = 0) -> Engine:
    """The engine that runs a bundle.

    backend: one of BACKENDS; "auto" is "trt" where the bundle has TensorRT engines that fit a CUDA device here, and the
    CPU is not asked for, else "onnx". device: "auto", "cpu", "cuda" or "cuda:N". threads: of each call on a CPU, 0 for
    all cores.

    Raises EngineError where backend or device cannot be had (another one is never taken instead), BundleError where the
    bundle does not fit.
    """
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (number and (kind != "cuda" or not number.isdigit())):
        raise EngineError(f"device {device!r} is not known; use auto, cpu, cuda or cuda:N")
    if backend == "auto":
        from .trt_engine import fits

        backend = "trt" if fits(bundle, device) else "onnx"
    match backend:
        case "onnx":
            from .onnx_engine import OnnxEngine

            return OnnxEngine(bundle, device, threads)
        case "torch":
            from .torch_engine import TorchEngine

            return TorchEngine(bundle, device, threads)
        case "trt":
            from .trt_engine import TrtEngine

            return TrtEngine(bundle, device)
        case "trt-rtx":
            from .rtx_engine import RtxEngine

            return RtxEngine(bundle, device)
    raise EngineError(f"backend {backend!r} is not known; use auto, {', '.join(BACKENDS)}")


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
