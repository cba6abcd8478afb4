"""The shapes that TensorRT engines are built for: one set for all pictures, or one for each size that is named."""

from __future__ import annotations

import itertools
import re

from ...color.errors import UsageError
from ...runtime.bundle import Bundle
from ...runtime.engines.trt_key import Profile
from ...runtime.grid import CELL, LONG_SIDE, SHORT_SIDE, TILE, WHOLE, choose_grid, shrink_factor
from ...runtime.manifest import MODEL, PAINT
from ...runtime.onnx_form import ends

BATCH = 8
# Sides of the wide profile: a picture of WHOLE pixels fits up to an aspect of 2.25.
NARROW, WIDE = 1024, 1536
# Longest side of a picture that is colored whole; one of up to WHOLE pixels is longer only beyond an aspect of 16.
LONGEST = 4096
DYNAMIC = "dynamic"


def make_profiles(bundle: Bundle, shapes: tuple[str, ...] = ()) -> dict[str, list[Profile]]:
    """The profiles of both graphs. shapes: "dynamic", or fixed sizes such as "8x768x1024" (N x H x W).

    Raises UsageError for anything else.
    """
    stride = bundle.manifest.output_stride
    if shapes in ((), (DYNAMIC,)):
        return {MODEL: _complete(bundle, _dynamic_model()), PAINT: [_dynamic_paint(stride)]}
    sizes = [_size(text) for text in shapes]
    paint = itertools.chain.from_iterable(_static_paint(height, width, stride) for _, height, width in sizes)
    models = _unique([_static_model(*size) for size in sizes])
    return {MODEL: _complete(bundle, models), PAINT: _unique(list(paint))}


def _complete(bundle: Bundle, profiles: list[Profile]) -> list[Profile]:
    """With the vividness of each picture, where the bundle's graph takes one."""
    inputs, _ = ends(bundle.read(bundle.manifest.source(MODEL)))
    if "vividness" not in inputs:
        return profiles
    return [p | {"vividness": [[shape[0], 1, 1, 1] for shape in p["rgb"]]} for p in profiles]


def _dynamic_model() -> list[Profile]:
    least = ([1, 1, 1, 3], [1, 2 * CELL, 2 * CELL, 4])

    def profile(best: tuple[int, ...], greatest: tuple[int, ...], count: int) -> Profile:
        h, w, rows, columns = best
        high, wide, most_rows, most_columns = greatest
        return {
            "rgb": [least[0], [1, h, w, 3], [count, high, wide, 3]],
            "hints": [least[1], [1, rows, columns, 4], [count, most_rows, most_columns, 4]],
        }

    typical = 3 * SHORT_SIDE // 2
    return [
        profile((683, 1024, SHORT_SIDE, typical), (NARROW, WIDE, SHORT_SIDE, LONG_SIDE), BATCH),
        profile((1024, 683, typical, SHORT_SIDE), (WIDE, NARROW, LONG_SIDE, SHORT_SIDE), BATCH),
        # Everything else, one at a time: panoramas, finer grids.
        profile((700, 1400, SHORT_SIDE, LONG_SIDE), (LONGEST, LONGEST, LONG_SIDE, LONG_SIDE), 1),
    ]


def _dynamic_paint(stride: int) -> Profile:
    best = [1, 2, SHORT_SIDE // stride, 3 * SHORT_SIDE // 2 // stride]
    return {
        "rgb": [[1, 1, 1, 3], [1, TILE, TILE, 3], [1, TILE, TILE, 3]],
        "ab": [[1, 2, 2, 2], best, [1, 2, LONG_SIDE // stride, LONG_SIDE // stride]],
    }


def _size(text: str) -> tuple[int, int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)x(\d+)", text)
    size = tuple(map(int, found.groups())) if found else (0, 0, 0)
    if min(size) < 1:
        raise UsageError(
            f"profile {text!r}: use {DYNAMIC!r}, or fixed sizes such as 8x768x1024, batch x height x width"
        )
    count, height, width = size
    return count, height, width


def _static_model(count: int, height: int, width: int) -> Profile:
    h, w = choose_grid(height, width)
    if height * width > WHOLE:  # as Colorizer shrinks it
        height, width = (side // shrink_factor(side, cells) for side, cells in ((height, h), (width, w)))
    return {"rgb": [[count, height, width, 3]] * 3, "hints": [[count, h, w, 4]] * 3}


def _static_paint(height: int, width: int, stride: int) -> list[Profile]:
    """Every size of tile that such a picture is cut into."""
    h, w = choose_grid(height, width)
    return [
        {"rgb": [[1, rows, columns, 3]] * 3, "ab": [[1, 2, h // stride, w // stride]] * 3}
        for rows, columns in itertools.product(_pieces(height), _pieces(width))
    ]


def _pieces(side: int) -> list[int]:
    return sorted({min(TILE, side), side % TILE or TILE} if side > TILE else {side})


def _unique(profiles: list[Profile]) -> list[Profile]:
    return [profile for i, profile in enumerate(profiles) if profile not in profiles[:i]]
