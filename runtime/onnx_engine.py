"""A bundle in ONNX Runtime, on the CPU or by CUDA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..color.errors import BundleError, EngineError, PictureError, one_line
from ..color.lab import Bytes
from .bundle import Bundle
from .engine import Place

if TYPE_CHECKING:
    import onnxruntime

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxEngine:
    """See `engine.Engine`.

    Raises EngineError where ONNX Runtime is missing or the device asked for cannot be used, BundleError where it
    refuses the graphs.
    """

    backend = "onnx"

    def __init__(self, bundle: Bundle, device: str = "auto", threads: int = 0) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineError(
                "ONNX Runtime is not installed; pip install 'gcolor[cpu]', or 'gcolor[gpu]' on a machine with CUDA"
            ) from error
        kind, _, number = device.partition(":")
        self._ort = onnxruntime
        self.about = f"onnxruntime {onnxruntime.__version__}"
        # Errors only: what is wrong reaches the user as our own sentence.
        onnxruntime.set_default_logger_severity(4)
        offered = PROVIDERS["cuda"] in onnxruntime.get_available_providers()
        wanted = "cuda" if offered and kind != "cpu" else "cpu"
        self._model = self._session(bundle.model, wanted, number, threads)
        if PROVIDERS["cuda"] not in self._model.get_providers():
            wanted = "cpu"
        if kind == "cuda" and wanted != "cuda":
            raise EngineError(
                f"device {device}: ONNX Runtime {onnxruntime.__version__} could not start CUDA here; "
                "`gcolor doctor` says what to install, or use --device cpu"
            )
        self._paint = self._session(bundle.paint, wanted, number, threads)
        self.device = f"{wanted}:{number or 0}" if wanted == "cuda" else wanted

    def _session(self, graph: bytes, kind: str, number: str, threads: int) -> onnxruntime.InferenceSession:
        options = self._ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        # Tiles of many sizes pass through; a growing arena would keep the sum of the largest of each.
        options.enable_cpu_mem_arena = kind != "cpu"
        providers: list[object] = [PROVIDERS["cpu"]]
        if kind == "cuda":
            providers.insert(0, (PROVIDERS["cuda"], {"device_id": number or "0"}))
        try:
            return self._ort.InferenceSession(graph, options, providers=providers)
        except Exception as error:  # ONNX Runtime raises many types of its own
            raise BundleError(f"ONNX Runtime refuses the bundle's graph: {one_line(error)}") from error

    def color(self, rgb: Bytes, hints: Bytes) -> tuple[Bytes, NDArray[np.float32]]:
        colored, ab = self._run(self._model, ["colored", "ab"], {"rgb": rgb, "hints": hints})
        return colored, ab

    def paint(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        feeds = {"rgb": tile, "ab": ab, "place": np.array(place, np.float32)}
        colored: Bytes = self._run(self._paint, ["colored"], feeds)[0]
        return colored

    @staticmethod
    def _run(session: onnxruntime.InferenceSession, outputs: list[str], feeds: dict[str, Any]) -> list[Any]:
        try:
            return list(session.run(outputs, feeds))
        except Exception as error:  # out of memory, say: this picture fails, the others go on
            raise PictureError(f"ONNX Runtime failed on it: {one_line(error)}") from error
