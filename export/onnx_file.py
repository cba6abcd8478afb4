"""torch modules to ONNX files."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn
from torch.export import Dim

from ..models.fused import FusedColorizer, Paint
from ..runtime.manifest import Manifest

OPSET = 20


def export_fused(model: FusedColorizer, path: Path) -> None:
    """Write the fused graph with N, H, W, h, w dynamic; its inputs and outputs are those of FusedColorizer."""
    # The grid is dynamic in multiples of 16, which the network's strides demand.
    n, height, width = Dim("N", min=1), Dim("H", min=16), Dim("W", min=16)
    rows, columns = Dim("h16", min=2, max=256), Dim("w16", min=2, max=256)
    example = (
        torch.zeros(2, 97, 131, 3, dtype=torch.uint8),
        torch.zeros(2, 64, 96, 4, dtype=torch.uint8),
        torch.ones(2, 1, 1, 1),
    )
    shapes = ({0: n, 1: height, 2: width}, {0: n, 1: 16 * rows, 2: 16 * columns}, {0: n})
    _export(model, example, shapes, ["rgb", "hints", "vividness"], model.outputs, path)


def describe(path: Path, manifest: Manifest) -> None:
    """Write what the manifest says of a graph into the file itself, for whoever meets it alone."""
    model, values = onnx.load(str(path)), manifest.to_dict()
    names = ("gcolor", "model", "bins", "decode", "grid", "precision")
    onnx.helper.set_model_props(model, {name: json.dumps(values[name]) for name in names})
    onnx.save(model, str(path))


def export_paint(paint: Paint, stride: int, path: Path) -> None:
    """Write the painting of one tile; inputs `rgb`, `ab`, `place`, output `colored`."""
    example = (
        torch.zeros(2, 33, 131, 3, dtype=torch.uint8),
        torch.zeros(2, 2, 64 // stride + 1, 96 // stride + 1),
        torch.tensor([0.0, 0.0, 33.0, 131.0]),
    )
    n = Dim("N", min=1)
    shapes = (
        {0: n, 1: Dim("H", min=1), 2: Dim("W", min=1)},
        {0: n, 2: Dim("g", min=2), 3: Dim("k", min=2)},
        None,
    )
    _export(paint, example, shapes, ["rgb", "ab", "place"], ["colored"], path)


def _export(
    module: nn.Module,
    example: tuple[object, ...],
    shapes: tuple[Any, ...],
    inputs: list[str],
    outputs: list[str],
    path: Path,
) -> None:
    # The exporter prints its progress and warns about its own internals; neither is the user's business.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            path,
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=shapes,
            input_names=inputs,
            output_names=outputs,
            external_data=False,
        )
    model = onnx.load(str(path))
    _forget_origin(model)
    _index_by_int32(model.graph)
    onnx.save(model, str(path))
    onnx.checker.check_model(str(path), full_check=True)


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes on every node: stack traces with this machine's paths, more bytes than the painting.

    What stays is the module that a node comes from, in its name: "network.head/conv2d", which the precisions go by.
    """
    for node in model.graph.node:
        notes = {note.key: note.value for note in node.metadata_props}
        scopes = ast.literal_eval(notes.get("pkg.torch.onnx.name_scopes", "[]"))
        node.name = f"{scopes[-2] if len(scopes) > 1 else ''}/{node.output[0]}"
    for item in (*model.graph.node, *model.graph.value_info, *model.graph.initializer, *model.graph.input):
        del item.metadata_props[:]
        item.doc_string = ""
    del model.graph.metadata_props[:]


def _index_by_int32(graph: onnx.GraphProto) -> None:
    """Index tables by int32, which ONNX Runtime makes from float three times as fast; torch.gather takes int64 only."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def only_indexes(name: str) -> bool:
        return all(
            (node.op_type == "GatherElements" and node.input[1] == name and node.input[0] != name)
            or (node.op_type == "Reshape" and node.input[0] == name and only_indexes(node.output[0]))
            for node in readers.get(name, [])
        )

    def reshaped(name: str) -> list[str]:
        return [name, *(n for node in readers[name] if node.op_type == "Reshape" for n in reshaped(node.output[0]))]

    changed: set[str] = set()
    for node in graph.node:
        to_int64 = node.op_type == "Cast" and node.attribute[0].i == onnx.TensorProto.INT64
        if to_int64 and node.output[0] in readers and only_indexes(node.output[0]):
            node.attribute[0].i = onnx.TensorProto.INT32
            changed.update(reshaped(node.output[0]))
    for value in graph.value_info:
        if value.name in changed:
            value.type.tensor_type.elem_type = onnx.TensorProto.INT32
