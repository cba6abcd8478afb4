"""Pillow's readers and writers of our formats, each imported when it is first wanted: starting stays quick."""

from __future__ import annotations

import contextlib
from functools import cache
from importlib import import_module

from PIL import Image

# The module of each format, by Pillow's names; BMP without its file header has a name of its own.
MODULES = {
    "JPEG": "Jpeg",
    "PNG": "Png",
    "TIFF": "Tiff",
    "WEBP": "WebP",
    "BMP": "Bmp",
    "DIB": "Bmp",
    "AVIF": "Avif",
    "JPEG2000": "Jpeg2K",
    "PPM": "Ppm",
    "TGA": "Tga",
    "GIF": "Gif",
    "PSD": "Psd",
}
HEIF = "HEIF"  # by a library of its own


def can_read(name: str) -> bool:
    """Whether Pillow reads a format here."""
    _load(name)
    return name in Image.OPEN


def can_write(name: str) -> bool:
    """Whether Pillow writes a format here."""
    _load(name)
    return name in Image.SAVE


def readers(name: str) -> list[str]:
    """Which formats to try for a file that begins like one of these: it alone, or all where it is "" or not here."""
    if can_read(name):
        return [name]
    return sorted(known for known in {*MODULES, HEIF} if can_read(known))


@cache
def _load(name: str) -> None:
    with contextlib.suppress(ImportError):
        if name == HEIF:
            import_module("pillow_heif").register_heif_opener()
        elif name in MODULES:
            import_module(f"PIL.{MODULES[name]}ImagePlugin")
