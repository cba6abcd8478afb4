"""What goes with a picture: EXIF, XMP, resolution, captions; read so that it is true of the output, too."""

from __future__ import annotations

import functools
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from .exif import read_exif
from .picture import Notes

XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:=["']|>)\s*)[2-8](?=\s*(?:["']|<))""")


def read_notes(image: Image.Image, path: Path, turned: int, profile: bytes | None) -> Notes:
    """What a loaded picture carries, for an output turned upright from EXIF orientation `turned`.

    profile: the ICC profile of the output. Raises PictureError for EXIF that cannot be written again.
    """
    xmp = image.info.get("xmp")
    comment = image.info.get("comment")
    segments = getattr(image, "applist", [])
    return Notes(
        exif=read_exif(image, turned, profile is not None),
        profile=profile,
        xmp=XMP_ORIENTATION.sub(rb"\g<1>1", xmp) if isinstance(xmp, bytes) else None,
        dpi=_resolution(image, turned),
        text=_text(image),
        comment=comment if isinstance(comment, bytes) and image.format in ("JPEG", "MPO") else None,
        iptc=b"".join(_segment(0xED, data) for marker, data in segments if marker == "APP13"),
        jpeg_tables=_jpeg_tables(image),
        lossless=image.format == "WEBP" and _is_lossless(path),
    )


def _resolution(image: Image.Image, turned: int) -> tuple[float, float] | None:
    """Pixels per inch across and down; Pillow says 1 where a file has none."""
    found = image.info.get("dpi")
    if not isinstance(found, tuple) or len(found) != 2:
        return None
    across, down = float(found[0]), float(found[1])
    if not (1 < across < 1e6 and 1 < down < 1e6):
        return None
    return (down, across) if turned >= 5 else (across, down)


def _text(image: Image.Image) -> dict[str, str]:
    """A PNG's text chunks, without those that hold EXIF, XMP or a profile of another program."""
    found = getattr(image, "text", {}) if image.format == "PNG" else {}
    return {
        key: str(value)
        for key, value in found.items()
        if not key.lower().startswith(("raw profile type", "xml:com.adobe.xmp"))
    }


def _is_lossless(webp: Path) -> bool:
    """Whether the first pixels in a sound WebP file are of its lossless kind."""
    with webp.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            if head[:4] in (b"VP8 ", b"VP8L"):
                return head[:4] == b"VP8L"
            size = int.from_bytes(head[4:], "little")
            file.seek(size + size % 2, 1)
    return False


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data


def _jpeg_tables(image: Image.Image) -> tuple[tuple[int, ...], ...]:
    """The quantisation tables of a JPEG for lightness and chroma; a grey one's chroma is of the same quality."""
    tables = [tuple(table) for _, table in sorted(getattr(image, "quantization", {}).items())]
    if len(tables) != 1:
        return tuple(tables[:2])
    apart = [np.abs(np.subtract(tables[0], lightness)).sum() for lightness, _ in _standard_tables()]
    return tables[0], _standard_tables()[int(np.argmin(apart))][1]


@functools.cache
def _standard_tables() -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The tables for lightness and chroma of each quality from 1 to 100, as libjpeg makes them."""
    found = []
    for quality in range(1, 101):
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
        with Image.open(file) as image:
            tables = image.quantization  # type: ignore[attr-defined]
            found.append((tuple(tables[0]), tuple(tables[1])))
    return found
