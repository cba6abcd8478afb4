"""What libtiff itself says of a TIFF's pixels. Pillow decodes by it and passes none of its words on.

The same library is asked once more, for the kinds of compression whose damage it paints over (fax codes and JPEG) and
for the reason where Pillow has failed. Each file has handlers of its own, so threads do not meet; stderr stays clean.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import os
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import PIL

HANDLER = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p
)
# What is said of tags, or of the age of a format, says nothing of pixels.
OF_TAGS = re.compile(r"TIFF(ReadDirectory|Fetch|ReadCustomDirectory|ReadEXIF|AdvanceDirectory|\w*Tag)|Directory")
OF_AGE = re.compile(r"Deprecated and troublesome")
MOST = 20


class Said(NamedTuple):
    """errors: pixels could not be decoded. warnings: the decoder went on."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def listen(path: Path, directory: int) -> Said | None:
    """Decode every strip or tile of the directory at an offset; what libtiff says. None where it cannot be asked."""
    library = _library()
    if library is None:
        return None
    errors: list[str] = []
    warnings: list[str] = []
    handlers = [HANDLER(functools.partial(_hear, into)) for into in (errors, warnings)]
    options = library.TIFFOpenOptionsAlloc()
    library.TIFFOpenOptionsSetErrorHandlerExtR(options, handlers[0], None)
    library.TIFFOpenOptionsSetWarningHandlerExtR(options, handlers[1], None)
    try:
        handle = library.TIFFOpenExt(os.fsencode(path), b"r", options)
        if handle:
            try:
                if library.TIFFSetSubDirectory(handle, directory):
                    del errors[:], warnings[:]  # of other directories
                    _decode(library, handle)
            finally:
                library.TIFFClose(handle)
    finally:
        library.TIFFOpenOptionsFree(options)
    return Said(tuple(dict.fromkeys(errors)), tuple(dict.fromkeys(warnings)))


def be_quiet() -> None:
    """Keep Pillow's libtiff from writing to stderr."""
    library = _library()
    if library is not None:
        library.TIFFSetErrorHandler(None)
        library.TIFFSetWarningHandler(None)


def _decode(library: Any, handle: int) -> None:
    tiled = library.TIFFIsTiled(handle)
    count = (library.TIFFNumberOfTiles if tiled else library.TIFFNumberOfStrips)(handle)
    size = (library.TIFFTileSize if tiled else library.TIFFStripSize)(handle)
    if size <= 0:
        return
    read = library.TIFFReadEncodedTile if tiled else library.TIFFReadEncodedStrip
    buffer = ctypes.create_string_buffer(size)
    for number in range(count):
        read(handle, number, buffer, size)


def _hear(into: list[str], tif: int, user: int, module: bytes | None, form: bytes, values: int) -> int:
    text = ctypes.create_string_buffer(500)
    _c_library().vsnprintf(text, len(text), ctypes.c_char_p(form), ctypes.c_void_p(values))
    where = (module or b"").decode("utf-8", "replace")
    said = " ".join(text.value.decode("utf-8", "replace").split()).rstrip(".")
    if len(into) < MOST and not OF_TAGS.match(where) and not OF_AGE.match(said):
        into.append(said)
    return 1  # said; nobody else is to hear it


@functools.cache
def _c_library() -> Any:
    return ctypes.CDLL(None)


@functools.cache
def _library() -> Any:
    """The libtiff that Pillow brings, or the system's that it uses; None where there is none, or an old one."""
    if sys.platform == "win32":
        return None  # it lies inside of Pillow there, and cannot be called
    package = Path(PIL.__file__).parent
    bundled = [*package.parent.glob("[Pp]illow.libs/libtiff*"), *package.glob(".dylibs/libtiff*")]
    found = str(bundled[0]) if bundled else ctypes.util.find_library("tiff")
    try:
        library: Any = ctypes.CDLL(found) if found else None
        if library is None:
            return None
        pointer, number = ctypes.c_void_p, ctypes.c_uint32
        signatures: dict[str, tuple[Any, list[Any]]] = {
            "TIFFOpenOptionsAlloc": (pointer, []),
            "TIFFOpenOptionsFree": (None, [pointer]),
            "TIFFOpenOptionsSetErrorHandlerExtR": (None, [pointer, HANDLER, pointer]),
            "TIFFOpenOptionsSetWarningHandlerExtR": (None, [pointer, HANDLER, pointer]),
            "TIFFOpenExt": (pointer, [ctypes.c_char_p, ctypes.c_char_p, pointer]),
            "TIFFSetSubDirectory": (ctypes.c_int, [pointer, ctypes.c_uint64]),
            "TIFFClose": (None, [pointer]),
            "TIFFIsTiled": (ctypes.c_int, [pointer]),
            "TIFFNumberOfTiles": (number, [pointer]),
            "TIFFNumberOfStrips": (number, [pointer]),
            "TIFFTileSize": (ctypes.c_ssize_t, [pointer]),
            "TIFFStripSize": (ctypes.c_ssize_t, [pointer]),
            "TIFFReadEncodedTile": (ctypes.c_ssize_t, [pointer, number, pointer, ctypes.c_ssize_t]),
            "TIFFReadEncodedStrip": (ctypes.c_ssize_t, [pointer, number, pointer, ctypes.c_ssize_t]),
            "TIFFSetErrorHandler": (pointer, [pointer]),
            "TIFFSetWarningHandler": (pointer, [pointer]),
        }
        for name, (result, arguments) in signatures.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    return library
