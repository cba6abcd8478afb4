"""The test: every row's network on the same photos with the same hints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F
from gcolor.color import bins, tensors
from gcolor.color.lab import Bytes
from gcolor.models import Network
from gcolor.trainer.config import TrainConfig
from gcolor.trainer.data.crops import Crops
from gcolor.trainer.data.photos import resize
from gcolor.trainer.data.shards import ShardSet
from gcolor.trainer.loss import class_weights, total_loss
from gcolor.trainer.simulate import Draws, paper_hints
from gcolor.trainer.step import Sample, predict
from numpy.typing import NDArray
from torch import Tensor, nn

RING = 4
"""Cells within so many rows and columns of a hint lie around it."""
ANEW = 480
"""So many training photos give a network's normalization its means anew."""

Scores = dict[str, float | None]
"""Of one photo: the share of values in the true bin over the whole photo ("accuracy"), at its hints ("hinted"), around
them ("around") and elsewhere ("beyond"); of a network also its loss, the accuracy once the class weights are taken out
of its logits ("unweighted") and once the means of its normalization are taken anew ("anew"), and how much the logits
vary over the photo ("spread"). None where the photo has no such cell."""


@dataclass(frozen=True, slots=True)
class TestPhoto:
    """A photo uint8 [H, W, 3] and, as a batch of one, what a network sees of it and must find."""

    rgb: Bytes
    sample: Sample

    def scores(self, bins_2HW: Tensor) -> Scores:
        """The scores of an answer in bins [2, H, W]."""
        right = (bins_2HW == tensors.to_bins(self.sample.ab[0])).float().mean(0)
        hinted = self.sample.hint_mask[0, 0] > 0
        near = F.max_pool2d(self.sample.hint_mask, 2 * RING + 1, 1, RING)[0, 0] > 0
        zones = {"accuracy": near | ~near, "hinted": hinted, "around": near & ~hinted, "beyond": ~near}
        return {name: right[zone].mean().item() if zone.any() else None for name, zone in zones.items()}


def with_hints(rgb: Bytes, number: int) -> TestPhoto:
    """A photo [H, W, 3] with the hints that belong to its number."""
    lab = tensors.rgb_to_lab(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255.0)
    hint_ab, hint_mask = paper_hints(lab[:, 1:], Draws(torch.Generator().manual_seed(number), 1, 0, 1))
    return TestPhoto(rgb, Sample(lab[:, :1], hint_ab, hint_mask, lab[:, 1:]))


def test_photos(shards: ShardSet, size: int) -> Iterator[TestPhoto]:
    """All photos of shards as squares, in their order."""
    photos = Crops(shards, size, "stretch", ())
    for number in range(shards.photos):
        yield with_hints(resize(photos.photo(number), size, size), number)


def without_hints(sample: Sample) -> Sample:
    """The same photo, of which no hint is shown."""
    return Sample(sample.lightness, sample.hint_ab * 0.0, sample.hint_mask * 0.0, sample.ab)


@torch.no_grad()
def examine_network(
    network: Network, photos: Iterator[TestPhoto], hinted: bool, counts: NDArray[np.int64], config: TrainConfig
) -> list[Scores]:
    """The scores of each photo by a network in evaluation mode; counts [2, 32] of the bins that it was trained with."""
    weights = class_weights(counts, config.rebalance)
    log_weights = weights.log()[None, :, :, None, None]
    found: list[Scores] = []
    for photo in photos:
        sample = photo.sample if hinted else without_hints(photo.sample)
        prediction = predict(network, sample, "fp32")
        loss, _ = total_loss(prediction, sample.ab, sample.hint_mask, weights, config)
        scores = photo.scores(prediction.logits.argmax(2)[0])
        scores["unweighted"] = photo.scores((prediction.logits - log_weights).argmax(2)[0])["accuracy"]
        spread = prediction.logits.std((3, 4)).mean().item()
        found.append(scores | {"loss": loss.item(), "spread": spread})
    return found


@torch.no_grad()
def take_means_anew(network: Network, photos: Iterator[TestPhoto], hinted: bool, batch: int = 16) -> None:
    """Give batch normalization the means and variances of photos by the weights as they are; ends in evaluation mode.

    Its own are a moving average over the last steps of training, of weights that may have moved away since.
    """
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # a plain mean over the batches to come
    network.train()
    for sample in batches(photos, batch):
        predict(network, sample if hinted else without_hints(sample), "fp32")
    network.eval()


@torch.no_grad()
def is_dead(network: Network, photos: Iterator[TestPhoto], batch: int = 16) -> bool:
    """Whether a network, as it is while training, answers the same at every cell of every photo.

    Its last features are 0 for all that it is shown, so that no gradient passes them: nothing but the biases of its
    heads would change in all the passes to come.
    """
    network.train()
    return not any(predict(network, s, "fp32").logits.std((3, 4)).any() for s in batches(photos, batch))


def batches(photos: Iterator[TestPhoto], size: int) -> Iterator[Sample]:
    """What a network sees of photos, so many at a time."""
    while some := [photo.sample for photo in islice(photos, size)]:
        yield Sample(*(torch.cat([getattr(one, part.name) for one in some]) for part in fields(Sample)))


def examine_painter(paint: Callable[[TestPhoto], Bytes], photos: Iterator[TestPhoto]) -> list[Scores]:
    """The scores of each photo by the pictures uint8 [H, W, 3] that are made of them."""
    found = []
    for photo in photos:
        made = torch.from_numpy(paint(photo).copy()).permute(2, 0, 1)[None].float() / 255.0
        found.append(photo.scores(tensors.to_bins(tensors.rgb_to_lab(made)[0, 1:])))
    return found


def examine_constant(counts: NDArray[np.int64], photos: Iterator[TestPhoto]) -> list[Scores]:
    """The scores of always answering the commonest bin of a and of b, by counts [2, 32]."""
    answer = torch.from_numpy(counts.reshape(2, bins.COUNT).argmax(1)).view(2, 1, 1)
    return [photo.scores(answer) for photo in photos]
