"""A picture in memory, with what its file says about it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...color.lab import Bytes, Samples

Deep = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What a picture's file carries besides its pixels, as the output shall have it."""

    exif: bytes | None = None
    """Without the orientation, which is applied to the pixels."""
    profile: bytes | None = None
    """The ICC profile of the pixels as they are in memory: sRGB, or None where the file named none."""
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    text: dict[str, str] = field(default_factory=dict)
    """PNG's text chunks."""
    comment: bytes | None = None
    iptc: bytes = b""
    """JPEG's APP13 segments, markers included: captions and keywords of press archives."""
    jpeg_tables: tuple[tuple[int, ...], ...] = ()
    """The quantisation of a JPEG: for lightness and for chroma."""
    lossless: bool = False
    """It came from a WebP that loses nothing."""


@dataclass(slots=True)
class Picture:
    """rgb uint8 [H, W, 3] in sRGB as displayed (EXIF rotation applied), and alpha [H, W] or None.

    deep: the samples of a picture of 16 bits, uint16 [H, W] (grey) or [H, W, 3] in sRGB; rgb holds the same at 8 bits,
    alpha is uint16 then, else uint8.
    """

    rgb: Bytes
    alpha: Samples | None = None
    notes: Notes | None = None
    deep: Deep | None = None
