"""Color at the lightness of 16-bit samples, quick: what `lab.py` defines, in float32 and by tables.

The tables are spaced by square root, so that dark values, where the curves are steep, have as many entries as bright
ones. `tests/color/test_lab16.py` holds it to `lab.py`: lightness within half a level of 16 bits, before rounding.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .lab import (
    DELTA,
    OFFSET,
    RGB_FROM_XYZ,
    SLOPE,
    WHITE,
    XYZ_FROM_RGB,
    Bytes,
    Deep,
    lab_f,
    linear_to_srgb,
    srgb_to_linear,
)

Floats = NDArray[np.float32]

ENTRIES = 1 << 20
LEAST = np.float32(1e-6)
ONE = np.float32(ENTRIES - 1)
LUMINANCE = XYZ_FROM_RGB[1].astype(np.float32)[None]


def at_lightness(colored: Bytes, samples: Deep) -> Deep:
    """The a and b of sRGB uint8 [H, W, 3] at the lightness of uint16 samples [H, W] (gray) or [H, W, 3]: uint16 sRGB.

    Like `lab_to_rgb16` of a and b of the one and L of the other; a color outside the gamut moves toward gray.
    """
    f = _relative(np.asarray(cv2.LUT(colored, _linear8()), np.float32))
    fy = f[..., 1]
    own = _own_f(samples)
    f[..., 0] += own - fy
    f[..., 2] += own - fy
    f[..., 1] = own
    return _encode(_into_gamut(_transform(_inverse(f), RGB_FROM_XYZ * WHITE)))


def _own_f(samples: Deep) -> Floats:
    """f of the luminance of samples."""
    if samples.ndim == 2:
        return np.take(_gray_f(), samples)
    return _cube_root(cv2.transform(np.take(_linear16(), samples), LUMINANCE))


def _relative(linear: Floats) -> Floats:
    """f of X, Y and Z of linear RGB, each relative to white."""
    return _cube_root(_transform(linear, XYZ_FROM_RGB / WHITE[:, None]))


def _transform(pixels: Floats, matrix: NDArray[np.floating]) -> Floats:
    return np.asarray(cv2.transform(pixels, matrix.astype(np.float32)), np.float32)


def _cube_root(v: Any) -> Floats:
    return np.take(_f_table(), _index(np.asarray(v, np.float32)))


def _index(v: Floats) -> NDArray[np.int32]:
    """The entry of a value in 0..1; float errors beside that are cut off."""
    root: Any = cv2.sqrt(np.maximum(v, np.float32(0)))
    np.minimum(root, np.float32(1), out=root)
    root *= ONE
    return np.asarray(np.rint(root, out=root).astype(np.int32)).reshape(v.shape)


def _inverse(f: Floats) -> Floats:
    """`lab_f_inverse`, in place."""
    dark = f <= np.float32(DELTA)
    cubed = f * f
    cubed *= f
    if dark.any():
        cubed[dark] = (f[dark] - np.float32(OFFSET)) / np.float32(SLOPE)
    return cubed


def _into_gamut(linear: Floats) -> Floats:
    """`into_gamut`, plane by plane."""
    y: Any = np.clip(cv2.transform(linear, LUMINANCE), np.float32(0), np.float32(1))
    red, green, blue = cv2.split(linear)
    above = cv2.subtract(cv2.max(cv2.max(red, green), blue), y)
    below = cv2.subtract(y, cv2.min(cv2.min(red, green), blue))
    keep = np.minimum((1 - y) / np.maximum(above, LEAST), y / np.maximum(below, LEAST))
    keep = np.minimum(keep, np.float32(1))
    gray = y * (1 - keep)
    return np.asarray(cv2.merge([gray + plane * keep for plane in (red, green, blue)]), np.float32)


def _encode(linear: Floats) -> Deep:
    return np.take(_srgb_table(), _index(linear))


def _values() -> NDArray[np.float64]:
    return (np.arange(ENTRIES) / (ENTRIES - 1.0)) ** 2


@cache
def _f_table() -> Floats:
    return lab_f(_values()).astype(np.float32)


@cache
def _srgb_table() -> Deep:
    return np.rint(linear_to_srgb(_values()) * 65535.0).astype(np.uint16)


@cache
def _linear8() -> Floats:
    return srgb_to_linear(np.arange(256) / 255.0).astype(np.float32)


@cache
def _linear16() -> Floats:
    return srgb_to_linear(np.arange(65536) / 65535.0).astype(np.float32)


@cache
def _gray_f() -> Floats:
    return lab_f(srgb_to_linear(np.arange(65536) / 65535.0)).astype(np.float32)
