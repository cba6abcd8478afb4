"""Which picture files are read and written, and what their names end in."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..color.errors import PictureError
from ..color.walk import walk
from .others import RAW

Compression = Literal["none", "lzw", "deflate", "zstd"]
"""How a TIFF is written."""

MAX_PIXELS = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format by Pillow's name, and what a colored picture keeps in it."""

    name: str
    suffixes: tuple[str, ...]
    alpha: bool = True
    deep: bool = False
    """Keeps 16 bits."""
    bands: bool = False
    """Is written band after band, so that a colored picture need not be in memory whole."""
    needs: str = ""
    """What to install where Pillow does not have it."""
    output: str = ""
    """What the output's name is given behind its own ending, where that format holds no picture in true color or
    cannot be written."""


# Only these are decoded, whatever a file is called: some of Pillow's other readers run programs, or were written for
# files that nobody sends with bad intent.
FORMATS = (
    Format(name="JPEG", suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"), alpha=False),
    Format(name="PNG", suffixes=(".png",), deep=True),
    Format(name="TIFF", suffixes=(".tif", ".tiff"), deep=True, bands=True),
    Format(name="WEBP", suffixes=(".webp",)),
    Format(name="BMP", suffixes=(".bmp", ".dib")),
    Format(name="AVIF", suffixes=(".avif",), needs="pip install 'pillow>=11.3'"),
    Format(name="HEIF", suffixes=(".heic", ".heif"), needs="pip install 'gcolor[heif]'"),
    Format(name="JPEG2000", suffixes=(".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"), deep=True),
    Format(name="PPM", suffixes=(".ppm", ".pnm"), alpha=False, deep=True),
    Format(name="PPM", suffixes=(".pgm", ".pbm"), output=".ppm"),
    Format(name="TGA", suffixes=(".tga",)),
    Format(name="GIF", suffixes=(".gif",), output=".png"),
    Format(name="PSD", suffixes=(".psd",), output=".png"),
)
RAW_FILES = Format(name="RAW", suffixes=tuple(RAW.endings.split()), output=".tif")
# By ending, what is here and what is not: a picture that cannot be read is said, not passed over.
SUFFIXES = {suffix: kind for kind in FORMATS for suffix in kind.suffixes}
if importlib.util.find_spec("rawpy"):  # of raw files only what can be read: they lie beside their JPEGs
    SUFFIXES |= dict.fromkeys(RAW_FILES.suffixes, RAW_FILES)


def find_pictures(folder: Path) -> list[Path]:
    """All files below a folder that are named like pictures, sorted; see `walk`."""
    return sorted(Path(entry.path) for _, entry in walk(folder, SUFFIXES))


def output_name(name: str) -> str:
    """What a picture's output is called: as the picture, with an ending more where its format holds no true color."""
    kind = SUFFIXES.get(os.path.splitext(name)[1].lower())
    return name + kind.output if kind else name


def format_of(path: Path) -> Format:
    """The format that a name's ending asks for. Raises PictureError where it is none that is written."""
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None or kind.output:
        endings = " ".join(sorted(suffix for suffix, kind in SUFFIXES.items() if not kind.output))
        raise PictureError(f"a name that ends in {path.suffix!r} says no format to write; use one of {endings}")
    return kind


def missing(kind: Format) -> str:
    """The sentence for a format that Pillow does not have here."""
    return f"this Pillow has no {kind.name}; {kind.needs or 'install the Pillow that PyPI has'}"
