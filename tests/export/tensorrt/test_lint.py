from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from gcolor.export.tensorrt.lint import lint  # noqa: E402
from gcolor.models.prediction import Form  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

FLOAT, UINT8, INT8, INT32, INT64 = (getattr(TensorProto, n) for n in ("FLOAT", "UINT8", "INT8", "INT32", "INT64"))
SHAPE = ["N", 8, 8]


def model(nodes, inputs, outputs, rank: int = 3, **constants: np.ndarray):
    """A small model; inputs and outputs by name with their type, the outputs' rank."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, kind, SHAPE) for name, kind in inputs.items()],
        [helper.make_tensor_value_info(name, kind, [None] * rank) for name, kind in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(made)
    return made


def node(kind: str, inputs: str, output: str, **attributes):
    """A node; "-" leaves an input out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(kind, names, [output], name=f"the_{kind}", **attributes)


def scatter(kind: str, reduction: str):
    index = np.zeros((1, 3) if kind == "ScatterND" else (1, 8, 8), np.int64)
    values = np.ones(1 if kind == "ScatterND" else (1, 8, 8), np.float32)
    return model([node(kind, "x i v", "y", reduction=reduction)], {"x": FLOAT}, {"y": FLOAT}, i=index, v=values)


def quantized(zero: np.ndarray):
    both = [node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "y")]
    return model(both, {"x": FLOAT}, {"y": FLOAT}, s=np.float32(0.1), z=zero)


def resize(antialias: int):
    resized = node("Resize", "x - - sizes", "y", mode="linear", antialias=antialias)
    return model([resized], {"x": FLOAT}, {"y": FLOAT}, sizes=np.array([1, 4, 4], np.int64))


def table(kind: type):
    """A look-up of bytes in a table of bytes, or of floats that become bytes."""
    nodes = [node("Cast", "x", "f", to=FLOAT), node("Cast", "f", "i", to=INT64), node("Gather", "t i", "y")]
    if kind is not np.uint8:
        nodes[-1].output[0] = "g"
        nodes.append(node("Cast", "g", "y", to=UINT8))
    return model(nodes, {"x": UINT8}, {"y": UINT8}, 3, t=np.arange(256, dtype=kind))


def slice_of_bytes():
    places = {name: np.array([value], np.int64) for name, value in {"from": 0, "to": 4, "axis": 1}.items()}
    return model([node("Slice", "x from to axis", "y")], {"x": UINT8}, {"y": UINT8}, 3, **places)


def inside_an_if():
    """A refused node in both branches of an If."""
    branches = [
        helper.make_graph(
            [node("Resize", "x - - sizes", f"b{i}", mode="linear", antialias=1)],
            f"branch{i}",
            [],
            [helper.make_tensor_value_info(f"b{i}", FLOAT, [None] * 3)],
        )
        for i in (0, 1)
    ]
    chosen = node("If", "c", "y", then_branch=branches[0], else_branch=branches[1])
    sizes = np.array([1, 4, 4], np.int64)
    return model([chosen], {"x": FLOAT}, {"y": FLOAT}, c=np.array(True), sizes=sizes)


