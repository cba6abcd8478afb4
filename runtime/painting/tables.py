"""What the painting kernel knows of color: tables and numbers, all from `color/lab.py`, laid out as in paint.c."""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np

from ...color import lab
from ...color.lab import Array

Float = ctypes.c_float
DEGREE = 8


class Tables(ctypes.Structure):
    """`struct tables` of paint.c; what each is for stands there."""

    _fields_ = (
        ("f", Float * 256),
        ("red", Float * 256),
        ("green", Float * 256),
        ("blue", Float * 256),
        ("matrix", Float * 6),
        ("delta", Float),
        ("tangent", Float),
        ("epsilon", Float),
        ("knee", Float),
        ("slope", Float),
        ("encode", Float * (DEGREE + 1)),
    )


@cache
def tables() -> Tables:
    """The one set of tables of a process."""
    linear = lab.srgb_to_linear(np.arange(256) / 255.0)
    weights = lab.XYZ_FROM_RGB[1]
    # White's X and Z are in the matrix, so that gray has X = Y = Z, and only the differences from it count.
    matrix = (lab.RGB_FROM_XYZ * lab.WHITE)[:, [0, 2]]
    out = Tables(
        knee=lab.LINEAR_KNEE,
        slope=float(lab.linear_to_srgb(np.array(lab.LINEAR_KNEE))) / lab.LINEAR_KNEE * 255.0,
        delta=lab.DELTA,
        tangent=1.0 / lab.SLOPE,
        epsilon=lab.EPSILON,
    )
    for name, values in (
        ("f", lab.lab_f(linear * weights.sum())),
        ("matrix", matrix.reshape(-1)),
        ("encode", encoding()),
        *zip(("red", "green", "blue"), linear * weights[:, None], strict=True),
    ):
        getattr(out, name)[:] = values.tolist()
    return out


def encoding() -> Array:
    """The polynomial of light's square root that sRGB's curve above its knee is, 0..255, the highest power first.

    It goes through the curve at Chebyshev's points, which keeps it within 0.02 of a level everywhere.
    """
    low = np.sqrt(lab.LINEAR_KNEE)
    nodes = np.cos((np.arange(DEGREE + 1) + 0.5) * np.pi / (DEGREE + 1))
    root = low + (1.0 - low) * (nodes + 1.0) / 2.0
    return np.linalg.solve(np.vander(root), lab.linear_to_srgb(root**2) * 255.0)
