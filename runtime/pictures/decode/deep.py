"""The samples of pictures of 16 bits. Pillow reads grey ones whole and cuts the others to 8: OpenCV reads those."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from ....color.errors import PictureError
from ....color.lab import Bytes, Deep
from ..notes.jp2 import layout
from ..turn import turn
from .kinds import OtherKindError

# What is wrong with a picture is said by us, once.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339
WHITE_IS_ZERO, UNSIGNED = 0, 1
PART = 1 << 20  # samples


def is_deep(image: Image.Image, data: Callable[[], bytes]) -> bool:
    """Whether an opened, not yet loaded, picture has more than 8 bits, of a kind that keeps them."""
    match image.format:
        case "TIFF":
            return max(image.tag_v2.get(BITS_PER_SAMPLE, (1,))) > 8  # type: ignore[attr-defined]
        case "PNG":
            return any("16" in str(tile.args) for tile in image.tile)  # type: ignore[attr-defined]
        case "PPM":
            arguments = image.tile[0].args  # type: ignore[attr-defined]
            return image.mode == "I" or (isinstance(arguments, tuple) and arguments[-1] > 255)
        case "JPEG2000":
            found = layout(data())
            return found is not None and found.bits > 8
    return False


def read_deep(image: Image.Image, data: Callable[[], bytes], turned: int) -> tuple[Deep, Deep | None]:
    """The samples of a loaded deep picture as displayed, uint16 [H, W] (grey) or [H, W, 3], and its alpha.

    data: the file. turned: its EXIF orientation, which is applied. Raises PictureError for samples that have no fixed
    white, and where the two readers do not agree.
    """
    if image.mode == "F" or (image.format == "TIFF" and not _has_white(image)):
        raise OtherKindError("a picture of floating-point or 32-bit samples, which have no fixed white")
    key = image.info.get("transparency")
    if image.mode.startswith("I"):
        # Pillow has turned a TIFF by itself.
        samples: Deep = turn(_grey(image), 1 if image.format == "TIFF" else turned)
        transparent = samples == key
    elif image.mode in ("RGB", "RGBA"):
        samples = _color(image, data, turned)
        if samples.shape[2] == 4:
            return np.ascontiguousarray(samples[..., :3]), np.ascontiguousarray(samples[..., 3])
        transparent = (samples == (key or 0)).all(axis=-1)
    else:
        raise OtherKindError(f"a picture in {image.mode} with 16 bits", save_as="RGB, or with 8 bits")
    return samples, None if key is None else np.where(transparent, 0, 65535).astype(np.uint16)


def to_bytes(deep: Deep) -> Bytes:
    """The same at 8 bits, rounded."""
    return np.asarray(cv2.convertScaleAbs(deep, alpha=255.0 / 65535.0), np.uint8)


def _has_white(image: Image.Image) -> bool:
    tags = image.tag_v2  # type: ignore[attr-defined]
    return max(tags.get(BITS_PER_SAMPLE, (1,))) <= 16 and set(tags.get(SAMPLE_FORMAT, (UNSIGNED,))) == {UNSIGNED}


def _grey(image: Image.Image) -> Deep:
    if image.mode == "I":
        # Netpbm's, brought to 65535 by Pillow.
        return np.clip(np.asarray(image), 0, 65535).astype(np.uint16)
    # Part by part: Pillow hands a picture out by way of two copies of it.
    grey = np.empty((image.height, image.width), np.uint16)
    rows = max(1, PART // image.width)
    for top in range(0, image.height, rows):
        part = image.crop((0, top, image.width, min(top + rows, image.height)))
        grey[top : top + rows] = np.asarray(part)
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        most = (1 << tags.get(BITS_PER_SAMPLE, (16,))[0]) - 1
        if most < 65535:
            grey = np.rint(grey * (65535.0 / most)).astype(np.uint16)
        if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
            grey = 65535 - grey
    return grey


def _color(image: Image.Image, data: Callable[[], bytes], turned: int) -> Deep:
    """OpenCV's samples [H, W, 3 or 4] in RGB as displayed; Pillow's, read strictly, vouch for them."""
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    found = cv2.imdecode(np.frombuffer(data(), np.uint8), flags)
    expected = np.asarray(image)
    if found is None or found.dtype != np.uint16 or found.ndim != 3:
        raise PictureError("its samples of 16 bits are stored in a way that is not read; save it anew, or with 8 bits")
    order = cv2.COLOR_BGR2RGB if found.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    samples = np.asarray(cv2.cvtColor(found, order), np.uint16)
    if image.format != "TIFF":
        expected = turn(np.ascontiguousarray(expected), turned)
    # OpenCV turns TIFFs by some of the orientations.
    for candidate in (samples, turn(samples, turned)):
        if candidate.shape[:2] == expected.shape[:2] and _agree(candidate, expected):
            return candidate
    raise PictureError("its samples of 16 bits cannot be read with certainty; save it anew, or with 8 bits")


def _agree(deep: Deep, reference: Bytes) -> bool:
    channels = min(deep.shape[2], reference.shape[2])
    # Some of Pillow's readers round the high byte, beyond 255 to 0.
    apart = reference[..., :channels] - (deep[..., :channels] >> 8).astype(np.uint8) + np.uint8(1)
    return bool((apart <= 2).all())
