"""Pictures of rarer kinds, by tifffile and imagecodecs (the extra `archive`)."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from ....color.errors import PictureError, one_line
from ....color.lab import Bytes, Samples
from ..turn import turn
from .kinds import OtherKindError, is_unsupported
from .tiff_pages import ASSOCIATED, EXTRA, WHITE_IS_ZERO, Page, refuse

ALPHA = (1, 2)  # premultiplied, and not


@dataclass(frozen=True)
class Stored:
    """Samples as displayed, uint8 or uint16 [H, W], [H, W, 3] or (CMYK) [H, W, 4], and alpha of their kind.

    warnings: of the decoder.
    """

    samples: Samples
    alpha: Samples | None = None
    warnings: tuple[str, ...] = ()


def is_installed() -> bool:
    return all(importlib.util.find_spec(name) for name in ("tifffile", "imagecodecs"))


def read_tiff(file: BinaryIO, page: Page) -> Stored:
    """The samples of a page that Pillow does not read. Raises OtherKindError, and what its decoders raise."""
    refuse(page)
    kind = page.ways_of_its_own() or "a TIFF of a rare layout"
    if not is_installed():
        raise OtherKindError(kind, "archive")
    import tifffile

    with _said() as warnings, tifffile.TiffFile(file) as tif:
        stored: Any = tif.pages[0]
        _check_segments(stored, tif.filehandle.size)
        try:
            pixels = stored.asarray(maxworkers=1)
        except Exception as error:
            if "compression" in str(error).lower() or "requires" in str(error) or "not supported" in str(error):
                raise OtherKindError(kind) from error
            raise
        samples, alpha = _split(pixels, page, bool(stored.planarconfig == 2 and page.samples > 1))
    turned = page.orientation
    return Stored(turn(samples, turned), None if alpha is None else turn(alpha, turned), tuple(warnings))


def _check_segments(stored: Any, size: int) -> None:
    for at, count in zip(stored.dataoffsets, stored.databytecounts, strict=False):
        if not count or at + count > size:
            raise PictureError("image data is cut short, pixels are missing; replace the file")


def _split(pixels: NDArray[Any], page: Page, planes: bool) -> tuple[Any, Any]:
    """Color and alpha of what is stored, each brought to the whole range of 8 or 16 bits."""
    if planes:
        pixels = np.moveaxis(pixels, 0, -1)
    height, width = pixels.shape[:2]
    pixels = pixels.reshape(height, width, -1)
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise OtherKindError(f"a TIFF of {pixels.dtype} samples")
    bits = max(page.bits)
    most, whole = (1 << bits) - 1, 255 if bits <= 8 else 65535
    if most != whole:
        pixels = np.rint(np.minimum(pixels, most) * (whole / most))
    pixels = pixels.astype(np.uint8 if bits <= 8 else np.uint16)
    colors = page.colors
    if pixels.shape[2] < colors:
        raise OtherKindError("a TIFF of a rare layout")
    extra = page.tags.all(EXTRA)
    samples = np.ascontiguousarray(pixels[..., :colors] if colors > 1 else pixels[..., 0])
    alpha = None
    if pixels.shape[2] > colors and extra[:1] and extra[0] in ALPHA:
        alpha = np.ascontiguousarray(pixels[..., colors])
        if extra[0] == ASSOCIATED:
            samples = _unmultiplied(samples, alpha)
    if page.photometric == WHITE_IS_ZERO:
        samples = (whole - samples).astype(samples.dtype)
    return samples, alpha


def _unmultiplied(samples: Samples, alpha: Samples) -> Samples:
    largest = np.iinfo(samples.dtype).max
    share = (alpha if samples.ndim == 2 else alpha[..., None]).astype(np.float64)
    plain = np.divide(samples * float(largest), share, out=np.zeros(samples.shape), where=share > 0)
    return np.rint(np.minimum(plain, largest)).astype(samples.dtype)


def read_jpeg(data: bytes, kind: str, lossless: str = "") -> Stored:
    """A JPEG of more than 8 bits, without loss or of the LS kind. lossless: imagecodecs' name of its codec."""
    pixels = _decode(lossless or "jpeg8", data, kind)
    return _of_array(pixels, kind)


def read_other(codec: str, data: bytes, kind: str) -> Stored:
    """What a codec of imagecodecs makes of a file: "bmp", "jpeg2k"."""
    return _of_array(_decode(codec, data, kind), kind)


def _decode(codec: str, data: bytes, kind: str) -> NDArray[Any]:
    if not is_installed():
        raise OtherKindError(kind, "archive")
    import imagecodecs

    decode: Callable[[bytes], NDArray[Any]] = getattr(imagecodecs, f"{codec}_decode")
    try:
        return np.asarray(decode(data))
    except Exception as error:
        complaint = one_line(error)
        if is_unsupported(complaint) or "invalid shape" in complaint:
            raise OtherKindError(kind) from error
        raise


def _of_array(pixels: NDArray[Any], kind: str) -> Stored:
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim not in (2, 3):
        raise OtherKindError(kind)
    if pixels.ndim == 3 and pixels.shape[2] not in (1, 2, 3, 4):
        raise OtherKindError(kind)
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return Stored(np.ascontiguousarray(pixels.reshape(pixels.shape[:2])))
    if pixels.shape[2] == 2:
        return Stored(np.ascontiguousarray(pixels[..., 0]), np.ascontiguousarray(pixels[..., 1]))
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    return Stored(np.ascontiguousarray(pixels[..., :3]), alpha)


def to_whole_range(stored: Stored, bits: int) -> Stored:
    """Samples of so many bits brought to 8, rounded."""
    most = (1 << bits) - 1
    return Stored(*(None if v is None else _bytes(v, most) for v in (stored.samples, stored.alpha)))  # type: ignore[arg-type]


def _bytes(samples: Samples, most: int) -> Bytes:
    return np.asarray(cv2.convertScaleAbs(samples, alpha=255.0 / most), np.uint8)


# --- What tifffile says, it says by logging ---

_local = threading.local()


class _Collect(logging.Handler):
    """Keeps what is said in this thread, and lets nothing else out."""

    def emit(self, record: logging.LogRecord) -> None:
        said = getattr(_local, "said", None)
        if said is not None and record.levelno >= logging.WARNING and len(said) < 10:
            said.append(" ".join(record.getMessage().split()))


@contextlib.contextmanager
def _said() -> Iterator[list[str]]:
    """What tifffile warns of in this thread meanwhile."""
    for name in ("tifffile", "imagecodecs"):
        logger = logging.getLogger(name)
        if not any(isinstance(handler, _Collect) for handler in logger.handlers):
            logger.addHandler(_Collect())
            logger.propagate = False
    said: list[str] = []
    _local.said = said
    try:
        yield said
    finally:
        _local.said = None
