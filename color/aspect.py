"""Whether hints are of a picture's aspect."""

from __future__ import annotations

from .errors import HintError

Size = tuple[int, int]
"""Width and height in pixels."""


def same_aspect(size: Size, other: Size) -> bool:
    """Whether one size is the other scaled, give or take the rounding of a side to whole pixels."""
    return abs(size[0] * other[1] - size[1] * other[0]) <= max(*size, *other)


def check_aspect(found: Size, size: Size) -> None:
    """Raise `HintError` for hints of another aspect than the picture's."""
    if same_aspect(found, size):
        return
    turned = same_aspect(found[::-1], size)
    raise HintError(
        f"the hints are {found[0]} x {found[1]}, the picture is {size[0]} x {size[1]} pixels: "
        + ("turn them; the picture's EXIF rotation counts" if turned else "make them of the picture's aspect")
    )
