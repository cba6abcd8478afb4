"""Color hints in memory, and their rasterizing to a grid of cells. `hint_files.py` reads the files.

Positions are in picture pixels: x right, y down, origin top left, pixel (0, 0) centered at (0.5, 0.5). A grid of h x w
cells lies over the whole picture; what any client hands to the network is one RGBA value per cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .lab import Bytes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_PIXELS = 200_000_000  # of a painted picture, and of the picture that a JSON file is for
OPAQUE = 128  # the least alpha that makes an overlay pixel a hint
TINY = 1e-9  # pixels; shorter heights count as level, smaller misses of a cell's center as hits
STRIP_PIXELS = 1 << 17  # overlay pixels that are averaged at once: they stay in the cache
STRIP_CELLS = 1 << 24  # cells of the span table, all levels together
SEGMENTS = 1 << 10  # segments that are clipped to rows at once


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A point (one vertex) or a stroke (a polyline) of one color."""

    vertices: Floats
    """[n, 2], x and y in picture pixels."""
    color: tuple[int, int, int]
    """sRGB, 0..255."""
    radius: float = 0.0
    """In picture pixels, for strokes half the width; 0 is as thin as one cell."""


@dataclass(slots=True, eq=False)
class Hints:
    """The hints of one picture: a painted overlay, and marks that lie on top of it, later ones over earlier ones."""

    size: tuple[int, int]
    """Width and height of the picture as displayed."""
    overlay: Bytes | None = None
    """RGBA [H', W', 4] of the picture's aspect at any size; alpha >= 128 is a hint."""
    marks: list[Mark] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """What whoever made them should know."""

    @property
    def count(self) -> int:
        """Marks and connected pieces of paint together, as a person would count them."""
        if self.overlay is None:
            return len(self.marks)
        painted = (self.overlay[..., 3] >= OPAQUE).astype(np.uint8)
        return int(cv2.connectedComponents(painted, connectivity=8)[0]) - 1 + len(self.marks)

    def rasterize(self, grid: tuple[int, int]) -> Bytes:
        """The hints on a grid of (h, w) cells: RGBA [h, w, 4], alpha 255 at a hint, all four 0 elsewhere.

        A cell takes the mean color, weighted by alpha, of the hinted overlay pixels whose centers it holds; where the
        grid is finer than the overlay, the nearest pixel. A mark fills the cells whose centers lie within its radius,
        and always those that it passes through, so that no dot is lost whatever the grid.
        """
        cells = np.zeros((*grid, 4), np.uint8) if self.overlay is None else _average(self.overlay, grid)
        if self.marks:
            _draw(self.marks, self.size, cells)
        return cells

    def render(self) -> Bytes:
        """The hints drawn at the picture's size: RGBA [H, W, 4], itself a valid PNG overlay.

        A mark without radius becomes as wide as one cell of a network grid of 256 cells on the short side, so that it
        can be seen.
        """
        width, height = self.size
        least = max(1.0, min(self.size) / 512)
        marks = [mark if mark.radius > 0 else replace(mark, radius=least) for mark in self.marks]
        return Hints(self.size, self.overlay, marks).rasterize((height, width))


def _cell_of(pixels: int, cells: int) -> Ints:
    """For each pixel of a row (or column) the cell that holds its center, in exact integers."""
    return (2 * np.arange(pixels, dtype=np.int64) + 1) * cells // (2 * pixels)


