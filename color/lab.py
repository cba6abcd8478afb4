"""sRGB <-> CIE LAB (D65, 2 degree observer): the one definition of color, in NumPy.

Formulas: IEC 61966-2-1 (sRGB transfer curve) and CIE 15 (LAB). The same in torch is in `tensors.py`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Bytes = NDArray[np.uint8]
Deep = NDArray[np.uint16]
Samples = Bytes | Deep
LARGEST: dict[object, float] = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}

# Linear sRGB -> XYZ; the second row is luminance Y, whose weights sum to 1.
XYZ_FROM_RGB = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
RGB_FROM_XYZ = np.linalg.inv(XYZ_FROM_RGB)
WHITE = np.array([0.95047, 1.0, 1.08883])

# Below, sRGB's curve is a line.
LINEAR_KNEE = 0.0031308

# CIE f(t): a cube root above EPSILON = DELTA^3, the tangent line below.
DELTA = 6.0 / 29.0
EPSILON = DELTA**3
SLOPE = 1.0 / (3.0 * DELTA**2)
OFFSET = 4.0 / 29.0


def srgb_to_linear(v: Array) -> Array:
    """sRGB values in 0..1 to linear light in 0..1, any shape."""
    return np.where(v > 0.04045, ((np.maximum(v, 0.0) + 0.055) / 1.055) ** 2.4, v / 12.92)


def linear_to_srgb(v: Array) -> Array:
    """Linear light in 0..1 to sRGB values in 0..1, any shape."""
    return np.where(v > LINEAR_KNEE, 1.055 * np.maximum(v, LINEAR_KNEE) ** (1 / 2.4) - 0.055, v * 12.92)


def lab_f(t: Array) -> Array:
    """CIE f: relative tristimulus value to the cube-root scale."""
    return np.where(t > EPSILON, np.cbrt(t), t * SLOPE + OFFSET)


def lab_f_inverse(f: Array) -> Array:
    """The inverse of `lab_f`."""
    return np.where(f > DELTA, f**3, (f - OFFSET) / SLOPE)


def _unit(rgb: Samples | Array) -> Array:
    """Samples to 0..1; integers run to the largest of their kind."""
    return rgb.astype(np.float64) / LARGEST.get(rgb.dtype, 1.0)


def rgb_to_lab(rgb: Samples | Array) -> Array:
    """sRGB [..., 3], uint8, uint16 or float in 0..1, to LAB [..., 3]: L in 0..100, a and b in about -128..127."""
    xyz = srgb_to_linear(_unit(rgb)) @ XYZ_FROM_RGB.T
    f = lab_f(xyz / WHITE)
    lightness = 116.0 * f[..., 1] - 16.0
    return np.stack([lightness, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], axis=-1)


def rgb_to_lightness(rgb: Samples | Array) -> Array:
    """sRGB [..., 3], uint8, uint16 or float in 0..1, to L [...] in 0..100."""
    luminance = srgb_to_linear(_unit(rgb)) @ XYZ_FROM_RGB[1]
    return 116.0 * lab_f(luminance) - 16.0


def lab_to_linear(lab: Array) -> Array:
    """LAB [..., 3] to linear RGB [..., 3], not clipped: outside 0..1 means outside the sRGB gamut."""
    fy = (lab[..., 0] + 16.0) / 116.0
    f = np.stack([fy + lab[..., 1] / 500.0, fy, fy - lab[..., 2] / 200.0], axis=-1)
    return (lab_f_inverse(f) * WHITE) @ RGB_FROM_XYZ.T


def into_gamut(linear: Array) -> Array:
    """Move linear RGB [..., 3] straight toward the grey of the same luminance until it is within 0..1.

    Luminance, and so L, stays exactly; only chroma shrinks. Colors inside the gamut are returned as they are.
    """
    y = np.clip(linear @ XYZ_FROM_RGB[1], 0.0, 1.0)
    above = linear.max(axis=-1) - y
    below = y - linear.min(axis=-1)
    keep = np.minimum((1.0 - y) / np.maximum(above, 1e-6), y / np.maximum(below, 1e-6))
    keep = np.minimum(keep, 1.0)[..., None]
    return np.clip(y[..., None] + keep * (linear - y[..., None]), 0.0, 1.0)


def lab_to_rgb(lab: Array) -> Bytes:
    """LAB [..., 3] to sRGB uint8 [..., 3] with the lightness kept (see `into_gamut`)."""
    return np.rint(_encode(lab) * 255.0).astype(np.uint8)


def lab_to_rgb16(lab: Array) -> NDArray[np.uint16]:
    """As `lab_to_rgb`, to uint16."""
    return np.rint(_encode(lab) * 65535.0).astype(np.uint16)


def _encode(lab: Array) -> Array:
    return linear_to_srgb(into_gamut(lab_to_linear(lab)))
