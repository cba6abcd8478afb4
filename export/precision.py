"""fp16 inside the graph itself, as strongly typed engines want it: the network's heavy part between Casts.

LAB, resizing of L, decoding, gate and all that a network names in `exact` stay fp32.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ..models.prediction import Network

# What a network does between its submodules that may follow their precision.
GLUE = {"Conv", "Relu", "Concat", "Resize", "Slice"}


def heavy_nodes(model: ModelProto, network: Network) -> list[NodeProto]:
    """The nodes of a fused graph that need not be fp32, in the graph's order.

    All arithmetic of the network's submodules but those in `network.exact`, and what joins their results.
    """
    types = {v.name: v.type.tensor_type.elem_type for v in onnx.shape_inference.infer_shapes(model).graph.value_info}
    chosen: list[NodeProto] = []
    made: set[str] = set()
    for node in model.graph.node:
        module = node.name.rpartition("/")[0]
        top, _, inner = module.partition(".")
        if top != "network" or inner.split(".")[0] in network.exact or types.get(node.output[0]) != TensorProto.FLOAT:
            continue
        if inner or (node.op_type in GLUE and (node.op_type == "Conv" or made.intersection(node.input))):
            chosen.append(node)
            made.update(node.output)
    return chosen


def to_fp16(model: ModelProto, network: Network) -> ModelProto:
    """The graph with its heavy part and that part's weights in fp16; inputs, outputs and all else as they were."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    heavy = heavy_nodes(model, network)
    inside = {name for node in heavy for name in node.output}
    names = {node.name for node in heavy}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    half: dict[str, str] = {}
    wide: dict[str, str] = {}
    nodes: list[NodeProto] = []
    for node in graph.node:
        of_type = _like_output(node) if node.name in names else range(len(node.input))
        for i in of_type:
            name = node.input[i]
            if node.name in names and name and name not in inside:
                if name not in half:
                    half[name] = f"{name}_fp16"
                    if name in constants:
                        graph.initializer.append(_half(constants[name], half[name]))
                    else:
                        nodes.append(_cast(name, half[name], TensorProto.FLOAT16))
                node.input[i] = half[name]
            elif node.name not in names and name in inside and node.op_type not in ("Shape", "Size"):
                if name not in wide:
                    wide[name] = f"{name}_fp32"
                    nodes.append(_cast(name, wide[name], TensorProto.FLOAT))
                node.input[i] = wide[name]
        nodes.append(node)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    for field, values in ((graph.node, nodes), (graph.initializer, kept), (graph.value_info, [])):
        items = [type(value).FromString(value.SerializeToString()) for value in values]
        del field[:]
        field.extend(items)
    return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)


def _like_output(node: NodeProto) -> Iterable[int]:
    """The inputs that must have the type of the first output; the others, such as scales, keep theirs."""
    schema = onnx.defs.get_schema(node.op_type, onnx.defs.onnx_opset_version(), node.domain)
    wanted = schema.outputs[0].type_str
    last = len(schema.inputs) - 1  # which stands for all the rest where an operator takes any number
    return [i for i in range(len(node.input)) if schema.inputs[min(i, last)].type_str == wanted]


def _half(tensor: TensorProto, name: str) -> TensorProto:
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), name)


def _cast(source: str, target: str, kind: int) -> NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"cast/{target}", to=kind)
