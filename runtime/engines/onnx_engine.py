"""A bundle in ONNX Runtime, on the CPU or by CUDA."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Union

import numpy as np
from numpy.typing import NDArray

from ...color.errors import BundleError, EngineError, GcolorError, PictureError, one_line
from ...color.lab import Bytes
from ..bundle import Bundle
from ..device import AUTO, Device
from ..machine import cores
from ..manifest import MODEL, PAINT
from ..onnx_form import ends
from ..painting.choose import open_kernel
from ..painting.kernel import Kernel, Place
from .engine import feeds, no_suggestions
from .onnx_cpu import open_for, open_session
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
    kernel: Kernel | None = None
    _model: Session  # on a GPU

    outputs: tuple[str, ...] = ("colored", "ab")
    """Those of the graph that colorizers want of every picture."""

    def __init__(self, bundle: Bundle, device: Device = AUTO, threads: int = 0, painter: str = "auto") -> None:
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
        self._ort, self._bundle = onnxruntime, bundle
        self._sessions: dict[tuple[str, ...], Session] = {}
        self._lock = threading.Lock()
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
            self._threads = threads
            # A tile is too small to be shared among threads: as many are painted at once instead.
            self.parallel_tiles = min(threads or cores(), PARALLEL_TILES)
            self.kernel = open_kernel(painter, self._paint_by_graph, bundle.digest(PAINT))
            if self.kernel:
                self.about += f", native painter ({self.kernel.about})"
                self.outputs = ("ab",)
            else:
                assert self._paint
            # Opened now: what is wrong with the graphs is said at the start.
            self.model_for(self.outputs)
        elif painter == "native":
            raise EngineError(f"painter native paints on the CPU, and the model runs on {self.device}; leave it out")

    @cached_property
    def _paint(self) -> Session:
        with _refusals():
            return open_session(self._ort, self._bundle.paint, 1)

    def model_for(self, outputs: tuple[str, ...]) -> Session:
        """The graph, opened for some of its outputs: all that any of them needs is computed, whichever are fetched.

        On a CPU that is the graph without the rest, apart for each choice of outputs.
        """
        if self.device != "cpu":
            return self._model
        with self._lock:
            if outputs not in self._sessions:
                with _refusals():
                    self._sessions[outputs] = open_for(self._ort, self._bundle, outputs, self._threads)
            return self._sessions[outputs]

    def put_model(self, outputs: tuple[str, ...], session: Session) -> None:
        """Take another session of the same graph on the CPU for these outputs, one that is profiled, say."""
        with self._lock:
            self._sessions[outputs] = session

    def _open_cuda(self, bundle: Bundle, number: int) -> None:
        """Take the sessions where CUDA really starts."""
        # Only the form for TensorRT has no shape that depends on the hints; and it computes in floats, as GPUs do best.
        model_file, paint_file = bundle.manifest.source(MODEL), bundle.manifest.source(PAINT)
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

    def color(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> tuple[Bytes, NDArray[np.float32]]:
        colored, ab = self._run_model(("colored", "ab"), ("colored", "ab"), rgb, hints, vividness)
        return colored, ab

    def chroma(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> NDArray[np.float32]:
        ab: NDArray[np.float32] = self._run_model(self.outputs, ("ab",), rgb, hints, vividness)[0]
        return ab

    def joint(self, rgb: Bytes, hints: Bytes) -> NDArray[np.float32]:
        if ("joint",) not in self._sessions and "joint" not in self._all_outputs():
            raise no_suggestions()
        joint: NDArray[np.float32] = self._run_model(("joint",), ("joint",), rgb, hints, 1.0)[0]
        return joint

    def _all_outputs(self) -> list[str]:
        if self.device != "cpu":
            return [item.name for item in self._model.get_outputs()]
        return ends(self._bundle.model)[1]

    def _run_model(
        self, opened: tuple[str, ...], outputs: tuple[str, ...], rgb: Bytes, hints: Bytes, vividness: float
    ) -> list[Any]:
        session = self.model_for(opened)
        inputs = [item.name for item in session.get_inputs()]
        return self._run(session, outputs, feeds(inputs, rgb, hints, vividness))

    def paint(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        if self.kernel:
            return self.kernel.paint(tile[0], ab, place)[None]
        return self._paint_by_graph(tile, ab, place)

    def _paint_by_graph(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        given = {"rgb": tile, "ab": ab, "place": np.array(place, np.float32)}
        colored: Bytes = self._run(self._paint, ("colored",), given)[0]
        return colored

    def _run(self, session: Session, outputs: tuple[str, ...], given: dict[str, Any]) -> list[Any]:
        try:
            return list(session.run(list(outputs), given))
        except Exception as error:  # out of memory, say: this picture fails, the others go on
            raise PictureError(f"ONNX Runtime failed on it: {one_line(error)}") from error
