"""How valid files are mutated."""

from __future__ import annotations

import struct
import zlib

from hypothesis import strategies as st

# Numbers that break arithmetic, as files hold them.
EDGES = [struct.pack(form, value) for form in ("<I", ">I", "<H", ">H") for value in (0, 1, 0x7FFF, 0x8000, 0xFFFF)]
WORDS = [b"NaN", b"1e999", b"-1", b"null", b'"', b"[", b"{", b"\\ud800", b"\xff", b"IDAT", b"IEND", b"location"]


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """One of the valid files with a few bytes flipped, changed, cut out, doubled or put in; maybe cut short."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, min(len(data) - 1, draw(st.sampled_from([60, 400, 100_000]))))))
        length = draw(st.integers(1, 40))
        match draw(st.sampled_from(["flip", "edge", "word", "noise", "remove", "double", "cut"])):
            case "flip" if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "edge":
                data[at : at + 4] = draw(st.sampled_from(EDGES))
            case "word":
                data[at:at] = draw(st.sampled_from(WORDS))
            case "noise":
                data[at : at + length] = draw(st.binary(max_size=length))
            case "remove":
                del data[at : at + length]
            case "double":
                data[at:at] = data[at : at + length]
            case "cut":
                del data[at:]
    return repair(bytes(data)) if draw(st.booleans()) else bytes(data)


def repair(data: bytes) -> bytes:
    """A PNG with its checksums made right, so that what they guard is reached; anything else as it is."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    at, parts = 8, [data[:8]]
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        content = data[at + 8 : at + 8 + length]
        guarded = data[at + 4 : at + 8] + content
        parts.append(struct.pack(">I", len(content)) + guarded + struct.pack(">I", zlib.crc32(guarded)))
        at += 12 + length
    return b"".join(parts)
