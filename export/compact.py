"""A graph's matrices in half precision, as in the weights beside it: half the file, the same arithmetic.

Each goes through a Cast back to fp32, which ONNX Runtime folds when it opens the graph; nothing of it is left in what
runs. TensorRT's forms are not shipped and stay as they are.
"""

from __future__ import annotations

import math

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

# Smaller ones save nothing: a Cast and its names take some hundred bytes.
SMALLEST = 1024


def halve_weights(model: ModelProto) -> None:
    """Store the large fp32 matrices of a graph in half precision, in place. Vectors (biases, tables) stay."""
    graph = model.graph
    large = [t for t in graph.initializer if t.data_type == TensorProto.FLOAT and len(t.dims) > 1]
    casts = []
    for tensor in large:
        if math.prod(tensor.dims) < SMALLEST:
            continue
        stored = f"{tensor.name}_half"
        casts.append(helper.make_node("Cast", [stored], [tensor.name], f"widen/{tensor.name}", to=TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), stored))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
