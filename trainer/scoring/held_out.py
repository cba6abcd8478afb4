"""The photos that are scored, and scores of what a bundle makes of them; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...color import lab, protocol, scores
from ...color.errors import NothingToDoError, PictureError
from ...color.lab import Array, Bytes
from ...runtime.colorizer import Colorizer
from ...runtime.pictures import find_pictures, read_picture
from ..data.photos import ab_bins, grey_share, resize

# The paper's filter: photos with this share of near-grey pixels are left out (section 4.1).
FILTER = 0.7

Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class EvalPhoto:
    """A photo, by default stretched to 256 x 256: uint8 RGB [H, W, 3], and its share of near-grey pixels."""

    name: str
    rgb: Bytes
    grey: float

    @property
    def lab(self) -> Array:
        """LAB float [H, W, 3]; made when asked for, since it takes eight times the memory."""
        return lab.rgb_to_lab(self.rgb)

    @property
    def plain(self) -> Bytes:
        """The photo without its colours, uint8 [H, W, 3]: what is given to be coloured; made when asked for."""
        return lab.lab_to_rgb(self.lab * (1.0, 0.0, 0.0))

    @property
    def filtered(self) -> bool:
        """Does it pass the paper's near-grey filter?"""
        return self.grey < FILTER


def stretched(name: str, rgb: Bytes, size: int = protocol.SIZE) -> EvalPhoto:
    """A photo uint8 RGB [H, W, 3] stretched to size x size."""
    rgb = resize(rgb, size, size)
    return EvalPhoto(name, rgb, grey_share(ab_bins(rgb)))


def load_photos(
    folder: Path, limit: int | None = None, on_error: Callable[[Path, PictureError], None] | None = None
) -> list[EvalPhoto]:
    """The photos below a folder, in the order of their names' hash; the first `limit` are a fair sample.

    Raises NothingToDoError where there is none, and what reading raises unless on_error hears it.
    """
    found = []
    for path in protocol.sample(find_pictures(folder), limit):
        try:
            found.append(stretched(path.name, read_picture(path).rgb))
        except PictureError as error:
            if on_error is None:
                raise PictureError(f"{path}: {error}") from error
            on_error(path, error)
    if not found:
        raise NothingToDoError(f"no photo that can be read in {folder}")
    return found


def show_hints(photo: EvalPhoto, count: int) -> Bytes:
    """The photo without its colours, with its 3x3 hints drawn larger than they are, or nobody would see them."""
    shown = photo.plain
    for y, x in protocol.hint_centres(photo.name, count):
        shown[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5] = 255
        shown[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = photo.rgb[y, x]
    return shown


def score_bundle(colorizer: Colorizer, photos: list[EvalPhoto], count: int) -> list[Scores]:
    """The scores of each photo's picture as a bundle makes it from the grey photo and a hint raster."""
    found: list[Scores] = []
    for photo in photos:
        colorizer.set_image(photo.plain, grid=(protocol.SIZE, protocol.SIZE))
        made = colorizer.color(protocol.true_hints(photo.rgb, photo.name, count))
        found.append(scores.picture_scores(made, photo.rgb, photo.lab))
    return found


def report_rows(
    score: Callable[[int], list[Scores]], photos: list[EvalPhoto], counts: list[int]
) -> list[dict[str, Any]]:
    """Means with standard errors for each number of hints, over all photos and over those that pass the filter."""
    rows: list[dict[str, Any]] = []
    for count in counts:
        each = score(count)
        kept = [row for row, photo in zip(each, photos, strict=True) if photo.filtered]
        for name, some in (("unfiltered", each), ("filtered", kept)):
            if some:
                rows.append({"photos": name, "count": len(some), "hints": count, **scores.summarise(some)})
    return sorted(rows, key=lambda row: row["photos"] == "filtered")
