"""Graphs with fewer outputs, by protobuf alone, against the onnx package and a run of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.onnx_form import ends, keep_outputs

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("names", [("ab",), ("joint",), ("colored", "ab")])
def test_a_graph_for_some_outputs_computes_what_the_whole_computes(names: tuple[str, ...]) -> None:
    whole = load_bundle().model
    part = keep_outputs(whole, names)
    model = onnx.load_from_string(part)
    onnx.checker.check_model(model, full_check=True)
    assert len(model.graph.node) < len(onnx.load_from_string(whole).graph.node)
    assert ends(part) == (ends(whole)[0], list(names))
    rng = np.random.default_rng(0)
    given = {
        "rgb": rng.integers(0, 256, (1, 40, 50, 3), np.uint8),
        "hints": rng.integers(0, 256, (1, 64, 64, 4), np.uint8),
        "vividness": np.ones((1, 1, 1, 1), np.float32),
    }
    found, expected = (
        onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(list(names), given)
        for graph in (part, whole)
    )
    assert all((a == b).all() for a, b in zip(found, expected, strict=True))


def test_all_outputs_leave_the_graph_as_it_is() -> None:
    whole = load_bundle().model
    assert keep_outputs(whole, ends(whole)[1]) == whole


def test_what_a_graph_within_a_node_takes_from_outside_is_kept() -> None:
    from onnx import TensorProto, helper

    def value(name: str, kind: int = TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, [1])

    branches = [helper.make_graph([helper.make_node("Neg", [name], ["r"])], name, [], [value("r")]) for name in "pq"]
    nodes = [
        helper.make_node("Abs", ["x"], ["p"]),
        helper.make_node("Exp", ["x"], ["q"]),
        helper.make_node("Log", ["x"], ["idle"]),
        helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1]),
    ]
    graph = helper.make_graph(nodes, "g", [value("x"), value("c", TensorProto.BOOL)], [value("y"), value("idle")])
    part = onnx.load_from_string(keep_outputs(helper.make_model(graph).SerializeToString(), ["y"]))
    onnx.checker.check_model(part, full_check=True)
    assert [node.op_type for node in part.graph.node] == ["Abs", "Exp", "If"]
