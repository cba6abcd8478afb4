"""Inputs as scanners, archives and libraries leave them, made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 61, 83
_y, _x = np.mgrid[:HEIGHT, :WIDTH]
_rng = np.random.default_rng(1)
GRAY = (40 + 120 * (_x / WIDTH) + 60 * np.sin(_y / 17.0) + _rng.normal(0, 2, (HEIGHT, WIDTH))).clip(0, 255)
GRAY = GRAY.astype(np.uint8)
DEEP = (GRAY.astype(np.uint16) * 257) ^ _rng.integers(0, 256, GRAY.shape).astype(np.uint16)
BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 16: 8}
Tag = tuple[int, int, int, bytes]
"""Number, type, count, and the values in the order of the file."""


def numbers(order: str, kind: int, *values: int) -> bytes:
    return struct.pack(order + {1: "B", 3: "H", 4: "I", 16: "Q"}[kind] * len(values), *values)


def tiff(
    path: Path,
    data: bytes,
    tags: Sequence[tuple[int, int, tuple[int, ...]]] = (),
    raw: Sequence[Tag] = (),
    *,
    order: str = "<",
    big: bool = False,
    bits: int = 8,
    samples: int = 1,
    photometric: int = 1,
    compression: int = 1,
) -> Path:
    """A TIFF of one strip around bytes that are packed already; tags: number, type, values; raw: bytes as they are."""
    begin = 16 if big else 8
    layout = {
        256: (4, (WIDTH,)),
        257: (4, (HEIGHT,)),
        258: (3, (bits,) * samples),
        259: (3, (compression,)),
        262: (3, (photometric,)),
        273: (4, (begin,)),
        277: (3, (samples,)),
        278: (4, (HEIGHT,)),
        279: (4, (len(data),)),
    } | {number: (kind, values) for number, kind, values in tags}
    entries: list[Tag] = [(n, k, len(v), numbers(order, k, *v)) for n, (k, v) in layout.items()]
    entries = sorted([*entries, *raw])
    at = begin + len(data) + len(data) % 2
    width, code, size = (8, "Q", 20) if big else (4, "I", 12)
    behind = at + (8 if big else 2) + size * len(entries) + width
    directory, values = struct.pack(order + ("Q" if big else "H"), len(entries)), b""
    for number, kind, count, value in entries:
        directory += struct.pack(f"{order}HH{code}", number, kind, count)
        if len(value) <= width:
            directory += value.ljust(width, b"\0")
        else:
            directory += struct.pack(order + code, behind + len(values))
            values += value + b"\0" * (len(value) % 2)
    mark = b"II" if order == "<" else b"MM"
    head = mark + (struct.pack(order + "HHHQ", 43, 8, 0, at) if big else struct.pack(order + "HI", 42, at))
    path.write_bytes(head + data + b"\0" * (len(data) % 2) + directory + bytes(width) + values)
    return path


def tags_of(path: Path) -> dict[int, tuple[int, int, bytes]]:
    """Type, count and bytes of each tag of a small-endian TIFF's first directory, read by hand."""
    data = path.read_bytes()
    assert data[:4] == b"II*\0"
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    found = {}
    for i in range(count):
        number, kind, length = struct.unpack_from("<HHI", data, at + 2 + 12 * i)
        place = at + 10 + 12 * i
        size = length * {5: 8, 10: 8, 12: 8}.get(kind, BYTES.get(kind, 4))
        start = place if size <= 4 else struct.unpack_from("<I", data, place)[0]
        found[number] = kind, length, data[start : start + size]
    return found


def packed(values: np.ndarray, bits: int) -> bytes:
    """Samples [H, W] of so many bits, most significant bit first, each row from a new byte."""
    planes = (values[..., None].astype(np.uint32) >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(planes.reshape(len(values), -1).astype(np.uint8), axis=1).tobytes()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunks(*chunks: bytes) -> bytes:
    """A gray PNG with chunks of one's own behind its header."""
    file = io.BytesIO()
    Image.fromarray(GRAY).save(file, "PNG")
    png = file.getvalue()
    return png[:33] + b"".join(chunks) + png[33:]


def jpeg(**options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(GRAY).save(file, "JPEG", **{"quality": 92, **options})
    return file.getvalue()


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data
