"""What TensorRT's ONNX parser refuses, found without any NVIDIA library.

Each rule was tried on NVIDIA's parser and builder; see `docs/export.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

UNSUPPORTED = {"AffineGrid", "BitShift", "CenterCropPad", "Unique"}
# What bytes may be cast from and to.
FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16}
Types = dict[str, int]


def lint(model: bytes | onnx.ModelProto) -> list[str]:
    """A sentence for each thing in the graph that TensorRT refuses, naming the node and the reason.

    Raises onnx.checker's errors where the bytes are no model.
    """
    proto = onnx.load_model_from_string(model) if isinstance(model, bytes) else model
    typed = onnx.shape_inference.infer_shapes(proto)
    return list(_graph(typed.graph, {}, {}))


def _graph(graph: GraphProto, types: Types, constants: dict[str, TensorProto]) -> Iterator[str]:
    """The findings of one graph; types and constants of the graphs around it are seen from inside."""
    values = (*graph.input, *graph.output, *graph.value_info)
    types = types | {v.name: v.type.tensor_type.elem_type for v in values}
    types |= {t.name: t.data_type for t in graph.initializer}
    constants = constants | {t.name: t for t in graph.initializer} | dict(_constant_nodes(graph))
    for name, tensor in constants.items():
        if tensor.data_type == TensorProto.UINT8 and any(name in node.input for node in graph.node):
            yield f"{name} is a uint8 constant, which TensorRT does not have; keep tables in float"
    for node in graph.node:
        where = f"{node.name or node.output[0]} ({node.op_type})"
        for reason in (*_operator(node), *_bytes(node, types), *_quantization(node, constants), *_ranks(node, graph)):
            yield f"{where}: {reason}"
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _graph(inner, types, constants)


def _constant_nodes(graph: GraphProto) -> Iterator[tuple[str, TensorProto]]:
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            yield node.output[0], node.attribute[0].t


def _attribute(node: NodeProto, name: str) -> object:
    return next((helper.get_attribute_value(a) for a in node.attribute if a.name == name), None)


def _operator(node: NodeProto) -> Iterator[str]:
    if node.op_type in UNSUPPORTED:
        yield "TensorRT has no such operator"
    if node.op_type == "NonZero":
        yield "its result has as many entries as the values say; engines want shapes that follow from shapes"
    if node.op_type == "Resize" and _attribute(node, "antialias"):
        yield "TensorRT's Resize does not antialias"
    if node.op_type.startswith("Scatter") and _attribute(node, "reduction") not in (None, b"none"):
        yield "TensorRT scatters without a reduction only"


def _bytes(node: NodeProto, types: Types) -> Iterator[str]:
    """uint8 comes in, is cast from and to float, and goes out; it takes part in nothing else."""
    if node.op_type in ("Constant", "Identity", "QuantizeLinear", "DequantizeLinear", "If", "Loop", "Scan"):
        return
    taken = [name for name in node.input if types.get(name) == TensorProto.UINT8]
    given = [name for name in node.output if types.get(name) == TensorProto.UINT8]
    if node.op_type != "Cast":
        # Only the size is asked for, which is free of the type.
        if (taken and node.op_type not in ("Shape", "Size")) or given:
            yield f"works on uint8 ({(taken + given)[0]}), which TensorRT only casts from and to float"
    elif (taken and _attribute(node, "to") not in FLOATS) or (given and types.get(node.input[0], 1) not in FLOATS):
        yield "casts uint8 from or to another type than float32 or float16"


def _quantization(node: NodeProto, constants: dict[str, TensorProto]) -> Iterator[str]:
    if node.op_type not in ("QuantizeLinear", "DequantizeLinear") or len(node.input) < 3 or not node.input[2]:
        return
    zero = constants.get(node.input[2])
    if zero is None:
        yield "its zero point is computed, TensorRT wants a constant 0"
    elif zero.data_type == TensorProto.UINT8 or numpy_helper.to_array(zero).any():
        yield "its zero point is not a signed 0; TensorRT quantizes symmetrically, to int8"


def _ranks(node: NodeProto, graph: GraphProto) -> Iterator[str]:
    if node.op_type == "GridSample":
        for value in (*graph.input, *graph.value_info):
            if value.name == node.input[0] and len(value.type.tensor_type.shape.dim) > 4:
                yield "TensorRT samples from planes, not from volumes"
