"""ONNX files as they lie on disk, without the onnx package: protobuf fields, inputs and outputs, outside data."""

from __future__ import annotations

from collections.abc import Collection, Iterator

# Field numbers of onnx.proto under which each message holds others that may hold tensors.
PARTS = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
EXTERNAL_DATA = 13
# Of a model its graph; of a graph what goes in and comes out; of such a value its name.
GRAPH, INPUT, OUTPUT, NAME = 7, 11, 12, 1
# Of a graph: its nodes; and where outputs, initializers (sparse ones, too) and types of values have their names.
NODE = 1
NAME_OF = {5: 8, OUTPUT: NAME, 13: NAME}
# The operators whose attributes hold graphs, which take what they need from around them.
WITH_GRAPHS = (b"If", b"Loop", b"Scan", b"SequenceMap")
LOCATION = b"location"  # the key that every reference to a file has


def fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of the fields of a protobuf message that have a length; others are passed over.

    Raises IndexError or ValueError for what is no such message.
    """
    for number, content, _ in _spans(message):
        if content is not None:
            yield number, content


def _spans(message: memoryview) -> Iterator[tuple[int, memoryview | None, memoryview]]:
    """Of every field its number, its content where it has a length, and all of it as it lies there."""
    at = 0
    while at < len(message):
        begin = at
        key, at = _varint(message, at)
        content = None
        match key & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                at += 8
            case 2:
                length, at = _varint(message, at)
                content = message[at : at + length]
                at += length
            case 5:
                at += 4
            case kind:
                raise ValueError(f"wire type {kind}")
        yield key >> 3, content, message[begin:at]


def ends(model: bytes) -> tuple[list[str], list[str]]:
    """The names of a model's inputs and outputs. Raises as `fields`."""
    found: dict[int, list[str]] = {INPUT: [], OUTPUT: []}
    for number, graph in fields(memoryview(model)):
        if number == GRAPH:
            for kind, value in fields(graph):
                if kind in found:
                    found[kind] += [bytes(text).decode() for key, text in fields(value) if key == NAME]
    return found[INPUT], found[OUTPUT]


def keep_outputs(model: bytes, names: Collection[str]) -> bytes:
    """The model with these of its outputs, and no node that none of them needs. Raises as `fields`.

    ONNX Runtime runs every node of a graph, whichever outputs are asked for.
    """
    parts = []
    for number, content, whole in _spans(memoryview(model)):
        if number == GRAPH and content is not None:
            graph = _prune(content, names)
            parts += [bytes([GRAPH << 3 | 2]), _as_varint(len(graph)), graph]
        else:
            parts.append(bytes(whole))
    return b"".join(parts)


def _prune(graph: memoryview, names: Collection[str]) -> bytes:
    parts = list(_spans(graph))
    needed = set(names)
    idle: set[int] = set()
    for at, (number, content, _) in reversed(list(enumerate(parts))):  # nodes stand in the order of their work
        if number == NODE and content is not None:
            takes, makes = _ends_of_node(content)
            if needed.isdisjoint(makes):
                idle.add(at)
            else:
                needed.update(takes)
    for at, (number, content, _) in enumerate(parts):
        wanted = names if number == OUTPUT else needed
        if number in NAME_OF and content is not None and _text(content, NAME_OF[number]) not in wanted:
            idle.add(at)
    return b"".join(whole for at, (_, _, whole) in enumerate(parts) if at not in idle)


def _ends_of_node(node: memoryview) -> tuple[list[str], list[str]]:
    """The names of what a node takes, by itself or in graphs that it holds, and of what it makes."""
    takes, makes = [], []
    holds = False
    for number, content in fields(node):
        match number:
            case 1:
                takes.append(bytes(content).decode())
            case 2:
                makes.append(bytes(content).decode())
            case 4:
                holds = bytes(content) in WITH_GRAPHS
    waiting = [("node", node)] if holds else []
    while waiting:
        kind, message = waiting.pop()
        for number, content in fields(message):
            part = PARTS[kind].get(number)
            if part in ("attribute", "graph", "node"):
                waiting.append((part, content))
            if part == "node":
                takes += [bytes(text).decode() for field, text in fields(content) if field == 1]
    return takes, makes


def _text(message: memoryview, field: int) -> str:
    return next((bytes(content).decode() for number, content in fields(message) if number == field), "")


def _as_varint(value: int) -> bytes:
    groups = [value >> shift & 127 for shift in range(0, max(1, value.bit_length()), 7)]
    return bytes(group | 128 for group in groups[:-1]) + bytes(groups[-1:])


def has_external_data(model: bytes) -> bool:
    """Whether any tensor of an ONNX model, in its graph or below, lies in another file. Raises as `fields`."""
    if LOCATION not in model:
        return False  # mostly, and much sooner
    waiting = [("model", memoryview(model))]
    while waiting:
        kind, message = waiting.pop()
        for number, content in fields(message):
            if kind == "tensor" and number == EXTERNAL_DATA:
                return True
            if number in PARTS[kind]:
                waiting.append((PARTS[kind][number], content))
    return False


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
