"""From paint to marks: what was painted as dots and strokes becomes points and strokes again, as `hints convert` needs.

Connected paint of one color is a point where it is about a disc, a stroke where a line of one width covers it, and
otherwise as many discs as it takes.
"""

from __future__ import annotations

import heapq
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from .hints import OPAQUE, Floats, Hints, Mark
from .lab import Bytes, rgb_to_lab

ONE_COLOR = 6.0
"""Paint whose pixels lie, in the root mean square, this near to their mean in LAB is of one color."""
SMALLEST = 25
"""Pixels; smaller dabs are of one color, whatever they show (a hint may be a few of a photograph's own pixels)."""
COVERED = 0.75
"""Share of the paint and the shape together that both must cover, for the shape to stand for the paint."""
DISCS = 400
LINE_SIDE = 96
"""Lines are sought in paint shrunk to this side, in pixels."""

Mask = NDArray[np.bool_]


def marks_of(overlay: Bytes, size: tuple[int, int]) -> list[Mark]:
    """Marks for a picture of `size` (W, H) that cover what is painted on an RGBA overlay [H', W', 4] of its aspect."""
    scale = np.array([size[0] / overlay.shape[1], size[1] / overlay.shape[0]])
    marks = []
    for mask, (top, left), color in _dabs(overlay):
        for vertices, radius in _shapes(mask):
            marks.append(Mark((vertices + np.array([left, top])) * scale, color, float(radius * scale[0])))
    return marks


def _dabs(overlay: Bytes) -> list[tuple[Mask, tuple[int, int], tuple[int, int, int]]]:
    """Connected paint of one color: its mask, where that lies, and the color."""
    found = []
    waiting = list(_pieces(overlay[..., 3] >= OPAQUE, (0, 0)))
    while waiting:
        mask, (top, left) = waiting.pop()
        pixels = overlay[top : top + mask.shape[0], left : left + mask.shape[1], :3]
        colors = pixels[mask]
        lab = rgb_to_lab(colors[None])[0]
        if len(colors) < SMALLEST or math.sqrt(((lab - lab.mean(0)) ** 2).sum(1).mean()) <= ONE_COLOR:
            r, g, b = (int(v) for v in np.rint(colors.mean(0)))
            found.append((mask, (top, left), (r, g, b)))
            continue
        # Two colors at least: apart, each again.
        criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
        cv2.setRNGSeed(0)
        _, which, _ = cv2.kmeans(lab.astype(np.float32), 2, None, criteria, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
        for side in (0, 1):
            half = np.zeros_like(mask)
            half[mask] = which.ravel() == side
            waiting += _pieces(half, (top, left))
    return found[::-1]


def _pieces(mask: Mask, at: tuple[int, int]) -> list[tuple[Mask, tuple[int, int]]]:
    """The connected pieces of a mask, each cut out, with its place."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    pieces = []
    for number in range(1, count):
        x, y, w, h = (int(v) for v in stats[number, :4])
        pieces.append((labels[y : y + h, x : x + w] == number, (at[0] + y, at[1] + x)))
    return pieces


def _shapes(mask: Mask) -> list[tuple[Floats, float]]:
    """Vertices [n, 2] (x, y in pixels of the mask, a pixel's center at .5) and radius of the marks that cover a dab."""
    disc = _disc(mask)
    if _agreement(mask, *disc) >= COVERED:
        return [disc]
    line = _line(mask)
    if line and _agreement(mask, *line) >= COVERED:
        return [line]
    return _discs(mask)


def _disc(mask: Mask) -> tuple[Floats, float]:
    rows, columns = np.nonzero(mask)
    center = np.array([[columns.mean() + 0.5, rows.mean() + 0.5]])
    # The smallest mark fills one cell: a single pixel needs no radius.
    return center, math.sqrt(len(rows) / math.pi) if len(rows) > 1 else 0.0


def _agreement(mask: Mask, vertices: Floats, radius: float) -> float:
    """The share of what a dab and a mark cover together that both cover."""
    height, width = mask.shape
    drawn = Hints((width, height), None, [Mark(vertices, (0, 0, 0), radius)]).rasterize((height, width))[..., 3] > 0
    return float((drawn & mask).sum() / (drawn | mask).sum())


def _depth(mask: Mask) -> Floats:
    """Of each pixel, how far the nearest unpainted one is."""
    return np.asarray(cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1], np.float64)


def _line(mask: Mask) -> tuple[Floats, float] | None:
    """The middle line of a dab from end to end, and half its width; None where it has no length."""
    shrink = max(1.0, max(mask.shape) / LINE_SIDE)
    side = max(1, round(mask.shape[1] / shrink)), max(1, round(mask.shape[0] / shrink))
    small = cv2.resize(mask.astype(np.uint8), side, interpolation=cv2.INTER_AREA) > 0
    depth = _depth(small)
    start = _farthest(small, depth, None)
    first = _farthest(small, depth, start[-1])[-1]
    path = np.array(_farthest(small, depth, first))
    radius = float(np.median(depth[path[:, 0], path[:, 1]]))
    # The round ends of a mark reach a radius beyond its vertices.
    away = [np.hypot(*(path - end).T) for end in (path[0], path[-1])]
    path = path[(away[0] >= radius) & (away[1] >= radius)]
    if len(path) < 2:
        return None
    simple = cv2.approxPolyDP(path[:, ::-1].astype(np.int32).reshape(-1, 1, 2), max(0.5, 0.25 * radius), False)
    scale = np.array([mask.shape[1] / side[0], mask.shape[0] / side[1]])
    return (simple.reshape(-1, 2) + 0.5) * scale, max(0.5, radius - 0.25) * float(scale.mean())


def _farthest(mask: Mask, depth: Floats, start: tuple[int, int] | None) -> list[tuple[int, int]]:
    """The way through the middle of a dab from a pixel (or from any) to the farthest one, by Dijkstra."""
    if start is None:
        row, column = np.argwhere(mask)[0]
        start = int(row), int(column)
    price = 1.0 + (depth.max() / np.maximum(depth, 0.5)) ** 2
    cost, before = {start: 0.0}, {start: start}
    waiting = [(0.0, start)]
    last = start
    height, width = mask.shape
    while waiting:
        paid, at = heapq.heappop(waiting)
        if paid > cost[at]:
            continue
        last = at
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                y, x = at[0] + dy, at[1] + dx
                if 0 <= y < height and 0 <= x < width and mask[y, x]:
                    new = paid + price[y, x] * math.hypot(dy, dx)
                    if new < cost.get((y, x), math.inf):
                        cost[y, x], before[y, x] = new, at
                        heapq.heappush(waiting, (new, (y, x)))
    path = [last]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]


def _discs(mask: Mask) -> list[tuple[Floats, float]]:
    """Discs that cover a dab, the largest first, until little is left over."""
    left = mask.copy()
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    found: list[tuple[Floats, float]] = []
    while len(found) < DISCS and left.sum() > 0.05 * mask.sum():
        depth = _depth(left)
        row, column = (int(v) for v in np.unravel_index(depth.argmax(), depth.shape))
        radius = float(depth[row, column])
        # What is left between two discs is thin; a disc may lie over its neighbors.
        found.append((np.array([[column + 0.5, row + 0.5]]), max(0.0, radius - 0.5)))
        left &= (rows - row) ** 2 + (columns - column) ** 2 >= max(1.0, radius) ** 2
    return found
