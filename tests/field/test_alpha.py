"""Transparency is never wrong in silence."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from gcolor.color.hint_pictures import decode
from gcolor.runtime.pictures import read_picture
from made import GRAY, HEIGHT, WIDTH, chunk, packed


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_transparent_level_of_a_gray_png(tmp_path: Path, bits: int) -> None:
    levels = GRAY.astype(np.uint16) * 257 if bits == 16 else GRAY >> (8 - bits)
    key = int(levels[10, 10])
    rows = packed(levels, bits)
    stride = len(rows) // HEIGHT
    raw = b"".join(b"\0" + rows[i : i + stride] for i in range(0, len(rows), stride))
    import zlib

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"tRNS", struct.pack(">H", key))
    png = b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(png)
    picture = read_picture(tmp_path / "a.png")
    assert picture.alpha is not None and np.array_equal(picture.alpha == 0, levels == key)
    if bits < 16:
        assert np.array_equal(decode(png)[..., 3] == 0, levels == key)  # hints go the same way
