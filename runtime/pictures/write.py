"""Pictures to files, whole or not at all, with the notes that their formats hold."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from PIL import Image

from ...color.errors import PictureError, one_line
from ...color.lab import Bytes, Samples
from ..files import replace_file
from ..formats import Compression, Format, format_of, missing
from .encode_deep import encode_deep
from .notes.jp2 import codestream, with_notes
from .notes.xmp import with_format
from .options import CODESTREAMS, not_kept, save_options
from .picture import Notes, Picture
from .plugins import can_write
from .tiff import write_tiff


def write_picture(
    path: Path, picture: Picture, quality: int | None = None, compression: Compression = "deflate"
) -> list[str]:
    """Write like `save_picture`, under a temporary name in the same folder, then renamed over the file."""
    lost: list[str] = []
    try:
        replace_file(path, lambda temporary: lost.extend(save_picture(temporary, picture, quality, compression)))
    except OSError as error:
        raise PictureError(f"cannot be written ({error.strerror})") from error
    return lost


def save_picture(
    path: Path, picture: Picture, quality: int | None = None, compression: Compression = "deflate"
) -> list[str]:
    """Write a file in the format of its name's ending; what an error leaves of it is no picture.

    quality: of JPEG, WebP, AVIF and HEIF, 1..100; None is a JPEG's own, nothing lost of a lossless WebP, else 92.
    Chroma keeps its full resolution (4:4:4), which only lossy WebP has not. compression: of TIFF. Returns which of its
    notes the format does not keep, in words. Raises PictureError, also where the format would lose alpha or 16 bits.
    """
    kind = format_of(path)
    if not can_write(kind.name):
        raise PictureError(missing(kind))
    if picture.alpha is not None and not kind.alpha and picture.alpha.min() == np.iinfo(picture.alpha.dtype).max:
        picture = replace(picture, alpha=None)  # opaque everywhere: nothing is lost
    if picture.alpha is not None and not kind.alpha:
        raise PictureError(f"it has an alpha channel, which {kind.name} does not keep; give it a name in .png or .tif")
    if picture.deep is not None and not kind.deep:
        raise PictureError(f"it has 16 bits, which {kind.name} does not keep; give it a name in .png or .tif")
    if picture.bands is not None and not kind.bands:
        raise ValueError(f"{kind.name} is not written in bands")
    try:
        with path.open("wb") as file:
            _write(file, kind, path.suffix.lower(), picture, quality, compression)
    except PictureError:
        raise
    except Exception as error:  # Pillow's writers and OpenCV raise many kinds
        raise PictureError(f"cannot be written ({getattr(error, 'strerror', None) or one_line(error)})") from error
    return not_kept(kind.name, path.suffix.lower(), picture.notes) if picture.notes else []


class _Sink:
    """A file that is written to and nothing else: Pillow's encoders do not say why a disk refuses, unlike this."""

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write


def _write(
    file: BinaryIO, kind: Format, suffix: str, picture: Picture, quality: int | None, compression: Compression
) -> None:
    notes = picture.notes or Notes()
    if notes.xmp:
        notes = replace(notes, xmp=with_format(notes.xmp, Image.MIME.get(kind.name, f"image/{kind.name.lower()}")))
    if kind.name == "TIFF":
        write_tiff(file, _bands(picture), len(picture.pixels), notes, compression)
        return
    if kind.name == "JPEG2000":
        whole = _jpeg2000(picture)
        file.write(codestream(whole) if suffix in CODESTREAMS else with_notes(whole, notes.xmp, notes.boxes))
    elif picture.deep is not None:
        file.writelines(encode_deep(kind.name, _with_alpha(picture.deep, picture.alpha), notes))
    elif picture.alpha is not None and kind.name == "BMP":
        # Pillow writes alpha into BMPs, but not that it is there.
        bgra = cv2.cvtColor(_with_alpha(picture.rgb, picture.alpha), cv2.COLOR_RGBA2BGRA)
        file.write(cv2.imencode(".bmp", bgra)[1].tobytes())
    else:
        jpeg = kind.name == "JPEG"
        image = _four_bytes(picture.rgb) if jpeg else Image.fromarray(_with_alpha(picture.rgb, picture.alpha))
        options = save_options(kind.name, notes, quality, picture.alpha is not None)
        image.save(_Sink(file), kind.name, **options)  # type: ignore[arg-type]


def _bands(picture: Picture) -> Iterator[Samples]:
    """The picture's pixels with its alpha, [h, W, 3 or 4], one below the other."""
    bands = picture.bands
    if bands is None:
        bands = [picture.rgb if picture.deep is None else picture.deep]
    top = 0
    for band in bands:
        yield _with_alpha(band, None if picture.alpha is None else picture.alpha[top : top + len(band)])
        top += len(band)


def _jpeg2000(picture: Picture) -> bytes:
    if picture.deep is not None:
        return b"".join(encode_deep("JPEG2000", _with_alpha(picture.deep, picture.alpha), Notes()))
    data = io.BytesIO()
    Image.fromarray(_with_alpha(picture.rgb, picture.alpha)).save(data, "JPEG2000")
    return data.getvalue()


def _four_bytes(rgb: Bytes) -> Image.Image:
    """An image that lies in memory as JPEG's writer takes it: a fifth of its time is saved."""
    height, width = rgb.shape[:2]
    base: Any = rgb.base
    padded = isinstance(base, np.ndarray) and base.shape == (height, width, 4) and base.flags.c_contiguous
    if not padded or base.ctypes.data != rgb.ctypes.data or base.dtype != np.uint8:
        base = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    return Image.frombuffer("RGBX", (width, height), base, "raw", "RGBX", 0, 1)


def _with_alpha(rgb: Samples, alpha: Samples | None) -> Any:
    return rgb if alpha is None else np.dstack([rgb, alpha]).astype(rgb.dtype, copy=False)
