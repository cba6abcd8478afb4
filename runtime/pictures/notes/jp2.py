"""The boxes of a JPEG 2000 file that hold XMP, EXIF and captions; and its codestream alone (ISO 15444-1, annex I)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

XMP = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
EXIF = b"JpgTiffExif->JP2"
IPTC = bytes.fromhex("33C7A4D2B81D4723A0BAF1A3E097AD38")
IPTC_OLD = bytes.fromhex("09A14E97C0B442E0BEBF36DF6F0CE36F")
KEPT = (XMP, EXIF, IPTC, IPTC_OLD)
MAGIC = b"\0\0\0\x0cjP  \r\n\x87\n"
START = b"\xff\x4f\xff\x51"


def boxes(data: bytes, at: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Each box's name, and where its contents begin and end; what is cut short ends them."""
    end = len(data) if end is None else end
    while at + 8 <= end:
        length, name = struct.unpack_from(">I4s", data, at)
        begins = at + 8
        if length == 1 and at + 16 <= end:
            (length,) = struct.unpack_from(">Q", data, at + 8)
            begins = at + 16
        ends = end if length == 0 else at + length
        if ends > end or ends < begins:
            return
        yield name, begins, ends
        at = ends


def read_notes(data: bytes) -> tuple[bytes | None, bytes]:
    """The XMP of a JP2, and its EXIF and captions as the boxes that they stand in."""
    xmp, others = None, b""
    if data.startswith(MAGIC):
        for name, begins, ends in boxes(data):
            if name == b"uuid" and data[begins : begins + 16] in KEPT:
                if data[begins : begins + 16] == XMP:
                    xmp = xmp or data[begins + 16 : ends]
                else:
                    others += _box(data[begins:ends])
            elif name == b"xml ":
                others += _box(data[begins:ends], b"xml ")
    return xmp, others


def with_notes(jp2: bytes, xmp: bytes | None, others: bytes) -> bytes:
    """A JP2 with these notes behind its pixels."""
    notes = others + (_box(XMP + xmp) if xmp else b"")
    if not notes:
        return jp2
    out = b""
    for name, begins, ends in boxes(jp2):
        out += _box(jp2[begins:ends], name)
    return out + notes


def codestream(jp2: bytes) -> bytes:
    """The pixels alone, as files of raw codestreams hold them."""
    return next((jp2[begins:ends] for name, begins, ends in boxes(jp2) if name == b"jp2c"), jp2)


class Layout(NamedTuple):
    """How a codestream's samples are stored. subsampled: not each component has every pixel."""

    width: int
    height: int
    bits: int
    subsampled: bool


def layout(data: bytes) -> Layout | None:
    """What the codestream's first segment says (annex A.5.1); None where there is none."""
    at = data.find(START)
    if at < 0 or at + 42 > len(data):
        return None
    right, bottom, left, top = struct.unpack_from(">4I", data, at + 8)
    (count,) = struct.unpack_from(">H", data, at + 40)
    parts = [data[at + 42 + 3 * i : at + 45 + 3 * i] for i in range(min(count, 16))]
    if not parts or len(parts[-1]) < 3:
        return None
    bits = max((part[0] & 127) + 1 for part in parts)
    subsampled = any(part[1:] != b"\1\1" for part in parts)
    return Layout(right - left, bottom - top, bits, subsampled)


def _box(data: bytes, name: bytes = b"uuid") -> bytes:
    return struct.pack(">I4s", len(data) + 8, name) + data