def _average(overlay: Bytes, grid: tuple[int, int]) -> Bytes:
    """Overlay [H', W', 4] to cells [h, w, 4]: the premultiplied mean of the hinted pixels of each cell."""
    h, w = grid
    # On an axis with fewer pixels than cells every cell takes its nearest pixel; each pixel then has at least one cell.
    if overlay.shape[0] < h:
        overlay = overlay[_cell_of(h, overlay.shape[0])]
    if overlay.shape[1] < w:
        overlay = overlay[:, _cell_of(w, overlay.shape[1])]
    height, width = overlay.shape[:2]
    if (height, width) == (h, w):
        hinted = overlay[..., 3:] >= OPAQUE
        cells = overlay * hinted
        cells[..., 3] = 255 * hinted[..., 0]
        return cells

    cells = np.zeros((h, w, 4), np.uint8)
    row_edges = np.searchsorted(_cell_of(height, h), np.arange(h + 1))
    columns = np.searchsorted(_cell_of(width, w), np.arange(w))
    rows = max(1, STRIP_PIXELS * h // (height * width))
    for top in range(0, h, rows):
        edges = row_edges[top : top + rows + 1]
        part = overlay[edges[0] : edges[-1]]
        hinted = part[..., 3] >= OPAQUE
        if not hinted.any():
            continue
        alpha = part[..., 3] * hinted
        weighted = np.multiply(part, alpha[..., None], dtype=np.uint16)
        weighted[..., 3] = alpha
        by_row = np.add.reduceat(weighted.reshape(len(part), -1), edges[:-1] - edges[0], axis=0, dtype=np.uint64)
        total = np.add.reduceat(by_row.reshape(-1, width, 4), columns, axis=1, dtype=np.float64)
        cells[top : top + rows, :, :3] = np.rint(total[..., :3] / np.maximum(total[..., 3:], 1.0))
        cells[top : top + rows, :, 3] = 255 * (total[..., 3] > 0)
    return cells


def _draw(marks: Sequence[Mark], size: tuple[int, int], cells: Bytes) -> None:
    """Draw the marks over `cells` [h, w, 4], in place.

    A mark meets a row of cells in a few spans, so a thousand wide marks cost about as much as a thousand dots: for
    each segment and row one span is worked out, and `_topmost` finds the uppermost span over each cell.
    """
    h, w = cells.shape[:2]
    per_cell = np.array([w / size[0], h / size[1]])
    ends = [(v[:-1], v[1:]) if len(v) > 1 else (v, v) for v in (mark.vertices for mark in marks)]
    lengths = [len(start) for start, _ in ends]
    p = np.concatenate([start for start, _ in ends]).astype(np.float64)
    q = np.concatenate([end for _, end in ends]).astype(np.float64)
    upward = q[:, 1] < p[:, 1]
    p[upward], q[upward] = q[upward], p[upward]
    radius = np.repeat([float(mark.radius) for mark in marks], lengths)
    number = np.repeat(np.arange(1, len(marks) + 1, dtype=np.int32), lengths)
    colors = np.array([(0, 0, 0), *(mark.color for mark in marks)], np.uint8)

    crossed_rows = np.clip(np.floor(np.stack([p[:, 1], q[:, 1]]) * per_cell[1]), 0, h - 1)
    reach = np.stack([p[:, 1] - radius, q[:, 1] + radius]) * per_cell[1] - 0.5
    covered_rows = np.stack([np.ceil(reach[0] - TINY), np.floor(reach[1] + TINY)])

    rows = int(np.clip(STRIP_CELLS // (w * w.bit_length()), 1, 512))
    for top in range(0, h, rows):
        strip = cells[top : top + rows]
        table = np.zeros((w.bit_length(), *strip.shape[:2]), np.int32)
        for i in range(0, len(p), SEGMENTS):
            some = slice(i, i + SEGMENTS)
            segment, row = _rows_of(crossed_rows[:, some], top, len(strip))
            segment += i
            low, high = _crossed(p[segment] * per_cell, q[segment] * per_cell, row)
            # A vertex on the right border belongs to the last column, as one on the lower border does to the last row.
            _enter(table, row - top, np.minimum(low, w - 1), high, number[segment])

            segment, row = _rows_of(covered_rows[:, some], top, len(strip))
            segment += i
            left, right = _covered(p[segment], q[segment], radius[segment], (row + 0.5) / per_cell[1])
            low, high = np.ceil(left * per_cell[0] - 0.5 - TINY), np.floor(right * per_cell[0] - 0.5 + TINY)
            _enter(table, row - top, low, high, number[segment])
        uppermost = _topmost(table)
        drawn = uppermost > 0
        strip[drawn, :3] = colors[uppermost[drawn]]
        strip[drawn, 3] = 255


def _rows_of(span: Floats, top: int, rows: int) -> tuple[Ints, Ints]:
    """Every pair of a segment and a row within the segment's first and last row `span` [2, n] and within the strip."""
    first = np.maximum(span[0], top).astype(np.int64)
    last = np.minimum(span[1], top + rows - 1).astype(np.int64)
    counts = np.maximum(last - first + 1, 0)
    segment = np.repeat(np.arange(len(counts)), counts)
    row = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts) + first[segment]
    return segment, row


def _crossed(p: Floats, q: Floats, row: Ints) -> tuple[Floats, Floats]:
    """First and last column that the segment p-q crosses within a row of cells; p, q [n, 2] in cells, p above q."""
    height = q[:, 1] - p[:, 1]
    level = height < TINY
    height = np.where(level, 1.0, height)
    enter = np.where(level, 0.0, np.clip((row - p[:, 1]) / height, 0.0, 1.0))
    leave = np.where(level, 1.0, np.clip((row + 1 - p[:, 1]) / height, 0.0, 1.0))
    # Written so that 0 and 1 give the vertices exactly: their cells must not fall to rounding.
    x0 = p[:, 0] * (1.0 - enter) + q[:, 0] * enter
    x1 = p[:, 0] * (1.0 - leave) + q[:, 0] * leave
    return np.floor(np.minimum(x0, x1)), np.floor(np.maximum(x0, x1))


def _covered(p: Floats, q: Floats, radius: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Where the line at height y enters and leaves the points within `radius` of the segment p-q; p above q.

    A disc that slides along the segment reaches, at height y, to x(t) + sqrt(r^2 - (y - y(t))^2). That is concave in
    t, so its maximum is the stationary point (the disc that the capsule's flank touches at y), kept within the part
    of the segment whose discs meet the line.
    """
    dx, dy = (q - p).T
    level = dy < TINY
    height = np.where(level, 1.0, dy)
    lean = radius * dx / np.maximum(np.hypot(dx, dy), TINY)
    above = y - p[:, 1]
    first = np.where(level, 0.0, np.clip((above - radius) / height, 0.0, 1.0))
    last = np.where(level, 1.0, np.clip((above + radius) / height, 0.0, 1.0))

    def reach(best: Floats) -> tuple[Floats, Floats]:
        t = np.clip(best, first, last)
        return p[:, 0] + t * dx, np.sqrt(np.maximum(radius**2 - (above - t * dy) ** 2, 0.0))

    x_left, half_left = reach(np.where(level, dx < 0, (above - lean) / height))
    x_right, half_right = reach(np.where(level, dx > 0, (above + lean) / height))
    return x_left - half_left, x_right + half_right


def _enter(table: NDArray[np.int32], row: Ints, low: Floats, high: Floats, number: NDArray[np.int32]) -> None:
    """Enter spans of columns into `table` [levels, rows, w]; level k holds, at x, the highest number over x..x+2^k-1.

    Any span is two overlapping ones of a power of two, as in a sparse table for range maxima, run backwards.
    """
    _, rows, w = table.shape
    first, last = np.maximum(low, 0).astype(np.int64), np.minimum(high, w - 1).astype(np.int64)
    kept = first <= last
    row, first, last, number = row[kept], first[kept], last[kept], number[kept]
    level = np.frexp((last - first + 1).astype(np.float64))[1].astype(np.int64) - 1
    base = (level * rows + row) * w
    flat = table.reshape(-1)
    np.maximum.at(flat, base + first, number)
    np.maximum.at(flat, base + last + 1 - (1 << level), number)


def _topmost(table: NDArray[np.int32]) -> NDArray[np.int32]:
    """Push every level of the span table down to single cells: the highest number over each cell [rows, w], or 0."""
    for level in range(len(table) - 1, 0, -1):
        half = 1 << (level - 1)
        upper, lower = table[level], table[level - 1]
        np.maximum(lower, upper, out=lower)
        np.maximum(lower[:, half:], upper[:, :-half], out=lower[:, half:])
    return table[0]
