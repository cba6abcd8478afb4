"""What Pillow does not check in a PNG: that the compressed pixels are as many as the header says."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from numpy.typing import NDArray
from PIL import Image

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7: first column and row of each pass, and the steps between.
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
PIECE = 1 << 20


def may_lack_rows(header: bytes, last_row: NDArray[Any]) -> bool:
    """Whether rows may be missing, by the first bytes of a PNG and its last row: it is empty, or came in seven passes.

    To count what is compressed (`is_whole`) takes a third of the time of decoding, and is seldom needed.
    """
    return header[28:29] == b"\1" or not last_row.any()


def with_whole_key(image: Image.Image, header: bytes) -> None:
    """Bring the transparent level of a grey PNG of 2 or 4 bits to the 8 bits that Pillow has made of its pixels.

    Pillow leaves it as it stands in the file, where it fits none of them. header: the file's first bytes.
    """
    key, depth, color = image.info.get("transparency"), header[24], header[25]
    if color == 0 and depth in (2, 4) and isinstance(key, int):
        most = (1 << depth) - 1
        image.info["transparency"] = (key & most) * (255 // most)


def is_whole(data: bytes) -> bool:
    """Whether the pixels of a PNG, whose chunks are sound, go on to its last row.

    Compressed data that ends early, with an end of its own, leaves the rows behind it empty without an error in Pillow.
    """
    missing = _bytes_of_pixels(data)
    inflate = zlib.decompressobj()
    at = 8
    while missing > 0 and at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == b"IDAT":
            piece = data[at + 8 : at + 8 + length]
            while piece and missing > 0 and not inflate.eof:
                try:
                    missing -= len(inflate.decompress(piece, PIECE))
                except zlib.error:
                    return False
                piece = inflate.unconsumed_tail
        at += 12 + length
    return missing <= 0


def _bytes_of_pixels(data: bytes) -> int:
    """How many bytes all rows have, each with its filter byte."""
    width, height, depth, kind = struct.unpack_from(">IIBB", data, 16)
    bits = depth * CHANNELS.get(kind, 1)

    def rows(columns: int, lines: int) -> int:
        return lines * (1 + (columns * bits + 7) // 8) if columns > 0 else 0

    if data[28] == 0:
        return rows(width, height)
    return sum(rows(-((x - width) // dx), -((y - height) // dy)) for x, y, dx, dy in PASSES)
