"""Files of 16 bits by OpenCV, since Pillow writes none in color, with Pillow's notes."""

from __future__ import annotations

import io
from collections.abc import Iterator

import cv2
from PIL import Image

from ...color.lab import Deep
from .options import save_options
from .picture import Notes

HEADER_ENDS = 8 + 25  # a PNG's signature and its first chunk


def encode_deep(format_name: str, pixels: Deep, notes: Notes) -> list[bytes | memoryview]:
    """The parts of a PNG, JPEG 2000 or Netpbm file of uint16 [H, W, 3 or 4] in RGB, one behind the other.

    Raises OSError where OpenCV cannot.
    """
    match format_name:
        case "PNG":
            return _with_notes(_encode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 3]), notes)
        case "JPEG2000":
            return [_encode(".jp2", pixels, [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])]  # 1000 loses nothing
    return [_encode(".ppm", pixels, [])]


def _encode(suffix: str, pixels: Deep, options: list[int]) -> memoryview:
    order = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    done, data = cv2.imencode(suffix, cv2.cvtColor(pixels, order), options)
    if not done:
        raise OSError(f"OpenCV does not write 16 bits as {suffix}")
    return data.data


def _with_notes(png: memoryview, notes: Notes) -> list[bytes | memoryview]:
    """A PNG with the chunks that Pillow makes of the notes, put behind its header."""
    small = io.BytesIO()
    Image.new("RGB", (1, 1)).save(small, "PNG", **save_options("PNG", notes))
    chunks = [chunk for kind, chunk in _chunks(small.getvalue()) if kind not in (b"IHDR", b"IDAT", b"IEND")]
    return [png[:HEADER_ENDS], *chunks, png[HEADER_ENDS:]]


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(png):
        ends = at + 12 + int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at:ends]
        at = ends
