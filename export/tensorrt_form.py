"""The model's graph in the form that TensorRT takes, added to a bundle whose own graph it refuses."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx

from ..color.errors import BundleError
from ..models.fused import FusedColorizer
from ..models.weights import model_of
from ..runtime.bundle import MODEL_TRT, WEIGHTS, Bundle, load_bundle, sha256
from ..runtime.engines.trt_key import precision
from ..runtime.files import replace_file, save_json
from .onnx_file import export_fused
from .precision import to_fp16
from .trt_lint import lint


def with_trt_form(bundle: Bundle, report: Callable[[str], object] | None = None) -> Bundle:
    """The bundle, where its graph or its MODEL_TRT can be used, else with a MODEL_TRT made from its weights.

    Raises BundleError where that is not possible: no weights, or int8, whose ranges are measured when it is exported.
    """
    if MODEL_TRT in bundle.manifest["files"] or not lint(bundle.model):
        return bundle
    kind = precision(bundle)
    if kind == "int8":
        raise BundleError(f"{bundle.path}: has no int8 graph for TensorRT ({MODEL_TRT}); export the bundle again")
    if report:
        report(f"{MODEL_TRT}: exporting the form of the model that TensorRT takes")
    network = model_of(bundle.manifest["model"], bundle.read(WEIGHTS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL_TRT
        export_fused(FusedColorizer(network).eval(), path, dense=True)
        graph = path.read_bytes()
    if kind == "fp16":
        graph = to_fp16(onnx.load_model_from_string(graph), network).SerializeToString()
    files = bundle.manifest["files"] | {MODEL_TRT: sha256(graph)}
    replace_file(bundle.path / MODEL_TRT, lambda temporary: temporary.write_bytes(graph), durable=True)
    save_json(bundle.manifest | {"files": files}, bundle.path / "manifest.json")
    return load_bundle(bundle.path)
