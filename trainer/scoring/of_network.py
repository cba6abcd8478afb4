"""Scores of a network on photos with fixed hints (see color/protocol.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...color import lab, protocol, scores, tensors
from ...color.lab import Array, Bytes
from ...models import Network, Prediction
from ..loss import hard_cross_entropy, shrink_ab
from .held_out import EvalPhoto, Scores, load_photos

__all__ = [
    "EvalPhoto",
    "confusion_matrix",
    "evaluate_network",
    "load_photos",
    "paint",
    "predictions",
    "score_network",
]


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a network predicts of a batch of photos with `count` hints each.

    labs: theirs, float32 [B, 256, 256, 3]; truth: their ab at the network's grid [B, 2, g, k].
    """

    count: int
    photos: list[EvalPhoto]
    labs: NDArray[np.float32]
    prediction: Prediction
    truth: Tensor


@torch.no_grad()
def predictions(
    model: Network, photos: list[EvalPhoto], device: torch.device, counts: Sequence[int], batch_size: int = 8
) -> Iterator[Predicted]:
    """What the network predicts of the photos, batch by batch, and of each batch with each number of hints."""
    for start in range(0, len(photos), batch_size):
        part = photos[start : start + batch_size]
        labs = np.stack([photo.to_lab() for photo in part])
        planes = torch.from_numpy(labs).permute(0, 3, 1, 2).to(device)
        for count in counts:
            masks = np.stack([protocol.hint_mask(protocol.hint_centers(p.name, count)) for p in part])
            mask = torch.from_numpy(masks)[:, None].float().to(device)
            prediction = model(planes[:, :1], planes[:, 1:] * mask, mask).float()
            yield Predicted(count, part, labs, prediction, shrink_ab(planes[:, 1:], prediction.logits))


def paint(photo_lab: Array, ab_2HW: Tensor) -> Bytes:
    """The picture uint8 [256, 256, 3] with the lightness of a photo's LAB and a predicted ab of any grid."""
    if ab_2HW.shape[-1] != protocol.SIZE:
        ab_2HW = F.interpolate(ab_2HW[None], size=(protocol.SIZE, protocol.SIZE), mode="bicubic")[0]
    ab = ab_2HW.permute(1, 2, 0).cpu().double().numpy()
    return lab.lab_to_rgb(np.concatenate([photo_lab[..., :1], ab], axis=-1))


def score_network(
    model: Network,
    photos: list[EvalPhoto],
    device: torch.device,
    counts: Sequence[int],
    weights: Tensor | None = None,
) -> dict[int, list[Scores]]:
    """For each number of hints the scores of each photo: of the picture (color/scores.py), and of the logits.

    Of the logits, at the network's grid: argmax_accuracy, the share of the cells whose most probable bin is the true
    one, mean of both heads (the paper's accuracy); entropy, the cross-entropy, sum of both heads; weighted, the same,
    cells counting by class weights [2, 32].
    """
    found: dict[int, list[Scores]] = {count: [] for count in counts}
    even = torch.ones(2, 32, device=device)
    for batch in predictions(model, photos, device, counts):
        logits, truth = batch.prediction.logits, batch.truth
        right = (logits.argmax(2) == tensors.to_bins(truth)).float().mean((1, 2, 3))
        (entropy,) = hard_cross_entropy(logits, truth, even)
        columns = {"argmax_accuracy": right, "entropy": entropy}
        if weights is not None:
            (columns["weighted"],) = hard_cross_entropy(logits, truth, weights)
        for number, (photo, own, ab) in enumerate(zip(batch.photos, batch.labs, batch.prediction.ab, strict=True)):
            row = scores.picture_scores(paint(own, ab), photo.rgb, own)
            found[batch.count].append(row | {name: float(column[number]) for name, column in columns.items()})
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
    for count, found in score_network(model, photos, device, counts, weights).items():
        summary = scores.summarize(found)
        rows.append({"hints": count, "photos": len(photos), **{k: v["mean"] for k, v in summary.items()}})
    return rows


def confusion_matrix(model: Network, photos: list[EvalPhoto], device: torch.device, count: int) -> NDArray[np.float64]:
    """How often a true bin (row) is predicted as a bin (column), shares of each row: [2, 32, 32], a then b."""
    found = np.zeros((2, 32, 32))
    for batch in predictions(model, photos, device, (count,)):
        wanted, got = tensors.to_bins(batch.truth).cpu().numpy(), batch.prediction.logits.argmax(2).cpu().numpy()
        for head in range(2):
            np.add.at(found[head], (wanted[:, head].ravel(), got[:, head].ravel()), 1)
    return found / np.maximum(found.sum(2, keepdims=True), 1)
