"""The options of each format's writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .decode.jpeg import MOST_XMP, extended_segments
from .notes.xmp import split, without_padding
from .picture import Notes

if TYPE_CHECKING:
    from PIL.PngImagePlugin import PngInfo

QUALITY = 92
# Of AVIF and HEIF, the one at which alpha stays exact.
LOSSLESS_AVIF, LOSSLESS_HEIF = 100, -1
# Of x265. Its own default takes eight times as long at quality 92, for files that are a fifth smaller and 2 dB worse.
HEIF_PRESET = "ultrafast"
# Endings of JPEG 2000 without a container, which has no place for notes.
CODESTREAMS = (".j2k", ".j2c", ".jpc")
# What each format has a place for, of all that a picture may carry.
KEPT = {
    "JPEG": {"EXIF", "XMP", "IPTC captions and comments", "resolution", "color profile"},
    "PNG": {"EXIF", "XMP", "text", "resolution", "color profile"},
    "TIFF": {"EXIF", "XMP", "resolution", "color profile"},
    "WEBP": {"EXIF", "XMP", "color profile"},
    "AVIF": {"EXIF", "XMP", "color profile"},
    "HEIF": {"EXIF", "XMP", "color profile"},
    "JPEG2000": {"XMP", "JPEG 2000's EXIF and captions"},
    "BMP": {"resolution"},
}
# Formats whose outputs say in their XMP where their colors come from.
HOLD_XMP = {name for name, notes in KEPT.items() if "XMP" in notes}


def not_kept(format_name: str, suffix: str, notes: Notes) -> list[str]:
    """What a picture carries and its output's format has no place for, in words. Resolution is not worth a word."""
    kept = set() if suffix in CODESTREAMS else KEPT.get(format_name, set())
    carried = {
        "EXIF": notes.exif,
        "XMP": notes.xmp,
        "IPTC captions and comments": notes.segments,
        "text": notes.text or notes.packed_text,
        "JPEG 2000's EXIF and captions": notes.boxes,
        # Without one it is taken for sRGB, which it is.
        "color profile": None,
    }
    lost = [name for name, value in carried.items() if value and name not in kept]
    if notes.extended_xmp and format_name != "JPEG":
        lost.append("the second part of its XMP")
    return lost


def save_options(format_name: str, notes: Notes, quality: int | None = None, alpha: bool = False) -> dict[str, Any]:
    """Options for Pillow's `save`: quality (see `write_picture`), and those of the notes that the format holds.

    alpha: whether the picture has an alpha channel.
    """
    given: dict[str, Any] = {"exif": notes.exif, "icc_profile": notes.profile, "xmp": notes.xmp, "dpi": notes.dpi}
    match format_name:
        case "JPEG":
            xmp, extended = fit_xmp(notes.xmp, notes.extended_xmp)
            options = _jpeg(notes, quality) | given | {"xmp": xmp, "extra": (notes.segments + extended) or None}
        case "PNG":
            options = {"compress_level": 3, "pnginfo": _png_text(notes), **given, "xmp": None}
        case "WEBP":
            # Without "exact" the colors below full transparency are lost.
            options = {"quality": quality or QUALITY, "lossless": notes.lossless and not quality, "exact": True} | given
        case "AVIF":
            # One thread: several pictures are in work, and the bytes shall not depend on the machine.
            options = {"quality": LOSSLESS_AVIF if alpha else quality or QUALITY, "subsampling": "4:4:4"} | given
            options |= {"max_threads": 1}
        case "HEIF":
            options = {"quality": LOSSLESS_HEIF if alpha else quality or QUALITY, "chroma": 444} | given
            options |= {"enc_params": {"preset": HEIF_PRESET}}
        case "BMP":
            options = {"dpi": notes.dpi}
        case _:
            options = {}
    return {key: value for key, value in options.items() if value is not None}


def fit_xmp(xmp: bytes | None, extended: bytes) -> tuple[bytes | None, bytes]:
    """XMP as a JPEG holds it: one part that fits into a segment, and segments with a second part.

    Raises ValueError where it cannot be split so.
    """
    if xmp and len(xmp) > MOST_XMP:
        xmp = without_padding(xmp)
    if xmp and len(xmp) > MOST_XMP:
        if extended:
            raise ValueError("its XMP is too large for a JPEG")
        xmp, extended = split(xmp)
    return xmp, extended_segments(extended) if extended else b""


def _jpeg(notes: Notes, quality: int | None) -> dict[str, Any]:
    options: dict[str, Any] = {"subsampling": 0}
    if quality is None and notes.jpeg_tables:
        return options | {"qtables": [list(table) for table in notes.jpeg_tables]}
    return options | {"quality": quality or QUALITY}


def _png_text(notes: Notes) -> PngInfo:
    from PIL.PngImagePlugin import PngInfo  # not above: most outputs are no PNG

    info = PngInfo()
    if notes.xmp:
        info.add_itxt("XML:com.adobe.xmp", notes.xmp.decode("utf-8", "replace"))
    for key, value in notes.text.items():
        info.add_text(key, value)
    for key, value in notes.packed_text.items():
        info.add_text(key, value, zip=True)
    return info
