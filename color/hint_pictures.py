"""Painted hints: pictures whose alpha says where a hint is, as painting programs save them.

PNG, WebP, TIFF and PSD with alpha, and OpenRaster (what Krita, GIMP and MyPaint share: a zip of PNG layers), of which
the layer called "hints" counts, otherwise the topmost. Colors come by their ICC profile, turned as EXIF says.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin, PsdImagePlugin, TiffImagePlugin, WebPImagePlugin

from .aspect import Size
from .errors import HintError, PictureError, one_line
from .hints import MAX_PIXELS, OPAQUE
from .lab import Bytes
from .png import is_whole, may_lack_rows, with_whole_key
from .profile import to_srgb

MAX_STACK_BYTES = 1 << 20
LAYER = "hints"
SAVE_AS = "save the hints as a PNG with alpha (RGBA)"
TRANSPARENT = "paint on a transparent layer above the photograph and save that layer alone"

_PNG = b"\x89PNG\r\n\x1a\n"


def decode(data: bytes) -> Bytes:
    """A painted picture as RGBA uint8 [H, W, 4] in sRGB.

    Raises `HintError` when it is none of those that are read, too large, damaged, without alpha, or opaque all over.
    """
    try:
        rgba = _layer(data) if data[:4] == b"PK\3\4" else _pixels(data)
    except (HintError, MemoryError):
        raise
    except Exception as error:  # Pillow lets SyntaxError, struct.error, zlib.error and more through
        what = "PNG" if data[:8] == _PNG else "picture"
        raise HintError(f"the {what} is damaged or cut short ({one_line(error)}): save it again") from error
    if rgba.size and rgba[..., 3].min() >= OPAQUE:
        raise HintError(f"every pixel is painted, so every one would be a hint: {TRANSPARENT}")
    return rgba


def warnings_of(rgba: Bytes) -> list[str]:
    """What the painter should know: paint that is too thin to count."""
    alpha = rgba[..., 3]
    if alpha.any() and alpha.max() < OPAQUE:
        share = 100 * int(alpha.max()) / 255
        return [f"painted at {share:.0f} % opacity at most; hints begin at 50.2 %, so nothing counts as a hint"]
    return []


def _pixels(data: bytes) -> Bytes:
    if data[:8] == _PNG and data[12:16] == b"IHDR" and len(data) >= 29:
        # Width and height stand at a fixed place, so that a bomb is refused before anything is decoded.
        _check_size((int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")))
    elif data[:8] == _PNG:
        raise HintError("the PNG is damaged or cut short: save it again")
    # Not Image.open: its own limit warns through process-wide state, and ours is checked here.
    with _opened(data) as image:
        _check_size(image.size)
        mode, has_alpha = image.mode, image.has_transparency_data
        if not has_alpha:
            raise HintError(f"the {image.format} has no alpha ({mode}), so nothing says where the hints are: {SAVE_AS}")
        if data[:8] == _PNG:
            with_whole_key(image, data)
        image.load()
        rgba = image if mode == "RGBA" else image.convert("RGBA")
        if data[:8] == _PNG and may_lack_rows(data, np.asarray(rgba)[-1]) and not is_whole(data):
            raise EOFError("its rows end early")
        profile = image.info.get("icc_profile")
        turned = ImageOps.exif_transpose(rgba)
        return _in_srgb(np.array(turned), profile)


def _opened(data: bytes) -> Image.Image:
    file = io.BytesIO(data)
    if data[:8] == _PNG:
        return PngImagePlugin.PngImageFile(file)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile(file)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return TiffImagePlugin.TiffImageFile(file)
    if data[:4] == b"8BPS":
        return PsdImagePlugin.PsdImageFile(file)
    raise HintError(f"this is no picture of hints that is read (PNG, WebP, TIFF, PSD, OpenRaster): {SAVE_AS}")


def _check_size(size: Size) -> None:
    if not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise HintError(
            f"the picture claims {size[0]} x {size[1]} pixels; 1 to {MAX_PIXELS // 10**6} million are read: "
            "save it smaller, any size of the picture's aspect will do"
        )


def _in_srgb(rgba: Bytes, profile: bytes | None) -> Bytes:
    if profile:
        try:
            rgba[..., :3] = to_srgb(Image.fromarray(np.ascontiguousarray(rgba[..., :3])), profile)[0]
        except PictureError as error:
            raise HintError(str(error)) from error
    return rgba


# --- OpenRaster ---


def _layer(data: bytes) -> Bytes:
    """The layer with the hints, at its place on the canvas."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if "stack.xml" not in archive.namelist():
            raise HintError(f"this zip file is no OpenRaster picture: {SAVE_AS}")
        text = _member(archive, "stack.xml", MAX_STACK_BYTES)
        if b"<!" in text.replace(b"<!--", b""):
            raise HintError("its stack.xml declares entities or a document type: save it again")
        stack = ElementTree.fromstring(text)
        canvas = int(stack.get("w", "0")), int(stack.get("h", "0"))
        _check_size(canvas)
        layers = list(_layers(stack, 0, 0))
        named = [layer for layer in layers if layer[0].strip().lower() == LAYER]
        if not layers:
            raise HintError("the OpenRaster picture has no layer")
        _, source, x, y = (named or layers)[0]
        pixels = _pixels(_member(archive, posixpath.normpath(source), MAX_PIXELS * 4))
    out = np.zeros((canvas[1], canvas[0], 4), np.uint8)
    top, left = max(0, y), max(0, x)
    part = pixels[top - y : canvas[1] - y, left - x : canvas[0] - x]
    out[top : top + part.shape[0], left : left + part.shape[1]] = part
    return out


def _layers(stack: ElementTree.Element, x: int, y: int) -> Iterator[tuple[str, str, int, int]]:
    """Name, file and place of each layer, the topmost first."""
    for item in stack:
        at = x + int(item.get("x", "0")), y + int(item.get("y", "0"))
        if item.tag == "layer" and item.get("src", "").lower().endswith(".png"):
            yield item.get("name", ""), item.get("src", ""), *at
        elif item.tag == "stack":
            yield from _layers(item, *at)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    with archive.open(name) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise HintError(f"{name} in it is larger than {limit >> 20} MB")
    return data
