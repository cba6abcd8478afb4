"""Scores of a network or a bundle on photos with fixed hints (see color/protocol.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..color import lab, protocol, scores, tensors
from ..color.errors import NothingToDoError, PictureError
from ..color.lab import Array, Bytes
from ..models import Network, Prediction
from ..runtime.colorizer import Colorizer
from ..runtime.pictures import find_pictures, read_picture
from .loss import hard_cross_entropy
from .photos import ab_bins, grey_share, resize

# The paper's filter: photos with this share of near-grey pixels are left out (section 4.1).
FILTER = 0.7

Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class EvalPhoto:
    """A photo stretched to 256 x 256: uint8 RGB, its LAB float [256, 256, 3], its share of near-grey pixels."""

    name: str
    rgb: Bytes
    lab: Array
    grey: float

    @property
    def filtered(self) -> bool:
        """Does it pass the paper's near-grey filter?"""
        return self.grey < FILTER


def load_photos(
    folder: Path, limit: int | None = None, on_error: Callable[[Path, PictureError], None] | None = None
) -> list[EvalPhoto]:
    """The photos below a folder, in the order of their names' hash; the first `limit` are a fair sample.

    Raises NothingToDoError where there is none, and what reading raises unless on_error hears it.
    """
    found = []
    for path in protocol.sample(find_pictures(folder), limit):
        try:
            rgb = resize(read_picture(path).rgb, protocol.SIZE, protocol.SIZE)
        except PictureError as error:
            if on_error is None:
                raise PictureError(f"{path}: {error}") from error
            on_error(path, error)
            continue
        found.append(EvalPhoto(path.name, rgb, lab.rgb_to_lab(rgb), grey_share(ab_bins(rgb))))
    if not found:
        raise NothingToDoError(f"no photo found in {folder}")
    return found


@torch.no_grad()
def predictions(
    model: Network, photos: list[EvalPhoto], device: torch.device, count: int, batch_size: int = 8
) -> Iterator[tuple[list[EvalPhoto], Prediction, Tensor]]:
    """Batch by batch: the photos, what the network predicts with `count` hints, and the true ab at its grid."""
    for start in range(0, len(photos), batch_size):
        part = photos[start : start + batch_size]
        planes = torch.from_numpy(np.stack([p.lab for p in part])).permute(0, 3, 1, 2).float().to(device)
        masks = np.stack([protocol.hint_mask(protocol.hint_centres(p.name, count)) for p in part])
        mask = torch.from_numpy(masks)[:, None].float().to(device)
        prediction = model(planes[:, :1], planes[:, 1:] * mask, mask).float()
        yield part, prediction, F.avg_pool2d(planes[:, 1:], planes.shape[-1] // prediction.logits.shape[-1])


def paint(photo: EvalPhoto, ab_2HW: Tensor) -> Bytes:
    """The picture uint8 [256, 256, 3] with the photo's own lightness and a predicted ab of any grid."""
    if ab_2HW.shape[-1] != protocol.SIZE:
        ab_2HW = F.interpolate(ab_2HW[None], size=(protocol.SIZE, protocol.SIZE), mode="bicubic")[0]
    ab = ab_2HW.permute(1, 2, 0).cpu().double().numpy()
    return lab.lab_to_rgb(np.concatenate([photo.lab[..., :1], ab], axis=-1))


def score_network(
    model: Network, photos: list[EvalPhoto], device: torch.device, count: int, weights: Tensor | None = None
) -> list[Scores]:
    """The scores of each photo: those of the picture (color/scores.py), and of the logits at the network's grid.

    argmax_accuracy: share of the cells whose most probable bin is the true one, mean of both heads (the paper's
    accuracy); entropy: cross-entropy, sum of both heads; weighted: the same, cells counting by class weights [2, 32].
    """
    found: list[Scores] = []
    even = torch.ones(2, 32, device=device)
    for part, prediction, truth in predictions(model, photos, device, count):
        right = (prediction.logits.argmax(2) == tensors.to_bins(truth)).float().mean((1, 2, 3))
        (entropy,) = hard_cross_entropy(prediction.logits, truth, even)
        columns = {"argmax_accuracy": right, "entropy": entropy}
        if weights is not None:
            (columns["weighted"],) = hard_cross_entropy(prediction.logits, truth, weights)
        for number, (photo, ab) in enumerate(zip(part, prediction.ab, strict=True)):
            row = scores.picture_scores(paint(photo, ab), photo.rgb, photo.lab)
            found.append(row | {name: float(column[number]) for name, column in columns.items()})
    return found


def score_bundle(colorizer: Colorizer, photos: list[EvalPhoto], count: int) -> list[Scores]:
    """The scores of each photo's picture as a bundle makes it from the grey photo and a hint raster."""
    found: list[Scores] = []
    for photo in photos:
        colorizer.set_image(lab.lab_to_rgb(photo.lab * (1.0, 0.0, 0.0)), grid=(protocol.SIZE, protocol.SIZE))
        made = colorizer.color(protocol.true_hints(photo.rgb, photo.name, count))
        found.append(scores.picture_scores(made, photo.rgb, photo.lab))
    return found


def evaluate_network(
    model: Network,
    photos: list[EvalPhoto],
    device: torch.device,
    counts: tuple[int, ...],
    *,
    weights: Tensor | None = None,
) -> list[dict[str, Any]]:
    """The means over the photos, a row for each number of hints."""
    rows: list[dict[str, Any]] = []
    for count in counts:
        summary = scores.summarise(score_network(model, photos, device, count, weights))
        rows.append({"hints": count, "photos": len(photos), **{k: v["mean"] for k, v in summary.items()}})
    return rows


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


def confusion_matrix(model: Network, photos: list[EvalPhoto], device: torch.device, count: int) -> NDArray[np.float64]:
    """How often a true bin (row) is predicted as a bin (column), shares of each row: [2, 32, 32], a then b."""
    found = np.zeros((2, 32, 32))
    for _, prediction, truth in predictions(model, photos, device, count):
        wanted, got = tensors.to_bins(truth).cpu().numpy(), prediction.logits.argmax(2).cpu().numpy()
        for head in range(2):
            np.add.at(found[head], (wanted[:, head].ravel(), got[:, head].ravel()), 1)
    return found / np.maximum(found.sum(2, keepdims=True), 1)
