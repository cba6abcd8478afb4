"""The options of each format's writer."""

from __future__ import annotations

from typing import Any

from PIL import PngImagePlugin

from .picture import Notes

QUALITY = 92
# Of AVIF and HEIF, the one at which alpha stays exact.
LOSSLESS_AVIF, LOSSLESS_HEIF = 100, -1


def save_options(format_name: str, notes: Notes, quality: int | None = None, alpha: bool = False) -> dict[str, Any]:
    """Options for Pillow's `save`: quality (see `write_picture`), and those of the notes that the format holds.

    alpha: whether the picture has an alpha channel.
    """
    given: dict[str, Any] = {"exif": notes.exif, "icc_profile": notes.profile, "xmp": notes.xmp, "dpi": notes.dpi}
    match format_name:
        case "JPEG":
            options = _jpeg(notes, quality) | given
        case "PNG":
            options = {"compress_level": 3, "pnginfo": _png_text(notes), **given, "xmp": None}
        case "WEBP":
            # Without "exact" the colours below full transparency are lost.
            options = {"quality": quality or QUALITY, "lossless": notes.lossless and not quality, "exact": True} | given
        case "AVIF":
            # One thread: several pictures are in work, and the bytes shall not depend on the machine.
            options = {"quality": LOSSLESS_AVIF if alpha else quality or QUALITY, "subsampling": "4:4:4"} | given
            options |= {"max_threads": 1}
        case "HEIF":
            options = {"quality": LOSSLESS_HEIF if alpha else quality or QUALITY, "chroma": 444} | given
        case "BMP":
            options = {"dpi": notes.dpi}
        case _:
            options = {}
    return {key: value for key, value in options.items() if value is not None}


def _jpeg(notes: Notes, quality: int | None) -> dict[str, Any]:
    options: dict[str, Any] = {"subsampling": 0, "comment": notes.comment, "extra": notes.iptc or None}
    if quality is None and notes.jpeg_tables:
        return options | {"qtables": [list(table) for table in notes.jpeg_tables]}
    return options | {"quality": quality or QUALITY}


def _png_text(notes: Notes) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    if notes.xmp:
        info.add_itxt("XML:com.adobe.xmp", notes.xmp.decode("utf-8", "replace"))
    for key, value in notes.text.items():
        info.add_text(key, value)
    return info
