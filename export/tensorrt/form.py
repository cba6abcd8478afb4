"""The graphs in the form that TensorRT takes, added to a bundle whose own ones it refuses."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import onnx

from ...color.errors import BundleError
from ...models.fused import FusedColorizer
from ...runtime.bundle import Bundle, load_bundle
from ...runtime.files import replace_file
from ...runtime.manifest import MODEL, MODEL_TRT, PAINT, TRT_FORMS
from ..onnx_file import export_fused, export_paint
from ..precision import to_fp16
from .lint import lint


def with_trt_form(bundle: Bundle, report: Callable[[str], object] | None = None) -> Bundle:
    """The bundle with its graphs in a form that TensorRT takes; what is missing of it is made from the weights.

    Raises BundleError where that is not possible: no weights, or int8, whose ranges are measured when it is exported.
    """
    graphs = {MODEL: bundle.model, PAINT: bundle.paint}
    manifest = bundle.manifest
    missing = [
        TRT_FORMS[name] for name, graph in graphs.items() if TRT_FORMS[name] not in manifest.files and lint(graph)
    ]
    if not missing:
        return bundle
    kind = manifest.precision
    if kind == "int8" and MODEL_TRT in missing:
        raise BundleError(f"{bundle.path}: has no int8 graph for TensorRT ({MODEL_TRT}); export the bundle again")
    if report:
        report(f"{', '.join(missing)}: exporting the form that TensorRT takes")
    network = bundle.network()
    model = FusedColorizer(network, "static").eval()
    for name in missing:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            if name == MODEL_TRT:
                export_fused(model, path)
            else:
                export_paint(model.paint, network.output_stride, path)
            graph = path.read_bytes()
        if name == MODEL_TRT and kind == "fp16":
            graph = to_fp16(onnx.load_model_from_string(graph), network).SerializeToString()
        manifest = manifest.with_files({name: graph})
        replace_file(bundle.path / name, partial(Path.write_bytes, data=graph), durable=True)
    manifest.write(bundle.path)
    return load_bundle(bundle.path)
