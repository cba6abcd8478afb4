"""Chunks of a PNG that no one can parse, and the profiles that ImageMagick keeps in its text (PNG 1.2, 3.2)."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

# What the pixels are made of: these may not be passed over.
PIXELS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"iCCP"}
SIGNATURE = b"\x89PNG\r\n\x1a\n"
RAW = "raw profile type "


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's name, and all of its bytes."""
    at = len(SIGNATURE)
    while at + 12 <= len(png):
        ends = at + 12 + int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at:ends]
        at = ends


def without_odd_chunks(png: bytes) -> tuple[bytes, list[str]]:
    """A PNG without the notes that its reader stumbles over, and the names of these."""
    kept, odd = [SIGNATURE], []
    for name, data in chunks(png):
        if name in PIXELS or _is_readable(data):
            kept.append(data)
        else:
            odd.append(name.decode("latin-1"))
    return b"".join(kept), odd


def _is_readable(chunk: bytes) -> bool:
    """Whether Pillow reads a picture of one pixel that has this chunk, too."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixel = _chunk(b"IDAT", zlib.compress(b"\0\0"))
    try:
        with Image.open(
            io.BytesIO(SIGNATURE + header + chunk + pixel + _chunk(b"IEND", b"")), formats=["PNG"]
        ) as image:
            image.load()
            image.getexif()
    except Exception:
        return False
    return True


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def raw_profile(text: str) -> bytes:
    """The bytes of a profile that is written as text: a name, a length, and hexadecimal digits. Raises ValueError."""
    found = re.fullmatch(r"\s*(\S+)\s+(\d+)\s+([0-9a-fA-F\s]*)", text)
    if found is None:
        raise ValueError("no raw profile")
    data = bytes.fromhex("".join(found[3].split()))
    if len(data) < int(found[2]):
        raise ValueError("a raw profile is cut short")
    return data[: int(found[2])]
