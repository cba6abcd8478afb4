"""ICC profiles at 16 bits: curves and a matrix. Little CMS sees no more than 8 bits of a color through Pillow."""

from __future__ import annotations

import struct
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...color.errors import PictureError
from ...color.lab import Deep, linear_to_srgb
from ...color.profile import ADVICE, SRGB, color_space, is_srgb, label

STRIP = 1 << 18  # samples that are converted at once
LEVELS = np.arange(65536) / 65535.0

Floats = NDArray[np.float64]


def deep_to_srgb(deep: Deep, profile: bytes | None) -> tuple[Deep, bytes | None]:
    """Samples of 16 bits [H, W] (grey) or [H, W, 3] by their profile to sRGB, and the profile to label them with.

    Raises PictureError for a damaged profile, one of another kind of picture, or one that is tables instead of curves.
    """
    if not profile:
        return deep, None
    space = color_space(profile)
    if space == "RGB" and is_srgb(profile):
        return deep, profile
    if space not in ("GRAY", "RGB") or (deep.ndim == 3 and space == "GRAY"):
        raise PictureError(f"its ICC profile is for {space}, which this picture is not; {ADVICE}")
    curves, matrix = _parts(profile)
    if deep.ndim == 2:
        # Grey is R = G = B in an RGB profile; its matrix leaves that neutral.
        return np.take(_encode(curves[0]), deep), SRGB
    out = np.empty_like(deep)
    rows = max(1, STRIP // deep.shape[1])
    for top in range(0, len(deep), rows):
        strip = np.s_[top : top + rows]
        linear = np.stack([np.take(curve, deep[strip][..., i]) for i, curve in enumerate(curves)], axis=-1)
        out[strip] = _encode(linear @ matrix.T)
    return out, label(profile)


def _encode(linear: Floats) -> Deep:
    return np.rint(linear_to_srgb(np.clip(linear, 0.0, 1.0)) * 65535.0).astype(np.uint16)


@lru_cache(8)
def _parts(profile: bytes) -> tuple[Floats, Floats]:
    """Curves from each of 65536 levels to linear light [1 or 3, 65536], and the matrix to linear sRGB [3, 3]."""
    try:
        tags = _tags(profile)
        if b"A2B0" in tags:
            raise PictureError(
                f"its ICC profile is made of tables, which are not read at 16 bits; {ADVICE}, or save it at 8 bits"
            )
        names = (b"kTRC",) if b"kTRC" in tags else (b"rTRC", b"gTRC", b"bTRC")
        with np.errstate(all="ignore"):
            curves = np.stack([_curve(tags[name]) for name in names])
        matrix = np.eye(1) if len(names) == 1 else np.linalg.inv(_colorants(_tags(SRGB))) @ _colorants(tags)
        if not (np.isfinite(curves).all() and np.isfinite(matrix).all()):
            raise ValueError("no number")
        return curves, matrix
    except (KeyError, IndexError, ValueError, ArithmeticError, struct.error) as error:
        raise PictureError(f"its ICC profile lacks what a conversion needs; {ADVICE}") from error


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * i) for i in range(min(count, 100))]
    return {name: profile[start : start + size] for name, start, size in entries}


def _colorants(tags: dict[bytes, bytes]) -> Floats:
    """The XYZ of full red, green and blue as columns, for the profile's white (D50)."""
    return np.array([struct.unpack_from(">3i", tags[name], 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]).T / 65536.0


def _curve(tag: bytes) -> Floats:
    """A tone curve: the linear light of each of 65536 levels. ICC.1:2022, 10.6 (curv) and 10.18 (para)."""
    x = LEVELS
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return x
        values = np.array(struct.unpack_from(f">{count}H", tag, 12), np.float64)
        return x ** (values[0] / 256.0) if count == 1 else np.interp(x, np.linspace(0, 1, count), values / 65535.0)
    if tag[:4] != b"para":
        raise ValueError("no curve")
    (kind,) = struct.unpack_from(">H", tag, 8)
    numbers = [v / 65536.0 for v in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
    g, a, b, c, d, e, f = numbers + [0.0] * (7 - len(numbers))
    match kind:
        case 0:
            return x**g
        case 1:
            return np.where(x >= -b / a, np.maximum(a * x + b, 0.0) ** g, 0.0)
        case 2:
            return np.where(x >= -b / a, np.maximum(a * x + b, 0.0) ** g + c, c)
        case _:
            return np.where(x >= d, np.maximum(a * x + b, 0.0) ** g + e, c * x + f)
