"""int8: QDQ around the network's convolutions, with ranges measured on photos.

Two forms of one graph. For ONNX Runtime on a CPU: activations without a sign, weights of 7 bits, since without VNNI the
sum of two products of full bytes overflows 16 bits. For TensorRT, which knows no zero point: symmetric signed bytes.
"""

from __future__ import annotations

import copy
import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto
from onnxruntime.quantization import CalibrationDataReader, QuantType, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from ..color.lab import Bytes
from ..models.prediction import Network
from .precision import heavy_nodes

# A convolution and the clipping behind it, which costs nothing then; additions and resizing lose more than they gain.
CLIPPING = ("Relu", "Clip")
QUANTIZED = ["Conv", *CLIPPING]
# Values' names to what ONNX Runtime measured of them.
Ranges = dict[str, Any]


class _Reader(CalibrationDataReader):
    """Reads a photo when it is asked for."""

    def __init__(self, inputs: Iterable[tuple[Bytes, Bytes]]) -> None:
        self._inputs = iter(inputs)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        pair = next(self._inputs, None)
        if pair is None:
            return None
        return {"rgb": pair[0], "hints": pair[1], "vividness": np.ones((len(pair[0]), 1, 1, 1), np.float32)}


def quantized_nodes(model: ModelProto, network: Network) -> list[NodeProto]:
    """The convolutions inside the heavy part and the clipping right behind them.

    Its first and last ones stay fp32: they cost little, and the error of the whole is a third larger with them in int8.
    So do the parts that the network names in `not_int8`.
    """
    kept = tuple(f"network.{path}." for path in network.not_int8)
    heavy = [node for node in heavy_nodes(model, network) if not node.name.replace("/", ".").startswith(kept)]
    names = {node.name for node in heavy}
    made = {output: node for node in heavy for output in node.output}
    last = {
        name
        for node in model.graph.node
        if node.name not in names and node.op_type not in ("Shape", "Size")
        for name in node.input
    }
    inner = [n for n in heavy if n.op_type == "Conv" and n.input[0] in made and n.output[0] not in last]
    chosen = {node.name for node in inner}
    clips = [n for n in heavy if n.op_type in CLIPPING and n.input[0] in made and made[n.input[0]].name in chosen]
    return inner + clips


def measure_ranges(model: ModelProto, inputs: Iterator[tuple[Bytes, Bytes]]) -> Ranges:
    """Lowest and highest of every value that may be quantized, over pairs of `rgb` and `hints`, one pair at a time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, str(path))
        calibrator = create_calibrator(path, QUANTIZED, str(Path(folder) / "with_ranges.onnx"))
        # Reduced inside the graph: two numbers for each value and picture are kept.
        calibrator.collect_data(_Reader(inputs))
        return dict(calibrator.compute_data().data)


def to_int8(model: ModelProto, nodes: list[NodeProto], ranges: Ranges, symmetric: bool) -> ModelProto:
    """The graph with these nodes in int8. symmetric: TensorRT's form, else that of ONNX Runtime on a CPU."""
    # The quantizer changes the graph and the ranges that it is given.
    quantizer = QDQQuantizer(
        copy.deepcopy(model),
        per_channel=True,
        reduce_range=not symmetric,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8 if symmetric else QuantType.QUInt8,
        tensors_range=copy.deepcopy(ranges),
        nodes_to_quantize=[node.name for node in nodes],
        nodes_to_exclude=[],
        op_types_to_quantize=QUANTIZED,
        extra_options={"ActivationSymmetric": symmetric, "WeightSymmetric": True, "QuantizeBias": not symmetric},
    )
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it advises to preprocess the graph, which the export has done
    try:
        quantizer.quantize_model()
    finally:
        logger.setLevel(level)
    quantizer.model.topological_sort()
    quantized: ModelProto = quantizer.model.model
    return quantized
