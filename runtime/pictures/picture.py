"""A picture in memory, with what its file says about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np

from ...color.lab import Bytes, Deep, Samples


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
    packed_text: dict[str, str] = field(default_factory=dict)
    """Those that another program keeps its profiles of captions in, which are written compressed."""
    segments: bytes = b""
    """JPEG's comments and APP13 segments (captions and keywords of press archives), markers included."""
    extended_xmp: bytes = b""
    """The part of a JPEG's XMP that does not fit into one segment, put together."""
    jpeg_tables: tuple[tuple[int, ...], ...] = ()
    """The quantization of a JPEG: for lightness and for chroma."""
    types: dict[int, int] = field(default_factory=dict)
    """Of a TIFF: the types that its XMP and profile were stored in."""
    boxes: bytes = b""
    """Of JPEG 2000: the boxes that hold XMP, EXIF and captions."""
    lossless: bool = False
    """It came from a WebP that loses nothing."""


@dataclass(slots=True)
class Picture:
    """pixels uint8 [H, W] (gray) or [H, W, 3], in sRGB as displayed (EXIF rotation applied), and alpha [H, W] or None.

    deep: the samples of a picture of 16 bits, uint16 [H, W] (grey) or [H, W, 3] in sRGB; pixels holds the same at 8
    bits, alpha is uint16 then, else uint8. bands: its pixels in color where they are yet to be made, and are written
    as they come: [h, W, 3] of the kind of its samples, from above; once. Then `pixels` and `deep` are what they are
    made of. warnings: what its decoder recovered from, and notes that could not be read.
    """

    pixels: Bytes
    alpha: Samples | None = None
    notes: Notes | None = None
    deep: Deep | None = None
    bands: Iterable[Samples] | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def rgb(self) -> Bytes:
        """The pixels as [H, W, 3], gray ones or not."""
        if self.pixels.ndim == 3:
            return self.pixels
        return np.asarray(cv2.cvtColor(self.pixels, cv2.COLOR_GRAY2RGB), np.uint8)
