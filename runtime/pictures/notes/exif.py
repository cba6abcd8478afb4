"""EXIF that is true of the output: upright, in sRGB, without the preview; every other byte as it was."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from PIL import ExifTags, Image

from .resources import without_untrue
from .tags import BYTE, RESOURCES, UNDEFINED, Directory, Reader, Tag, serialize

ORIENTATION = ExifTags.Base.Orientation
INNER, INTEROP = ExifTags.IFD.Exif, ExifTags.IFD.Interop
COLOR_SPACE, WIDTH, HEIGHT = 0xA001, 0xA002, 0xA003
SRGB = 1
PREFIX = b"Exif\0\0"
# What a TIFF says of how its own pixels are stored, and what is kept elsewhere: resolution, ICC profile, XMP. Previews
# and layers show the picture without its colors. Pages become files of their own.
STORAGE = (
    {*range(254, 260), *range(262, 267), 273, *range(277, 285), *range(288, 294), 296, 297, 301, *range(317, 326), 330}
    | {*range(332, 335), 336, *range(338, 343), 347, *range(512, 522), *range(529, 533), 700, 34675, 37724}
)  # fmt: skip


def read_exif(raw: bytes | None, turned: int, converted: bool) -> bytes | None:
    """Raw EXIF of a picture whose pixels are turned upright from orientation `turned`; `converted` to sRGB.

    Raises ValueError where it cannot be made true.
    """
    if raw is None:
        return None
    patched = patch(raw, turned >= 5, converted)
    if turned > 1:
        check = Image.Exif()
        check.load(patched)
        if check.get(ORIENTATION, 1) != 1:
            raise ValueError("its orientation cannot be reset")
    return patched


def exif_of_tags(tags: Directory, turned: int, converted: bool) -> bytes | None:
    """A TIFF's own tags as EXIF, without what says how its pixels are stored."""
    kept = Directory({tag: value for tag, value in tags.items() if tag not in STORAGE and tag != ORIENTATION})
    found = kept.get(RESOURCES)
    if isinstance(found, Tag) and found.type in (BYTE, UNDEFINED):
        data = without_untrue(found.data, converted)
        kept[RESOURCES] = Tag(found.type, len(data), data)
    return patch(PREFIX + serialize(kept), turned >= 5, converted) if kept else None


def read_tags(exif: bytes) -> Directory:
    """The tags of raw EXIF; none where it has not the form of EXIF."""
    start = len(PREFIX) if exif.startswith(PREFIX) else 0
    try:
        reader = Reader(io.BytesIO(exif[start:]))
        return reader.directory(reader.first)
    except ValueError:
        return Directory()


def patch(exif: bytes, swapped: bool, converted: bool) -> bytes:
    """Raw EXIF with orientation 1 and no preview, changed in place: offsets, as of maker notes, stay right.

    swapped: width and height change places. converted: the color space becomes sRGB. What has not the form of EXIF
    stays as it is.
    """
    data = bytearray(exif)
    start = len(PREFIX) if exif.startswith(PREFIX) else 0
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[start : start + 2]))
    if order is None:
        return exif
    try:
        (first,) = struct.unpack_from(f"{order}I", data, start + 4)
        outer = dict(_entries(data, order, start + first))
        if ORIENTATION in outer:
            struct.pack_into(f"{order}H", data, outer[ORIENTATION] + 8, 1)
        (count,) = struct.unpack_from(f"{order}H", data, start + first)
        struct.pack_into(f"{order}I", data, start + first + 2 + 12 * count, 0)  # no second directory
        if INNER in outer:
            (offset,) = struct.unpack_from(f"{order}I", data, outer[INNER] + 8)
            _patch_inner(data, order, start, dict(_entries(data, order, start + offset)), swapped, converted)
    except struct.error:
        pass  # a directory that is cut short: what could be found is changed
    return bytes(data)


def _patch_inner(
    data: bytearray, order: str, start: int, inner: dict[int, int], swapped: bool, converted: bool
) -> None:
    if swapped and WIDTH in inner and HEIGHT in inner:
        one, other = (slice(inner[tag] + 2, inner[tag] + 12) for tag in (WIDTH, HEIGHT))
        data[one], data[other] = data[other], data[one]
    if converted and COLOR_SPACE in inner:
        struct.pack_into(f"{order}H", data, inner[COLOR_SPACE] + 8, SRGB)
        if INTEROP in inner:
            (offset,) = struct.unpack_from(f"{order}I", data, inner[INTEROP] + 8)
            index = dict(_entries(data, order, start + offset)).get(1)
            if index is not None and data[index + 8 : index + 12] == b"R03\0":  # Adobe RGB
                data[index + 8 : index + 12] = b"R98\0"


def _entries(data: bytearray, order: str, at: int) -> Iterator[tuple[int, int]]:
    """The tag of each entry of a directory, and where the entry begins."""
    (count,) = struct.unpack_from(f"{order}H", data, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        (tag, *_) = struct.unpack_from(f"{order}HHI4s", data, entry)
        yield tag, entry
