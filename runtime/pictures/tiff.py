"""TIFF files in colour, of 8 or 16 bits, with all of their tags; Pillow writes no 16 bits and, deflated, no EXIF."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from PIL.TiffTags import BYTE, LONG, TAGS_V2_GROUPS, UNDEFINED

from ...color.lab import Samples
from .exif import without_storage
from .picture import Notes

# Tags of TIFF 6.0, and their values here.
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS = 256, 257, 258, 259, 262, 273
SAMPLES, ROWS, COUNTS, PLANAR, PREDICTOR, EXTRA, XMP, PROFILE = 277, 278, 279, 284, 317, 338, 700, 34675
X_RESOLUTION, Y_RESOLUTION, UNIT = 282, 283, 296
DEFLATE, RGB, CONTIGUOUS, DIFFERENCES, STRAIGHT, INCH = 8, 2, 1, 2, 2, 2
STRIP_BYTES = 1 << 20


def tiff(pixels: Samples, notes: Notes) -> bytes:
    """A file of uint8 or uint16 [H, W, 3 or 4], RGB with alpha not multiplied in: deflated differences along rows."""
    height, width, channels = pixels.shape
    rows = max(1, STRIP_BYTES // pixels[0].nbytes)
    strips = [_strip(pixels[top : top + rows]) for top in range(0, height, rows)]
    directory = ImageFileDirectory_v2(b"II\x2a\0\0\0\0\0")
    directory.tagtype |= {OFFSETS: LONG, COUNTS: LONG, XMP: BYTE, PROFILE: UNDEFINED}
    counts = [len(strip) for strip in strips]
    layout = {
        WIDTH: width,
        HEIGHT: height,
        BITS: (8 * pixels.itemsize,) * channels,
        COMPRESSION: DEFLATE,
        PHOTOMETRIC: RGB,
        SAMPLES: channels,
        ROWS: rows,
        PLANAR: CONTIGUOUS,
        PREDICTOR: DIFFERENCES,
        COUNTS: tuple(counts),
        # From the end of the directory: Pillow adds where that is.
        OFFSETS: tuple(int(start) for start in np.cumsum([0, *counts[:-1]])),
    }
    if channels == 4:
        layout[EXTRA] = STRAIGHT
    for tag, value in (_tags(notes) | layout).items():
        directory[tag] = value
    file = io.BytesIO()
    directory.save(file)
    file.writelines(strips)
    return file.getvalue()


def _strip(pixels: Samples) -> bytes:
    differences = np.concatenate([pixels[:, :1], np.diff(pixels, axis=1)], axis=1)
    return zlib.compress(differences.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes(), 6)


def _tags(notes: Notes) -> dict[int, Any]:
    exif = without_storage(notes.exif or b"")
    tags = {tag: exif.get_ifd(tag) if tag in TAGS_V2_GROUPS else value for tag, value in exif.items()}
    if notes.dpi:
        tags |= {UNIT: INCH, X_RESOLUTION: notes.dpi[0], Y_RESOLUTION: notes.dpi[1]}
    if notes.profile:
        tags[PROFILE] = notes.profile
    if notes.xmp:
        tags[XMP] = notes.xmp
    return tags
