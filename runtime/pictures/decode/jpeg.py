"""What a JPEG says outside of its pixels, marker by marker, and what libjpeg says of them (ITU-T T.81, T.87)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import NamedTuple

import simplejpeg

from ....color.lab import Bytes

SOI, EOI, SOS, COMMENT, APP1, APP13 = 0xD8, 0xD9, 0xDA, 0xFE, 0xE1, 0xED
LS = 0xF7
LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
ARITHMETIC = range(0xC9, 0xD0)
FRAMES = {*range(0xC0, 0xD0), LS} - {0xC4, 0xC8, 0xCC}
XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_NAME = b"http://ns.adobe.com/xmp/extension/\0"
MOST_XMP = 65533 - len(XMP_NAME)
PIECE = 65000


class Frame(NamedTuple):
    """How the pixels are coded. marker: the kind; bits: of a sample."""

    marker: int
    bits: int
    width: int
    height: int

    def ways_of_its_own(self) -> tuple[str, str]:
        """What Pillow does not read in it, in words, and imagecodecs' codec for it; both "" where it reads it."""
        if self.marker == LS:
            return "a JPEG-LS picture", "jpegls"
        if self.marker in LOSSLESS:
            return "a lossless JPEG", "ljpeg"
        if self.bits != 8:
            return f"a JPEG of {self.bits} bits", "jpeg8"
        return "", ""


@dataclass
class Jpeg:
    """The segments before the pixels. kept: comments and APP13, with their markers. extended: XMP's second part."""

    frame: Frame | None = None
    kept: bytes = b""
    xmp: bytes | None = None
    extended: bytes = b""
    exif: bytes | None = None
    profile: bytes | None = None
    pieces: dict[int, bytes] = field(default_factory=dict)


def parse(data: bytes) -> Jpeg:
    """Read the segments up to the first scan; what is cut short ends them."""
    found = Jpeg()
    pieces: dict[bytes, dict[int, bytes]] = {}
    profile: dict[int, bytes] = {}
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in (0, 1, SOI) or 0xD0 <= marker <= 0xD7:
            at += 2
            continue
        if marker in (SOS, EOI):
            break
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker in FRAMES and len(body) >= 6 and found.frame is None:
            height, width = (int.from_bytes(body[i : i + 2], "big") for i in (1, 3))
            found.frame = Frame(marker, body[0], width, height)
        elif marker in (COMMENT, APP13):
            found.kept += data[at : at + 2 + length]
        elif marker == APP1 and body.startswith(XMP_NAME):
            found.xmp = found.xmp or body[len(XMP_NAME) :]
        elif marker == APP1 and body.startswith(EXTENDED_NAME) and len(body) >= len(EXTENDED_NAME) + 40:
            rest = body[len(EXTENDED_NAME) :]
            pieces.setdefault(rest[:32], {})[int.from_bytes(rest[36:40], "big")] = rest[40:]
        elif marker == APP1 and body.startswith(b"Exif\0"):
            found.exif = found.exif or body
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            profile[body[12]] = body[14:]
        at += 2 + max(2, length)
    found.profile = b"".join(profile[i] for i in sorted(profile)) or None
    found.extended = _put_together(pieces, found.xmp or b"")
    return found


def _put_together(pieces: dict[bytes, dict[int, bytes]], xmp: bytes) -> bytes:
    """The extended XMP that the first part names, where all of it is there."""
    for name, parts in pieces.items():
        whole = b"".join(parts[start] for start in sorted(parts))
        if name.upper() in xmp.upper() and hashlib.md5(whole).hexdigest().upper().encode() == name.upper():
            return whole
    return b""


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data


def extended_segments(extended: bytes) -> bytes:
    """The segments of XMP's second part (XMP specification, part 3, 1.1.3.1)."""
    name = hashlib.md5(extended).hexdigest().upper().encode()
    total = len(extended).to_bytes(4, "big")
    return b"".join(
        segment(APP1, EXTENDED_NAME + name + total + start.to_bytes(4, "big") + extended[start : start + PIECE])
        for start in range(0, len(extended), PIECE)
    )


def decode(data: bytes, gray: bool) -> Bytes | None:
    """The pixels as stored, [H, W] where it is gray, else [H, W, 3]; None where libjpeg has anything to say of them.

    They are those that Pillow decodes, without its two copies and without listening apart.
    """
    try:
        pixels: Bytes = simplejpeg.decode_jpeg(data, "GRAY" if gray else "RGB")
    except ValueError:
        return None
    return pixels[..., 0] if gray else pixels


def listen(data: bytes) -> tuple[str, bool]:
    """The first that libjpeg says of the pixels, "" for nothing, and whether some are missing for it.

    It decodes once more, to an eighth of the size: a quarter of the time of decoding.
    """
    try:
        simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1, min_factor=8)
    except ValueError as error:
        said = " ".join(str(error).split())
    else:
        return "", False
    missing = re.search(r"(?i)premature end", said) is not None
    known = missing or re.search(r"(?i)corrupt jpeg data|inconsistent progression", said) is not None
    return (said, missing) if known else ("", False)
