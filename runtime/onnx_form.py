"""ONNX files as they lie on disk, without the onnx package: protobuf fields, inputs and outputs, outside data."""

from __future__ import annotations

from collections.abc import Iterator

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
LOCATION = b"location"  # the key that every reference to a file has


def fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of the fields of a protobuf message that have a length; others are passed over.

    Raises IndexError or ValueError for what is no such message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                at += 8
            case 2:
                length, at = _varint(message, at)
                yield key >> 3, message[at : at + length]
                at += length
            case 5:
                at += 4
            case kind:
                raise ValueError(f"wire type {kind}")


def ends(model: bytes) -> tuple[list[str], list[str]]:
    """The names of a model's inputs and outputs. Raises as `fields`."""
    found: dict[int, list[str]] = {INPUT: [], OUTPUT: []}
    for number, graph in fields(memoryview(model)):
        if number == GRAPH:
            for kind, value in fields(graph):
                if kind in found:
                    found[kind] += [bytes(text).decode() for key, text in fields(value) if key == NAME]
    return found[INPUT], found[OUTPUT]


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
