"""Sessions of ONNX Runtime on the CPU: their options, and graphs that are optimized once for a machine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bundle import Bundle
from ..cache import cache_folder, keep, recall
from ..machine import processor_key
from ..manifest import MODEL, sha256
from ..onnx_form import keep_outputs

if TYPE_CHECKING:
    import onnxruntime

# Optimized graphs that are kept: of a few bundles, and for a few choices of outputs.
KEPT = 8


def open_for(ort: Any, bundle: Bundle, outputs: tuple[str, ...], threads: int) -> onnxruntime.InferenceSession:
    """A session of a bundle's model that computes only some of its outputs, by the kept graph where there is one.

    None is kept of a bundle that was read for the first time, since many are of one use. Raises what ONNX Runtime
    raises.
    """
    if MODEL in bundle.graphs or cache_folder() is None:
        return open_session(ort, keep_outputs(bundle.model, outputs), threads)
    # Optimizing lays weights out for this processor, and differs by version.
    key = f"{bundle.digest(MODEL)} {outputs} {ort.__version__} {processor_key()}"
    name = f"graph-{sha256(key.encode())[:32]}"
    kept = recall(name)
    if kept is not None:
        try:
            return open_session(ort, kept, threads, optimized=True)
        except Exception:  # ONNX Runtime raises many types of its own; the bundle's own graph is there
            pass
    with tempfile.TemporaryDirectory(prefix="gcolor-") as folder:
        optimized = Path(folder, MODEL)
        session = open_session(ort, keep_outputs(bundle.model, outputs), threads, save=optimized)
        keep(name, optimized.read_bytes(), most=KEPT)
        return session


def open_session(
    ort: Any, graph: bytes, threads: int, *, optimized: bool = False, save: Path | None = None
) -> onnxruntime.InferenceSession:
    """A session on so many threads, 0 for all cores.

    optimized: the graph was saved by an earlier session. save: where to save it. Raises what ONNX Runtime raises.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    # Threads that wait by spinning take the cores of whoever works meanwhile, and gain nothing here.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Pictures of many sizes pass through; a growing arena would keep the sum of the largest of each.
    options.enable_cpu_mem_arena = False
    if optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    if save:
        options.optimized_model_filepath = str(save)
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
