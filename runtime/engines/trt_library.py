"""TensorRT's Python module, whichever of the two is installed, what it says, and the device that it would run on."""

from __future__ import annotations

import importlib
from collections import deque
from typing import Any

from ...color.errors import EngineError, one_line
from .trt_key import ANY_GPU, NO_GPU

TENSORRT, RTX = "tensorrt", "tensorrt_rtx"


def import_tensorrt(library: str | None = None) -> Any:
    """The module `library`, or the first of tensorrt and tensorrt_rtx that is installed: both have one interface.

    Raises EngineError where it is missing or does not load.
    """
    for name in (library,) if library else (TENSORRT, RTX):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        except (ImportError, OSError) as error:
            raise EngineError(f"{name} does not load: {one_line(error)}") from error
    raise EngineError(f"{library or TENSORRT} is not installed; pip install 'gcolor[trt]' on a machine with CUDA")


def architecture(library: str, number: int = 0) -> str:
    """The architecture that engines are built for here: "sm_90" and the like, NO_GPU without a CUDA device."""
    if library == RTX:
        return ANY_GPU
    try:
        import torch
    except ImportError:
        return NO_GPU
    if not torch.cuda.is_available():
        return NO_GPU
    return "sm_{}{}".format(*torch.cuda.get_device_capability(number))


def make_log(trt: Any) -> Any:
    """A TensorRT logger that keeps the last errors; `reason()` gives them as one sentence and forgets them."""

    class Log(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: deque[str] = deque(maxlen=3)

        def log(self, severity: Any, text: str) -> None:
            if int(severity) <= int(trt.ILogger.ERROR):
                self.errors.append(" ".join(text.split()))

        def reason(self) -> str:
            said = "; ".join(dict.fromkeys(self.errors)) or "TensorRT gives no reason"
            self.errors.clear()
            return said

    return Log()
