"""Large pictures in parts: which tiles one consists of, and work on all of them, several at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

Tile = tuple[slice, slice]
"""Rows and columns."""


def tiles(size: tuple[int, int], rows: int, columns: int) -> list[Tile]:
    """The tiles of so many rows and columns, or what is left of them at the edges, that a picture consists of."""
    corners = itertools.product(range(0, size[0], rows), range(0, size[1], columns))
    return [(slice(top, min(top + rows, size[0])), slice(left, min(left + columns, size[1]))) for top, left in corners]


def work_on(found: list[Tile], work: Callable[[Tile], None], at_once: int) -> None:
    """Do the work of every tile, in so many threads."""
    if at_once == 1 or len(found) == 1:
        for tile in found:
            work(tile)
    else:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(work, found))
