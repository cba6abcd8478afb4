"""TIFF files in color, of 8 or 16 bits, with all their tags; Pillow writes no 16 bits, and tags otherwise."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np

from ...color.errors import PictureError
from ...color.lab import Samples
from ..formats import Compression
from .notes.exif import STORAGE, read_tags
from .notes.tags import BYTE, PROFILE, RATIONAL, SIZES, UNDEFINED, XMP, Directory, Tag, long, serialize, short
from .picture import Notes

# Tags of TIFF 6.0, and their values here.
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS = 256, 257, 258, 259, 262, 273
SAMPLES, ROWS, COUNTS, PLANAR, PREDICTOR, EXTRA = 277, 278, 279, 284, 317, 338
X_RESOLUTION, Y_RESOLUTION, UNIT = 282, 283, 296
CODES = {"none": 1, "lzw": 5, "deflate": 8, "zstd": 50000}
RGB, CONTIGUOUS, DIFFERENCES, STRAIGHT, INCH = 2, 1, 2, 2, 2
STRIP_BYTES = 1 << 20
# Measured on photographs (docs/formats.md): level 1 takes three tenths of the time of level 6 for files 5 % larger. Of
# 16 bits, whose low bytes are noise, runs alone are looked for: a third of the time, and 1 % smaller.
LEVEL = 1


def write_tiff(
    file: BinaryIO, bands: Iterable[Samples], height: int, notes: Notes, compression: Compression = "deflate"
) -> None:
    """Write bands of rows, uint8 or uint16 [h, W, 3 or 4], as they come, `height` rows in all, from above.

    They are RGB with alpha not multiplied in. The file holds differences along rows, compressed. Raises PictureError
    for a compression whose library is not installed.
    """
    coming = iter(bands)
    first = next(coming)
    _, width, channels = first.shape
    bits = 8 * first.itemsize
    rows = max(1, STRIP_BYTES // first[0].nbytes)
    encode = encoder(compression, first.itemsize)
    counts = [0] * -(-height // rows)
    layout = {
        WIDTH: long(width),
        HEIGHT: long(height),
        BITS: short(*(bits,) * channels),
        COMPRESSION: short(CODES[compression]),
        PHOTOMETRIC: short(RGB),
        SAMPLES: short(channels),
        ROWS: long(rows),
        PLANAR: short(CONTIGUOUS),
        COUNTS: long(*counts),
        OFFSETS: long(*counts),
    }
    if compression != "none":
        layout[PREDICTOR] = short(DIFFERENCES)
    if channels == 4:
        layout[EXTRA] = short(STRAIGHT)
    directory = Directory(_tags(notes) | layout)
    # As long with the right counts and offsets as with these: its place is in front, and it is written last.
    start = len(serialize(directory))
    file.seek(start)
    strips = _strips(itertools.chain([first], coming), rows)
    counts = [file.write(encode(_differences(strip, compression))) for strip in strips]
    directory[COUNTS] = long(*counts)
    directory[OFFSETS] = long(*(start + int(at) for at in np.cumsum([0, *counts[:-1]])))
    file.seek(0)
    file.write(serialize(directory))


def _strips(bands: Iterable[Samples], rows: int) -> Iterator[Samples]:
    """The same in strips of so many rows, of which the last holds what is left."""
    rest: list[Samples] = []
    for band in bands:
        lacking = rows - sum(map(len, rest)) if rest else 0
        if lacking > len(band):
            rest.append(band)
            continue
        if rest:
            yield _joined([*rest, band[:lacking]])
        end = len(band) - (len(band) - lacking) % rows
        for top in range(lacking, end, rows):
            yield band[top : top + rows]
        rest = [band[end:].copy()] if end < len(band) else []  # a copy lets go of the band
    if rest:
        yield _joined(rest)


def _joined(parts: list[Any]) -> Samples:
    return np.asarray(np.concatenate(parts))


def encoder(compression: Compression, sample_bytes: int = 1) -> Callable[[bytes], bytes]:
    """What packs a strip. Raises PictureError where its library is not installed."""
    match compression:
        case "none":
            return bytes
        case "deflate":
            strategy = zlib.Z_RLE if sample_bytes == 2 else zlib.Z_DEFAULT_STRATEGY
            return lambda data: _deflate(data, strategy)
    try:
        import imagecodecs
    except ImportError:
        raise PictureError(
            f"TIFF with {compression} needs a library more: pip install 'gcolor[archive]', or choose deflate or none"
        ) from None
    if compression == "lzw":
        return lambda data: bytes(imagecodecs.lzw_encode(data))
    return lambda data: bytes(imagecodecs.zstd_encode(data, 1))


def _deflate(data: bytes, strategy: int) -> bytes:
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    return stream.compress(data) + stream.flush()


def _differences(pixels: Samples, compression: Compression) -> bytes:
    little = pixels.dtype.newbyteorder("<")
    if compression == "none":
        return pixels.astype(little, copy=False).tobytes()
    differences = np.empty_like(pixels)
    differences[:, 0] = pixels[:, 0]
    np.subtract(pixels[:, 1:], pixels[:, :-1], out=differences[:, 1:])
    return differences.astype(little, copy=False).tobytes()


def _tags(notes: Notes) -> dict[int, Tag | Directory]:
    tags = {tag: value for tag, value in read_tags(notes.exif or b"").items() if tag not in STORAGE}
    if notes.dpi:
        tags |= {X_RESOLUTION: _fraction(notes.dpi[0]), Y_RESOLUTION: _fraction(notes.dpi[1]), UNIT: short(INCH)}
    for tag, data, kind in ((PROFILE, notes.profile, UNDEFINED), (XMP, notes.xmp, BYTE)):
        if data:
            own = notes.types.get(tag, kind)
            tags[tag] = (
                Tag(own, len(data) // SIZES[own], data) if len(data) % SIZES[own] == 0 else Tag(kind, len(data), data)
            )
    return tags


def _fraction(value: float) -> Tag:
    near = Fraction(value).limit_denominator(10_000)
    return Tag(RATIONAL, 1, struct.pack("<II", near.numerator, near.denominator))
