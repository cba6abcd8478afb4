"""What the network looks at of a picture, and the pieces that the rest is painted in."""

from __future__ import annotations

CELL = 16
SHORT_SIDE = 256
LONG_SIDE = 512
# Above this many pixels a picture is painted in square tiles: memory stays flat, and a tile's planes stay in the cache.
WHOLE = 1_000_000
TILE = 512
GPU_BATCH = 8


def choose_grid(height: int, width: int) -> tuple[int, int]:
    """The network's grid (h, w) for a picture: short side 256, the other by the aspect, capped at 512."""
    aspect = max(height, width) / min(height, width)
    long = min(LONG_SIDE, max(SHORT_SIDE, CELL * round(SHORT_SIDE * aspect / CELL)))
    return (long, SHORT_SIDE) if height > width else (SHORT_SIDE, long)


def shrink_factor(side: int, cells: int) -> int:
    """By how much to shrink a side to once or twice its cells: the factor that leaves the fewest pixels over."""
    most = max(1, side // cells)
    return min(range(max(1, side // (2 * cells)), most + 1), key=lambda factor: (side % factor, -factor))
