"""EXIF that is true of the output: upright, in sRGB, without the preview; every other byte as it was."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import ExifTags, Image

from ...color.errors import PictureError, one_line

ORIENTATION = ExifTags.Base.Orientation
INNER, INTEROP = ExifTags.IFD.Exif, ExifTags.IFD.Interop
COLOR_SPACE, WIDTH, HEIGHT = 0xA001, 0xA002, 0xA003
SRGB = 1
PREFIX = b"Exif\0\0"
# What a TIFF says of how its own pixels are stored, and what is kept elsewhere: resolution, ICC profile, XMP. Previews
# and layers show the picture without its colours.
STORAGE = (
    {*range(254, 260), *range(262, 267), 273, *range(277, 285), *range(288, 294), 296, 297, 301, *range(317, 326), 330}
    | {*range(332, 335), 336, *range(338, 343), 347, *range(512, 522), *range(529, 533), 700, 34377, 34675, 37724}
)  # fmt: skip


def read_exif(image: Image.Image, turned: int, converted: bool) -> bytes | None:
    """The EXIF of a loaded image whose pixels are turned upright from orientation `turned`; `converted` to sRGB.

    Raises PictureError where it cannot be made true.
    """
    raw = image.info.get("exif")
    try:
        if image.format == "TIFF" or not isinstance(raw, bytes):
            return _from_tags(image)
        patched = patch(raw, turned >= 5, converted)
        if turned > 1:
            check = Image.Exif()
            check.load(patched)
            if check.get(ORIENTATION, 1) != 1:
                raise ValueError("its orientation cannot be reset")
        return patched
    except Exception as error:  # Pillow lets whatever its parts raise through
        raise PictureError(f"its EXIF is damaged ({one_line(error)}); repair or remove it") from error


def without_storage(exif: bytes) -> Image.Exif:
    """The EXIF to go into a TIFF, which has its own word on how its pixels are stored."""
    tags = Image.Exif()
    tags.load(exif)
    for tag in STORAGE & set(tags):
        del tags[tag]
    return _keep_letters(tags)


def patch(exif: bytes, swapped: bool, converted: bool) -> bytes:
    """Raw EXIF with orientation 1 and no preview, changed in place: offsets, as of maker notes, stay right.

    swapped: width and height change places. converted: the colour space becomes sRGB. What has not the form of EXIF
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


def _from_tags(image: Image.Image) -> bytes | None:
    """Of a TIFF, whose EXIF is among its own tags, or of text in a PNG."""
    exif = image.getexif()
    for tag in ({ORIENTATION} | STORAGE if image.format == "TIFF" else {ORIENTATION}) & set(exif):
        del exif[tag]
    return _keep_letters(exif).tobytes() if len(exif) else None


def _keep_letters(tags: Image.Exif) -> Image.Exif:
    """Text outside ASCII as the bytes that it was: Pillow reads it as Latin-1 and would write question marks."""
    for directory in (tags, tags.get_ifd(INNER)) if INNER in tags else (tags,):
        for tag, value in list(directory.items()):
            if isinstance(value, str) and not value.isascii():
                directory[tag] = value.encode("latin-1")
    return tags
