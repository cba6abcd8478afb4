"""Which nodes of a fused ONNX graph come before its network, make it up and come after it; needs no onnx package.

The network is what its own outputs (`ab`, and `joint` where there is one) depend on from the first convolutions on: a
node is "net" where one of them needs it and a convolution lies before it (or it is one), "pre" where one needs it and
no convolution does, and "post" where none needs it. Decoding the bins is thereby part of "net", and what the network
does to the hints before its first convolution part of "pre".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ...color.errors import EngineError
from ..onnx_form import fields

NETWORK_OUTPUTS = ("ab", "joint")
# Field numbers of onnx.proto: ModelProto.graph, GraphProto.node, and those of NodeProto.
GRAPH, NODE = 7, 1
INPUT, OUTPUT, NAME, KIND = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the graph: its name, its operator, the tensors that it takes and makes."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_nodes(model: bytes) -> list[Node]:
    """The nodes of an ONNX file's main graph. Raises EngineError where it is none."""
    try:
        graphs = [value for field, value in fields(memoryview(model)) if field == GRAPH]
        return [_node(value) for graph in graphs for field, value in fields(graph) if field == NODE]
    except (IndexError, ValueError) as error:
        raise EngineError("the graph that ONNX Runtime saved cannot be read") from error


def stages_of_nodes(nodes: list[Node]) -> dict[str, str]:
    """Each node's name to "pre", "net" or "post". Raises EngineError where the network cannot be told.

    A name that nodes of several stages share is left out.
    """
    makers = {name: node for node in nodes for name in node.outputs}
    users = defaultdict(list)
    for node in nodes:
        for name in node.inputs:
            users[name].append(node)
    ends = [makers[name] for name in NETWORK_OUTPUTS if name in makers]
    if not ends:
        raise EngineError(f"the graph has no output {NETWORK_OUTPUTS[0]}, its network cannot be told")
    needed = _reach(ends, lambda node: (makers[n] for n in node.inputs if n in makers))
    convolutions = [node for node in needed if "Conv" in node.kind]
    if not convolutions:
        raise EngineError(f"no convolution lies before output {NETWORK_OUTPUTS[0]}, the network cannot be told")
    behind = _reach(convolutions, lambda node: (user for n in node.outputs for user in users[n]))
    found: dict[str, set[str]] = defaultdict(set)
    for node in nodes:
        found[node.name].add(("net" if node in behind else "pre") if node in needed else "post")
    return {name: stages.pop() for name, stages in found.items() if len(stages) == 1}


def _reach(start: list[Node], step: Callable[[Node], Iterable[Node]]) -> set[Node]:
    found, waiting = set(start), list(start)
    while waiting:
        new = set(step(waiting.pop())) - found
        found |= new
        waiting += new
    return found


def _node(data: memoryview) -> Node:
    texts: dict[int, list[str]] = {INPUT: [], OUTPUT: [], NAME: [], KIND: []}
    for field, value in fields(data):
        if field in texts:
            texts[field].append(bytes(value).decode())
    return Node("".join(texts[NAME]), "".join(texts[KIND]), tuple(filter(None, texts[INPUT])), tuple(texts[OUTPUT]))
