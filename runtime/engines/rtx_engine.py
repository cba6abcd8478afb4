"""A bundle's ONNX graphs on a consumer GPU, by ONNX Runtime's TensorRT-RTX plugin."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...color.errors import BundleError, EngineError, one_line
from ..bundle import Bundle
from ..cache import cache_folder
from ..device import AUTO, Device
from ..manifest import MODEL, PAINT, TRT_FORMS
from .onnx_engine import OnnxEngine

if TYPE_CHECKING:
    import onnxruntime

PLUGIN = "onnxruntime_ep_nv_tensorrt_rtx"
PROVIDER = "NvTensorRTRTXExecutionProvider"
# Names the folder of compiled kernels.
CACHE = "GCOLOR_RTX_CACHE"


class RtxEngine(OnnxEngine):
    """See `engine.Engine`. cache: folder for the kernels that are compiled on first use, by default `kernel_folder()`.

    Raises EngineError where the plugin is missing, does not load or lists no device, BundleError where it refuses the
    graphs.
    """

    backend = "trt-rtx"

    def __init__(self, bundle: Bundle, device: Device = AUTO, cache: Path | None = None) -> None:
        if device.kind == "cpu":
            raise EngineError("backend trt-rtx runs on CUDA devices only; use --device cuda, or --backend onnx")
        try:
            import onnxruntime

            plugin = importlib.import_module(PLUGIN)
        except ImportError as error:
            raise EngineError(
                f"backend trt-rtx: {error.name} is not installed; pip install 'gcolor[trt-rtx]'"
            ) from error
        self._ort, self._bundle = onnxruntime, bundle
        self.about = f"onnxruntime {onnxruntime.__version__}, TensorRT-RTX plugin {plugin.__version__}"
        onnxruntime.set_default_logger_severity(4)
        devices = _devices(onnxruntime, plugin)
        number = device.index
        if number >= len(devices):
            raise EngineError(
                f"backend trt-rtx, device {device}: the plugin lists {len(devices)} devices here; it wants an NVIDIA "
                "GPU of compute capability 8.6, 8.9 or 12 and later, and its driver"
            )
        self.device = f"cuda:{number}"
        kept = cache or kernel_folder()
        if kept:
            kept.mkdir(parents=True, exist_ok=True)
        self._model = self._plugin_session(bundle, bundle.manifest.source(MODEL), devices[number], kept)
        self._paint = self._plugin_session(bundle, bundle.manifest.source(PAINT), devices[number], kept)

    def _plugin_session(
        self, bundle: Bundle, graph: str, device: Any, cache: Path | None
    ) -> onnxruntime.InferenceSession:
        options = self._ort.SessionOptions()
        options.log_severity_level = 4
        # What the plugin does not take would run on the CPU without a word.
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        options.add_provider_for_devices([device], {"nv_runtime_cache_path": str(cache)} if cache else {})
        try:
            session = self._ort.InferenceSession(bundle.read(graph), options)
        except Exception as error:  # ONNX Runtime raises many types of its own
            hint = (
                "" if graph not in TRT_FORMS else f"; `gcolor export {bundle.path} --trt` adds the form that it takes"
            )
            raise BundleError(f"TensorRT-RTX refuses {bundle.path / graph}: {one_line(error)}{hint}") from error
        if PROVIDER not in session.get_providers():
            raise EngineError(f"backend trt-rtx: the session runs on {session.get_providers()} instead")
        return session


def kernel_folder() -> Path | None:
    """The folder that GCOLOR_RTX_CACHE names, else one in the cache of gcolor; None where nothing is to be kept."""
    named = os.environ.get(CACHE)
    if named:
        return Path(named)
    folder = cache_folder()
    return folder and folder / "trt-rtx"


def _devices(ort: Any, plugin: Any) -> list[Any]:
    """The plugin's devices. Raises EngineError where it does not load (no driver, say)."""

    def listed() -> list[Any]:
        return [device for device in ort.get_ep_devices() if device.ep_name == PROVIDER]

    found = listed()
    if not found:  # a process registers a library once
        try:
            ort.register_execution_provider_library(PROVIDER, plugin.get_library_path())
        except Exception as error:  # ONNX Runtime raises many types of its own
            raise EngineError(
                f"backend trt-rtx: the plugin does not load, it wants an NVIDIA driver: {one_line(error)}"
            ) from error
        found = listed()
    return found
