"""Colors by their ICC profile to sRGB, so that what is written can be labeled with what it is."""

from __future__ import annotations

import functools
import io
import itertools

import cv2
import numpy as np
from PIL import Image, ImageCms

from .errors import PictureError, one_line
from .lab import Bytes

ADVICE = "convert the picture to sRGB, or remove the profile if it is the wrong one"


def _make_srgb() -> bytes:
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # The date of its making: the same picture shall give the same bytes on every day.
    data[24:36] = bytes([7, 0xD0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    return bytes(data)


SRGB = _make_srgb()


def to_srgb(image: Image.Image | Bytes, profile: bytes | None) -> tuple[Bytes, bytes | None]:
    """An image in mode L, RGB, CMYK or LAB, or the pixels of one in L or RGB, as uint8 [H, W, 3] in sRGB, a gray one
    mostly as [H, W], and its label.

    Without a profile, grey and RGB are taken for sRGB, and None is the label. Raises PictureError for a profile that
    is damaged or of another kind of picture.
    """
    mode = image.mode if isinstance(image, Image.Image) else "L" if image.ndim == 2 else "RGB"
    if mode == "LAB":
        return _transformed(image, _transform(None, "LAB")), SRGB
    if not profile:
        return _as_stored(image), None
    if mode == "L":
        levels = _grey_levels(profile)
        plane = np.asarray(image)
        return (plane if levels is None else _look_up(plane, levels)), label(profile)
    if mode == "RGB" and is_srgb(profile):
        return _as_stored(image), profile
    return _transformed(image, _transform(profile, mode)), SRGB


def label(profile: bytes) -> bytes:
    """The profile that a picture in sRGB gets, whose file had this one: its own where that means sRGB."""
    return profile if color_space(profile) == "RGB" and is_srgb(profile) else SRGB


@functools.lru_cache(16)
def is_srgb(profile: bytes) -> bool:
    """Whether a profile of RGB means sRGB: by what it does, not by what it calls itself. Raises PictureError."""
    sample = np.array(list(itertools.product(range(0, 256, 17), repeat=3)), np.uint8)[None]
    seen = ImageCms.applyTransform(Image.fromarray(sample), _transform(profile, "RGB"))
    return int(cv2.absdiff(np.asarray(seen), sample).max()) <= 1


def color_space(profile: bytes) -> str:
    """What a profile describes: "GRAY", "RGB", "CMYK"... Raises PictureError."""
    return _open(profile).profile.xcolor_space.strip()


@functools.lru_cache(16)
def _grey_levels(profile: bytes) -> Bytes | None:
    """What becomes of the 256 levels of grey [1, 256, 3], which is all there is to a grey picture's profile.

    None where they stay. Many grey scans carry the profile of an RGB space: grey is R = G = B there.
    """
    ramp = np.arange(256, dtype=np.uint8)[None]
    if color_space(profile) == "RGB":
        image, mode = Image.fromarray(np.repeat(ramp[..., None], 3, axis=2)), "RGB"
    else:
        image, mode = Image.fromarray(ramp), "L"
    levels = np.asarray(ImageCms.applyTransform(image, _transform(profile, mode)))
    return None if int(cv2.absdiff(levels, np.repeat(ramp[..., None], 3, axis=2)).max()) <= 1 else levels


def _open(profile: bytes) -> ImageCms.ImageCmsProfile:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise PictureError(f"its ICC profile is damaged ({one_line(error)}); {ADVICE}") from error


@functools.lru_cache(16)
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform:
    """From a profile, or from LAB, to sRGB: relative colors, black to black, as most viewers do. Safe in threads."""
    source = _open(profile) if profile is not None else ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    try:
        return ImageCms.buildTransform(
            source,
            _open(SRGB),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, ValueError, TypeError) as error:
        raise PictureError(f"its ICC profile is not one of such a picture ({one_line(error)}); {ADVICE}") from error


def _transformed(image: Image.Image | Bytes, transform: ImageCms.ImageCmsTransform) -> Bytes:
    whole = image if isinstance(image, Image.Image) else Image.fromarray(image)
    return np.asarray(ImageCms.applyTransform(whole, transform))


def _as_stored(image: Image.Image | Bytes) -> Bytes:
    if isinstance(image, Image.Image) and image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return np.asarray(image)


def _look_up(plane: Bytes, levels: Bytes) -> Bytes:
    """Levels [1, 256, 3] in place of a plane's bytes: a plane again, where they are gray."""
    if (levels == levels[..., :1]).all():
        return np.asarray(cv2.LUT(plane, levels[0, :, 0]), np.uint8)
    return np.asarray(cv2.LUT(cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB), levels), np.uint8)
