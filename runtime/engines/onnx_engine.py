"""A bundle in ONNX Runtime, on the CPU or by CUDA."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Union

import numpy as np
from numpy.typing import NDArray

from ...color.errors import BundleError, EngineError, GcolorError, PictureError, one_line
from ...color.lab import Bytes
from ..bundle import MODEL, PAINT, Bundle, source
from ..device import AUTO, Device
from ..machine import cores
from .engine import Place, feeds, no_suggestions
from .onnx_cuda import PROVIDER, CudaSession

if TYPE_CHECKING:
    import onnxruntime


# At most so many tiles are painted at once; each takes some 40 MB.
PARALLEL_TILES = 8

Session = Union["onnxruntime.InferenceSession", CudaSession]


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except GcolorError:
        raise
    except Exception as error:  # ONNX Runtime raises many types of its own
        raise BundleError(f"ONNX Runtime refuses the bundle's graph: {one_line(error)}") from error


class OnnxEngine:
    """See `engine.Engine`.

    Raises EngineError where ONNX Runtime is missing or the device asked for cannot be used, BundleError where it
    refuses the graphs.
    """

    backend = "onnx"
    parallel_tiles = 1
    _model: Session
    _paint: Session

    def __init__(self, bundle: Bundle, device: Device = AUTO, threads: int = 0) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineError(
                "ONNX Runtime is not installed; pip install 'gcolor[cpu]', or 'gcolor[gpu]' on a machine with CUDA"
            ) from error
        if not hasattr(onnxruntime, "InferenceSession"):
            raise EngineError(
                "ONNX Runtime is broken, as by installing onnxruntime beside onnxruntime-gpu; pip uninstall -y "
                "onnxruntime onnxruntime-gpu, then install 'gcolor[cpu]' or 'gcolor[gpu]'"
            )
        self._ort = onnxruntime
        self.about = f"onnxruntime {onnxruntime.__version__}"
        # Errors only: what is wrong reaches the user as our own sentence.
        onnxruntime.set_default_logger_severity(4)
        self.device = "cpu"
        if device.kind != "cpu" and PROVIDER in onnxruntime.get_available_providers():
            self._open_cuda(bundle, device.index)
        if device.kind == "cuda" and self.device == "cpu":
            raise EngineError(
                f"device {device}: ONNX Runtime {onnxruntime.__version__} could not start CUDA here; "
                "`gcolor doctor` says what to install, or use --device cpu"
            )
        if self.device == "cpu":
            self._model = self._session(bundle.model, threads)
            # Its steps are too small to be shared among threads: as many tiles are painted at once instead.
            self._paint = self._session(bundle.paint, 1)
            self.parallel_tiles = min(threads or cores(), PARALLEL_TILES)

    def _open_cuda(self, bundle: Bundle, number: int) -> None:
        """Take the sessions where CUDA really starts."""
        # Only the form for TensorRT has no shape that depends on the hints; and it computes in floats, as GPUs do best.
        model_file, paint_file = source(bundle, MODEL), source(bundle, PAINT)
        with _refusals():
            fixed = model_file != MODEL
            model = CudaSession(bundle.read(model_file), self._options(), number, fixed)
            if model.starts:
                paint = CudaSession(bundle.read(paint_file), self._options(), number, fixed_shapes=True)
                self._model, self._paint, self.device = model, paint, f"cuda:{number}"

    def _options(self) -> onnxruntime.SessionOptions:
        options = self._ort.SessionOptions()
        options.log_severity_level = 4
        return options

    def _session(self, graph: bytes, threads: int) -> onnxruntime.InferenceSession:
        options = self._options()
        options.intra_op_num_threads = threads
        # Threads that wait for the next call by spinning take the cores of whoever works meanwhile.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        # Tiles of many sizes pass through; a growing arena would keep the sum of the largest of each.
        options.enable_cpu_mem_arena = False
        with _refusals():
            return self._ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def color(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> tuple[Bytes, NDArray[np.float32]]:
        colored, ab = self._run(self._model, ["colored", "ab"], feeds(self._inputs, rgb, hints, vividness))
        return colored, ab

    def chroma(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> NDArray[np.float32]:
        ab: NDArray[np.float32] = self._run(self._model, ["ab"], feeds(self._inputs, rgb, hints, vividness))[0]
        return ab

    def joint(self, rgb: Bytes, hints: Bytes) -> NDArray[np.float32]:
        if "joint" not in (item.name for item in self._model.get_outputs()):
            raise no_suggestions()
        joint: NDArray[np.float32] = self._run(self._model, ["joint"], feeds(self._inputs, rgb, hints, 1.0))[0]
        return joint

    @property
    def _inputs(self) -> list[str]:
        return [item.name for item in self._model.get_inputs()]

    def paint(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        given = {"rgb": tile, "ab": ab, "place": np.array(place, np.float32)}
        colored: Bytes = self._run(self._paint, ["colored"], given)[0]
        return colored

    def _run(self, session: Session, outputs: list[str], given: dict[str, Any]) -> list[Any]:
        # What only the other outputs need is not computed.
        options = self._ort.RunOptions()
        options.only_execute_path_to_fetches = True
        try:
            return list(session.run(outputs, given, options))
        except Exception as error:  # out of memory, say: this picture fails, the others go on
            raise PictureError(f"ONNX Runtime failed on it: {one_line(error)}") from error
