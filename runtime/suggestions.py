"""What could this be? Distinct colors for one place, from the probabilities over a and b together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..color import bins, lab
from ..color.lab import Array
from ..color.scores import ciede2000

# Colors nearer than this (CIEDE2000) are one suggestion.
RADIUS = 10.0
# Of the finer grid over a and b that suggestions are taken from.
STEP = 4.0
# The unlikeliest colors that together have this share are no suggestions; they only cost time.
TAIL = 0.005


@dataclass(frozen=True, slots=True)
class Suggestion:
    """color: sRGB 0..255, of the place's own lightness. probability: of what looks like it and like none before it."""

    color: tuple[int, int, int]
    probability: float


def at_place(joint: Array, x: float, y: float) -> Array:
    """Probabilities [140, m, n] of a picture to those [140] of a place, x and y in 0..1: of its nearest four cells."""
    rows, columns = joint.shape[1:]
    top, lower = _between(y, rows)
    left, right = _between(x, columns)
    cells = joint[:, [top[0], lower[0]]][:, :, [left[0], right[0]]]
    mixed: Array = np.einsum("kij,i,j->k", cells, [top[1], lower[1]], [left[1], right[1]])
    return mixed


def _between(share: float, cells: int) -> tuple[tuple[int, float], tuple[int, float]]:
    """The two cells whose middles a place lies between, and their weights."""
    at = min(max(share * cells - 0.5, 0.0), cells - 1.0)
    low = int(at)
    return (low, 1.0 - (at - low)), (min(low + 1, cells - 1), at - low)


def suggest(probabilities: Array, lightness: float, count: int) -> list[Suggestion]:
    """The likeliest distinct colors of a lightness (0..100), from probabilities [140] of the nodes bins.JOINT."""
    colors, mass = spread(probabilities, lightness)
    if not len(colors):  # next to black and white there is no other
        colors, mass = np.array([[lightness, 0.0, 0.0]]), np.ones(1)
    picked = cover(colors, mass, count)
    rgb = lab.lab_to_rgb(colors[[number for number, _ in picked]])
    return [Suggestion((int(r), int(g), int(b)), share) for (r, g, b), (_, share) in zip(rgb, picked, strict=True)]


def spread(probabilities: Array, lightness: float) -> tuple[Array, Array]:
    """Probabilities [140] of the nodes to LAB colors [K, 3] of a lightness, inside the gamut, and theirs [K].

    A node stands for the colors around it as the teacher counts them: bilinearly.
    """
    ab, share = _fine()
    colors = np.concatenate([np.full((len(ab), 1), lightness), ab], axis=1)
    linear = lab.lab_to_linear(colors)
    inside = ((linear > -1e-4) & (linear < 1.0 + 1e-4)).all(-1)
    colors, mass = colors[inside], (share @ probabilities.astype(np.float64))[inside]
    if not mass.sum() > 0.0:
        return colors[:0], mass[:0]
    mass = mass / mass.sum()
    order = np.argsort(-mass, kind="stable")
    kept = order[: int(np.searchsorted(np.cumsum(mass[order]), 1.0 - TAIL)) + 1]
    return colors[kept], mass[kept]


@cache
def _fine() -> tuple[Array, Array]:
    """The finer grid's ab [K, 2], and how each node's probability is shared out over it [K, 140]."""
    side = np.arange(-128.0, 128.0 + STEP, STEP)
    ab = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    away = np.abs(ab[:, None] - bins.JOINT[None]) / bins.JOINT_WIDTH
    share = np.maximum(1.0 - away, 0.0).prod(-1)
    near = share.any(1)
    return ab[near], share[near] / share.sum(0)


def cover(colors: Array, mass: Array, count: int) -> list[tuple[int, float]]:
    """Greedily the `count` of LAB colors [K, 3] that have the most of mass [K] within RADIUS; fewer where that is all.

    Returns the number of each, and what it adds. None lies within RADIUS of another.
    """
    near = ciede2000(colors[:, None], colors[None]) <= RADIUS
    left = mass.astype(np.float64)
    free = np.ones(len(colors), bool)
    picked: list[tuple[int, float]] = []
    while len(picked) < count and free.any():
        gain = np.where(free, near @ left, -1.0)
        best = int(gain.argmax())
        if gain[best] <= 0.0:
            break
        picked.append((best, float(gain[best])))
        left[near[best]] = 0.0
        free &= ~near[best]
    return picked
