"""Is the user right? Whether a hint's color appears at its place, and how far it leaks to where it does not belong.

A foreign hint is one of a color that the photo does not have there. It is given alone, and on top of 36 true hints
that speak against it. What it changes is |ab with it - ab without it|, on four parts of the picture:

- near: within NEAR pixels;
- before an edge: beyond, but without a strong edge between: a path leads there on which lightness hardly changes;
- behind an edge: beyond, and every path there crosses lightness steps of STRONG in sum;
- far: beyond FAR pixels, whatever lies between.

The sum of steps is a geodesic distance: the gradient of lightness (Gaussian, sigma 1) above FLOOR, which is what grain
and shading have, along the cheapest path. On 80 photos that nothing is scored on, true colors 12 to 40 pixels away
differ by 15.4 behind such an edge and by 7.4 before it (14.7 and 7.6 for Felzenszwalb and Huttenlocher's segments).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from gcolor.color import lab, protocol
from gcolor.color.lab import Array, Bytes
from numpy.typing import NDArray
from scipy.ndimage import gaussian_gradient_magnitude
from skimage.graph import MCP_Geometric

from .methods import Method
from .protocols import View

# The foreign hint's chroma, its least distance from the true color, and the lightness that has room for both.
CHROMA = (15.0, 60.0)
FOREIGN = 20.0
LIGHTNESS = (25.0, 85.0)
# Where the change is looked at: pixels, and units of L per pixel and in sum.
NEAR, FAR = 12.0, 100.0
FLOOR, STRONG = 1.0, 10.0
# True hints around the foreign one.
OTHERS = (0, protocol.PAPER_HINTS)
PARTS = ("near", "before_edge", "behind_edge", "far")


def gamut_ab(lightness: float, ab: Array) -> Array:
    """Chroma [2] moved into the sRGB gamut at a lightness, which stays."""
    linear = lab.into_gamut(lab.lab_to_linear(np.array([lightness, *ab])))
    return lab.rgb_to_lab(lab.linear_to_srgb(linear))[1:]


def foreign_hint(view: View) -> tuple[int, int, Bytes, Array] | None:
    """A random place and a color that is not there: y, x, sRGB [3], its chroma [2] at the picture's lightness.

    None for a photo that has no place of fitting lightness, such as one that is black throughout.
    """
    rng = protocol.generator(view.name, "adherence")
    height, width = view.lab.shape[:2]
    for _ in range(1000):
        y, x = rng.integers(1, (height - 1, width - 1))
        lightness = float(view.lab[y, x, 0])
        if not LIGHTNESS[0] <= lightness <= LIGHTNESS[1]:
            continue
        hue, chroma = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(*CHROMA)
        ab = gamut_ab(lightness, chroma * np.array([np.cos(hue), np.sin(hue)]))
        color = lab.lab_to_rgb(np.array([lightness, *ab]))
        if np.hypot(*(ab - view.lab[y, x, 1:])) >= FOREIGN:
            return int(y), int(x), color, gamut_ab(lightness, lab.rgb_to_lab(color)[1:])
    return None


def steps_from(lightness: Array, y: int, x: int) -> Array:
    """Geodesic distance from a pixel: lightness steps above FLOOR along the cheapest path [H, W], in units of L."""
    excess = np.maximum(gaussian_gradient_magnitude(lightness, 1.0) - FLOOR, 0.0)
    # The least cost keeps paths short where nothing else tells them apart; it sums up to 0.04 across a photo.
    distances: Array = MCP_Geometric(excess + 1e-4).find_costs([(y, x)])[0]
    return distances


def parts_around(lightness: Array, y: int, x: int) -> dict[str, NDArray[np.bool_]]:
    """The PARTS of a picture [H, W] around a hint."""
    rows, columns = np.ogrid[: lightness.shape[0], : lightness.shape[1]]
    distance = np.hypot(rows - y, columns - x)
    behind = steps_from(lightness, y, x) >= STRONG
    beyond = distance > NEAR
    return dict(zip(PARTS, (~beyond, beyond & ~behind, beyond & behind, distance > FAR), strict=True))


def obey(view: View, methods: Mapping[str, Method]) -> list[dict[str, float | str | None]]:
    """A row for each method and number of true hints: the distance from the foreign hint's color at its center, from
    true hints' colors at theirs (None without any), and the change in each part (None where a part is empty)."""
    found = foreign_hint(view)
    if found is None:
        return []
    y, x, color, wanted = found
    parts = parts_around(view.lab[..., 0], y, x)
    rows: list[dict[str, float | str | None]] = []
    for others in OTHERS:
        centers = tuple(protocol.hint_centers(view.name, others, view.protocol.patches).T)
        for name, method in methods.items():
            raster = view.hints(others)
            plain = lab.rgb_to_lab(method(view, raster))[..., 1:]
            raster[y - 1 : y + 2, x - 1 : x + 2] = [*color, 255]
            hinted = lab.rgb_to_lab(method(view, raster))[..., 1:]
            change = np.linalg.norm(hinted - plain, axis=-1)
            at_hints = np.linalg.norm((plain - view.lab[..., 1:])[centers], axis=-1)
            row: dict[str, float | str | None] = {
                "method": name,
                "others": others,
                "foreign": float(np.hypot(*(hinted[y, x] - wanted))),
                "true": float(at_hints.mean()) if others else None,
            }
            row |= {part: float(change[where].mean()) if where.any() else None for part, where in parts.items()}
            rows.append(row)
    return rows
