"""The photos that are scored, and scores of what a bundle makes of them; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import lab, protocol, scores
from ...color.errors import PictureError
from ...color.lab import Array, Bytes
from ...runtime.colorizer import Colorizer
from ...runtime.photos import load_photos as read_photos
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

    def to_lab(self) -> NDArray[np.float32]:
        """LAB [H, W, 3]. It takes 20 ms and four times the photo's memory: ask once, and not for all photos at once."""
        return lab.rgb_to_lab(self.rgb).astype(np.float32)

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
    """The photos below a folder, stretched; see `runtime.photos.load_photos`, also for what it raises."""
    photos = read_photos(folder, limit, on_error=on_error)
    return [stretched(path.name, rgb) for path, rgb in photos]


def without_color(photo_lab: Array) -> Bytes:
    """LAB [H, W, 3] to the photo without its colors, uint8 [H, W, 3]: what is given to be colored."""
    return lab.lab_to_rgb(photo_lab * (1.0, 0.0, 0.0))


def show_hints(photo: EvalPhoto, count: int) -> Bytes:
    """The photo without its colors, with its 3x3 hints drawn larger than they are, or nobody would see them."""
    shown = without_color(photo.to_lab())
    for y, x in protocol.hint_centers(photo.name, count):
        shown[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5] = 255
        shown[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = photo.rgb[y, x]
    return shown


def score_bundle(colorizer: Colorizer, photos: list[EvalPhoto], counts: Sequence[int]) -> dict[int, list[Scores]]:
    """For each number of hints the scores of each photo's picture as a bundle makes it from the grey photo and them."""
    found: dict[int, list[Scores]] = {count: [] for count in counts}
    for photo in photos:
        truth = photo.to_lab()
        colorizer.set_image(without_color(truth), grid=(protocol.SIZE, protocol.SIZE))
        for count, rows in found.items():
            made = colorizer.color(protocol.true_hints(photo.rgb, photo.name, count))
            rows.append(scores.picture_scores(made, photo.rgb, truth))
    return found


def report_rows(found: dict[int, list[Scores]], photos: list[EvalPhoto]) -> list[dict[str, Any]]:
    """Means with standard errors for each number of hints, over all photos and over those that pass the filter."""
    rows: list[dict[str, Any]] = []
    for count, each in found.items():
        kept = [row for row, photo in zip(each, photos, strict=True) if photo.filtered]
        for name, some in (("unfiltered", each), ("filtered", kept)):
            if some:
                rows.append({"photos": name, "count": len(some), "hints": count, **scores.summarize(some)})
    return sorted(rows, key=lambda row: row["photos"] == "filtered")
