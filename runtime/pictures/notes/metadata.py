"""What goes with a picture: EXIF, XMP, resolution, captions; read so that it is true of the output, too."""

from __future__ import annotations

import functools
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....color.errors import one_line
from ..decode import raw
from ..decode.source import Source
from ..decode.tiff_pages import Page
from ..picture import Notes
from .exif import STORAGE, exif_of_tags, read_exif
from .jp2 import read_notes as read_boxes
from .png_notes import RAW, raw_profile
from .resources import true_segments
from .tags import PROFILE, XMP, Directory, Tag, fits_classic
from .xmp import make_both_true, make_true

# A PNG's texts that hold what has a place of its own.
TAKEN = (
    "raw profile type exif",
    "raw profile type xmp",
    "raw profile type icc",
    "raw profile type icm",
    "xml:com.adobe.xmp",
)


def read_notes(source: Source, turned: int, profile: bytes | None) -> Notes:
    """What a picture carries, for an output turned upright from EXIF orientation `turned`.

    profile: the ICC profile of the output. What cannot be read or written again is left out, with a warning.
    """
    if source.page is not None:
        return _of_tiff(source, source.page, turned, profile)
    jpeg, image = source.jpeg, source.image
    info = image.info if image is not None else {}
    xmp, boxes = info.get("xmp"), b""
    exif = info.get("exif")
    text: dict[str, str] = {}
    packed: dict[str, str] = {}
    if jpeg is not None:
        xmp, exif = jpeg.xmp, exif or jpeg.exif
    elif source.kind == "JPEG2000":
        xmp, boxes = read_boxes(source.data())
    elif source.kind == "PNG" and image is not None:
        text, packed, hidden = _text(image, source.warnings)
        xmp = xmp or hidden.get("xmp")
        exif = exif or hidden.get("exif")
    elif source.kind == "RAW":
        exif, xmp = _of_raw(source)
    if isinstance(xmp, str):
        xmp = xmp.encode()
    swapped, converted = turned >= 5, profile is not None
    extended = jpeg.extended if jpeg is not None else b""
    if not isinstance(xmp, bytes):
        xmp = None
    elif extended:
        xmp, extended = make_both_true(xmp, extended, swapped, converted)
    else:
        xmp = make_true(xmp, swapped, converted)
    return Notes(
        exif=_true_exif(source, exif if isinstance(exif, bytes) else None, turned, converted),
        profile=profile,
        xmp=xmp,
        extended_xmp=extended,
        dpi=_resolution(image, turned) if image is not None else None,
        text=text,
        packed_text=packed,
        segments=true_segments(jpeg.kept, converted) if jpeg is not None else b"",
        boxes=boxes,
        jpeg_tables=_jpeg_tables(image) if image is not None else (),
        lossless=source.kind == "WEBP" and _is_lossless(source.path),
    )


def _of_raw(source: Source) -> tuple[bytes | None, bytes | None]:
    try:
        return raw.read_notes(source.file)
    except ValueError:
        source.warnings.append("its notes are not read, since it is a raw file that is not built as a TIFF")
        return None, None


def _of_tiff(source: Source, page: Page, turned: int, profile: bytes | None) -> Notes:
    kept = Directory()
    for number, value in page.tags.items():
        if fits_classic(value):
            kept[number] = value
        else:
            source.warnings.append(f"its tag {number} is too large for an ordinary TIFF and is left out")
    if lost := [number for number in page.broken if number not in STORAGE]:
        source.warnings.append(f"its tags {', '.join(map(str, lost))} lead out of the file and are left out")
    xmp = page.tags.raw(XMP)
    types = {n: tag.type for n in (XMP, PROFILE) if isinstance(tag := page.tags.get(n), Tag)}
    return Notes(
        exif=exif_of_tags(kept, turned, profile is not None),
        profile=profile,
        xmp=make_true(xmp, turned >= 5, profile is not None) if xmp else None,
        dpi=_tiff_resolution(page.tags, turned),
        types=types,
    )


def _true_exif(source: Source, exif: bytes | None, turned: int, converted: bool) -> bytes | None:
    try:
        return read_exif(exif, turned, converted)
    except Exception as error:  # Pillow lets whatever its parts raise through
        source.warnings.append(f"its EXIF is damaged and is left out ({one_line(error)})")
        return None


def _tiff_resolution(tags: Directory, turned: int) -> tuple[float, float] | None:
    unit = {2: 1.0, 3: 2.54}.get(tags.first(296, 2))
    across, down = (tags.all(number) for number in (282, 283))
    if unit is None or len(across) != 2 or len(down) != 2 or not across[1] or not down[1]:
        return None
    return _sound(unit * across[0] / across[1], unit * down[0] / down[1], turned)


def _resolution(image: Image.Image, turned: int) -> tuple[float, float] | None:
    """Pixels per inch across and down; Pillow says 1 where a file has none."""
    found = image.info.get("dpi")
    if not isinstance(found, tuple) or len(found) != 2:
        return None
    return _sound(float(found[0]), float(found[1]), turned)


def _sound(across: float, down: float, turned: int) -> tuple[float, float] | None:
    if not (1 < across < 1e6 and 1 < down < 1e6):
        return None
    return (down, across) if turned >= 5 else (across, down)


def _text(image: Image.Image, warnings: list[str]) -> tuple[dict[str, str], dict[str, str], dict[str, bytes]]:
    """A PNG's text: what goes through as it is, other programs' profiles, and the EXIF and XMP among these."""
    plain: dict[str, str] = {}
    packed: dict[str, str] = {}
    hidden: dict[str, bytes] = {}
    for key, value in getattr(image, "text", {}).items():
        name = key.lower()
        if name.startswith(RAW) and name[len(RAW) :] in ("exif", "xmp"):
            try:
                hidden[name[len(RAW) :]] = raw_profile(value)
            except ValueError as error:
                warnings.append(f"its note {key!r} cannot be read and is left out ({one_line(error)})")
        if name in TAKEN:
            continue
        (packed if name.startswith(RAW) else plain)[key] = str(value)
    return plain, packed, hidden


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


def _jpeg_tables(image: Image.Image) -> tuple[tuple[int, ...], ...]:
    """The quantization tables of a JPEG for lightness and chroma; a grey one's chroma is of the same quality."""
    tables = [tuple(table) for _, table in sorted(getattr(image, "quantization", {}).items())]
    if len(tables) != 1:
        return tuple(tables[:2])
    light, color = _standard_tables()
    nearest = int(np.abs(light - np.array(tables[0])).sum(axis=1).argmin())
    return tables[0], tuple(color[nearest].tolist())


@functools.cache
def _standard_tables() -> NDArray[np.int64]:
    """The tables for lightness and for chroma of each quality from 1 to 100, [2, 100, 64], as libjpeg makes them.

    Those of quality 50 are the standard's own; the others are so many percent of them.
    """
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=50)
    with Image.open(file) as image:
        tables = image.quantization  # type: ignore[attr-defined]
        own = np.array([tables[0], tables[1]])
    quality = np.arange(1, 101)
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    return ((own[:, None] * percent[:, None] + 50) // 100).clip(1, 255)
