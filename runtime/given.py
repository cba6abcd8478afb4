"""Pictures and hints as programs give them: files, bytes, PIL images, arrays."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL.Image import Image

from ..color.aspect import Size
from ..color.errors import PictureError
from ..color.hint_files import load_hints, parse_picture
from ..color.hint_json import parse_json
from ..color.hints import Hints
from ..color.lab import Bytes

if TYPE_CHECKING:
    GivenPath = str | os.PathLike[str]
    GivenPicture = GivenPath | bytes | Image | Bytes
    """A file, the bytes of one, a PIL image in any mode, or an array: uint8 [H, W, 3] or [H, W]."""
    GivenHints = GivenPath | Sequence[GivenPath] | bytes | Mapping[str, Any] | Image | Bytes | Hints
    """One hint file or several (a painted one and a JSON), the bytes of one, what a JSON holds, a PIL image with alpha,
    an array RGBA uint8 [h, w, 4], or a `Hints` object."""


def to_rgb(given: GivenPicture) -> Bytes:
    """A picture as displayed, uint8 [H, W, 3] in sRGB, or [H, W] where an array is gray. Raises PictureError."""
    if isinstance(given, np.ndarray):
        return _checked(given)
    if isinstance(given, bytes | bytearray | memoryview):
        from .pictures import read_picture

        with tempfile.TemporaryDirectory(prefix="gcolor-") as work:
            path = Path(work, "picture")
            path.write_bytes(given)
            return read_picture(path).rgb
    if isinstance(given, str | os.PathLike):
        from .pictures import read_picture

        try:
            return read_picture(Path(given)).rgb
        except PictureError as error:
            raise PictureError(f"{os.fspath(given)}: {error}") from error
    if isinstance(given, Image):
        return _of_image(given)
    raise PictureError(f"a picture is a path, bytes, a PIL image or an array, this is {type(given).__name__}")


def to_hints(given: GivenHints, size: Size) -> Hints:
    """Hints for a picture of a size (W, H). Raises HintError, PictureError for what is none of these."""
    if isinstance(given, Hints):
        return given
    if isinstance(given, np.ndarray):
        if given.dtype != np.uint8 or given.ndim != 3 or given.shape[2] != 4 or not given.size:
            raise PictureError(f"hints are uint8 [h, w, 4], these are {given.dtype} {list(given.shape)}")
        return Hints(size, given)
    if isinstance(given, Mapping):
        return parse_json(json.dumps(given).encode(), size)
    if isinstance(given, bytes | bytearray | memoryview):
        data = bytes(given)
        is_json = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
        return parse_json(data, size) if is_json else parse_picture(data, size)
    if isinstance(given, str | os.PathLike):
        return load_hints([Path(given)], size)
    if isinstance(given, list | tuple) and all(isinstance(path, str | os.PathLike) for path in given):
        return load_hints([Path(path) for path in given], size)
    if isinstance(given, Image):
        file = io.BytesIO()
        given.save(file, "PNG")
        return parse_picture(file.getvalue(), size)
    what = type(given).__name__
    raise PictureError(
        f"hints are a path or several, bytes, what a JSON holds, a PIL image or an array, these are {what}"
    )


def _checked(array: Bytes) -> Bytes:
    color = array.ndim == 3 and array.shape[2] == 3
    if array.dtype != np.uint8 or not (color or array.ndim == 2) or not array.size:
        raise PictureError(f"a picture is uint8 [H, W, 3] or [H, W], this is {array.dtype} {list(array.shape)}")
    return array


def _of_image(image: Image) -> Bytes:
    from PIL import ImageOps

    from ..color.profile import to_srgb
    from .pictures.decode.deep import to_bytes

    upright = ImageOps.exif_transpose(image)
    if upright.mode == "F":
        raise PictureError("a PIL image of floating-point samples has no fixed white; give an array of uint8")
    if upright.mode.startswith("I"):
        return to_bytes(np.asarray(upright).clip(0, 65535).astype(np.uint16))
    if upright.mode in ("1", "LA", "La"):
        upright = upright.convert("L")
    elif upright.mode not in ("L", "RGB", "CMYK", "LAB"):
        upright = upright.convert("RGB")
    return to_srgb(upright, upright.info.get("icc_profile"))[0]