# What the parser refuses, and a word of the reason.
REFUSED = {
    "antialias": (resize(1), "the_Resize.*antialias"),
    "byte table": (table(np.uint8), "t is a uint8 constant"),
    "byte transpose": (model([node("Transpose", "x", "y")], {"x": UINT8}, {"y": UINT8}), "the_Transpose.*uint8"),
    "byte concat": (model([node("Concat", "x x", "y", axis=0)], {"x": UINT8}, {"y": UINT8}), "the_Concat.*uint8"),
    "byte slice": (slice_of_bytes(), "the_Slice.*uint8"),
    "ScatterND add": (scatter("ScatterND", "add"), "the_ScatterND.*reduction"),
    "ScatterElements max": (scatter("ScatterElements", "max"), "the_ScatterElements.*reduction"),
    "byte zero point": (quantized(np.uint8(128)), "the_QuantizeLinear.*zero point"),
    "zero point 3": (quantized(np.int8(3)), "the_DequantizeLinear.*zero point"),
    "nonzero": (model([node("NonZero", "x", "y")], {"x": FLOAT}, {"y": INT64}, 2), "the_NonZero.*shapes"),
    "unique": (model([node("Unique", "x", "y")], {"x": FLOAT}, {"y": FLOAT}, 1), "the_Unique.*no such operator"),
}
# Against TensorRT's documentation, or deep in a branch; some versions of its parser take them.
DOUBTFUL = {
    "bytes to int32": (model([node("Cast", "x", "y", to=INT32)], {"x": UINT8}, {"y": INT32}), "the_Cast.*casts uint8"),
    "int32 to bytes": (model([node("Cast", "x", "y", to=UINT8)], {"x": INT32}, {"y": UINT8}), "the_Cast.*casts uint8"),
    "byte equal": (model([node("Equal", "x x", "y")], {"x": UINT8}, {"y": TensorProto.BOOL}), "the_Equal.*uint8"),
    "bytes with zero point 0": (quantized(np.uint8(0)), "the_QuantizeLinear.*zero point"),
    "in a branch": (inside_an_if(), "the_Resize.*antialias"),
}
TAKEN = {
    "resize": resize(0),
    "float table": table(np.float32),
    "bytes by way of float": model(
        [node("Cast", "x", "f", to=FLOAT), node("Transpose", "f", "t"), node("Cast", "t", "y", to=UINT8)],
        {"x": UINT8},
        {"y": UINT8},
    ),
    "bytes' shape": model([node("Shape", "x", "y")], {"x": UINT8}, {"y": INT64}, 1),
    "scatter": scatter("ScatterND", "none"),
    "symmetric int8": quantized(np.int8(0)),
}


@pytest.mark.parametrize("name", [*REFUSED, *DOUBTFUL])
def test_each_refused_thing_is_named_with_its_reason(name: str) -> None:
    graph, sentence = (REFUSED | DOUBTFUL)[name]
    found = lint(graph.SerializeToString())
    assert any(re.search(sentence, line) for line in found), found


@pytest.mark.parametrize("name", TAKEN)
def test_what_tensorrt_takes_passes(name: str) -> None:
    assert lint(TAKEN[name]) == []


def test_paintings_form_for_tensorrt_passes_and_the_other_does_not(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    from gcolor.export.onnx_file import export_paint
    from gcolor.models.fused import Paint

    for form in get_args(Form):
        export_paint(Paint(form), 4, tmp_path / "paint.onnx")
        assert (lint((tmp_path / "paint.onnx").read_bytes()) == []) == (form == "static")


PARSE = """
import json, pathlib, sys
import tensorrt as trt
log = trt.Logger(trt.Logger.INTERNAL_ERROR)
found = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    builder = trt.Builder(log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    taken = trt.OnnxParser(network, log).parse(path.read_bytes())
    if taken:
        config, profile = builder.create_builder_config(), builder.create_optimization_profile()
        for i in range(network.num_inputs):
            profile.set_shape(network.get_input(i).name, (1, 8, 8), (1, 8, 8), (2, 8, 8))
        config.add_optimization_profile(profile)
        taken = builder.build_serialized_network(network, config) is not None
    found[path.stem] = taken
print(json.dumps(found))
"""


def test_nvidias_parser_and_builder_judge_the_same(rig, tmp_path: Path) -> None:
    """The independent reference of the rules."""
    for name, graph in ({n: g for n, (g, _) in REFUSED.items()} | TAKEN).items():
        (tmp_path / f"{name}.onnx").write_bytes(graph.SerializeToString())
    done = rig("-c", PARSE, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == dict.fromkeys(REFUSED, False) | dict.fromkeys(TAKEN, True)
