"""Nodes of the fused graph: read as the onnx package reads them, told apart by what depends on what."""

from __future__ import annotations

import pytest
from gcolor.color.errors import EngineError
from gcolor.runtime.bench.graph import Node, read_nodes, stages_of_nodes
from gcolor.runtime.bundle import load_bundle


def node(name: str, kind: str, inputs: str, outputs: str) -> Node:
    return Node(name, kind, tuple(inputs.split()), tuple(outputs.split()))


SMALL = [
    node("light", "Mul", "rgb", "y"),
    node("quantize", "QuantizeLinear", "y", "yq"),
    node("first", "QLinearConv", "yq weight", "c"),
    node("branch", "Mul", "hints", "m"),
    node("join", "Add", "c m", "j"),
    node("second", "Conv", "j", "d"),
    node("decode", "MatMul", "d centers", "ab"),
    node("enlarge", "MatMul", "ab ways", "big"),
    node("paint", "Add", "big y", "colored"),
]


def test_network_is_what_ab_needs_from_its_convolutions_on() -> None:
    stages = stages_of_nodes(SMALL)
    assert {n for n, s in stages.items() if s == "pre"} == {"light", "quantize", "branch"}
    assert {n for n, s in stages.items() if s == "net"} == {"first", "join", "second", "decode"}
    assert {n for n, s in stages.items() if s == "post"} == {"enlarge", "paint"}


def test_a_convolution_behind_ab_is_no_network() -> None:
    stages = stages_of_nodes([*SMALL[:-1], node("paint", "Conv", "big y", "colored")])
    assert stages["paint"] == "post"


def test_a_name_of_two_stages_is_left_out() -> None:
    twins = [node("light", "Mul", "rgb", "y"), *SMALL[1:-1], node("light", "Add", "big y", "colored")]
    assert "light" not in stages_of_nodes(twins)


@pytest.mark.parametrize(
    ("nodes", "says"), [(SMALL[7:], "no output ab"), ([node("decode", "MatMul", "rgb", "ab")], "no convolution")]
)
def test_what_cannot_be_told_is_said(nodes: list[Node], says: str) -> None:
    with pytest.raises(EngineError, match=says):
        stages_of_nodes(nodes)


def test_nodes_are_read_as_the_onnx_package_reads_them() -> None:
    onnx = pytest.importorskip("onnx")
    data = load_bundle().model
    expected = [
        Node(n.name, n.op_type, tuple(filter(None, n.input)), tuple(n.output))
        for n in onnx.load_from_string(data).graph.node
    ]
    assert read_nodes(data) == expected


def test_of_the_default_model() -> None:
    nodes = read_nodes(load_bundle().model)
    stages = stages_of_nodes(nodes)
    assert set(stages.values()) == {"pre", "net", "post"}
    assert {stages[n.name] for n in nodes if n.kind == "Conv"} == {"net"}
    assert {stages[n.name] for n in nodes if "rgb" in n.inputs} <= {"pre", "post"}
    assert [stages[n.name] for n in nodes if "colored" in n.outputs] == ["post"]
    assert [stages[n.name] for n in nodes if "ab" in n.outputs] == ["net"]


@pytest.mark.parametrize("data", [b"\x3a\xff", b"\x3a\x02\x0a\x7f", b"\x0f", b"\xff" * 40])
def test_broken_files_raise_only_the_documented_error(data: bytes) -> None:
    try:
        read_nodes(data)
    except EngineError:
        pass
