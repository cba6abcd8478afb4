"""The rebalanced classification loss (paper, eq. 1-4) and the distance of the decoded chroma."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..color import bins, tensors
from ..models import Prediction
from .config import TrainConfig

GAUSSIAN_BINS = 1.0


def class_weights(counts_2K: NDArray[np.integer], how: str) -> Tensor:
    """Weights of the bins [2, 32] from their counts, mean 1 over the data.

    "paper": w = (1/f) / sum(1/f) (eq. 1); empty bins take the rarest bin's weight. "smoothed": 1 / (p/2 + 1/(2*32))
    with p smoothed by a Gaussian of one bin (Zhang et al. 2016, section 2.2). "none": 1.
    """
    share = counts_2K / counts_2K.sum(1, keepdims=True)
    if how == "none":
        weight = np.ones_like(share)
    elif how == "paper":
        floor = np.where(share > 0, share, np.inf).min(1, keepdims=True)
        weight = 1.0 / np.maximum(share, floor)
    else:
        at = np.arange(bins.COUNT)
        kernel = np.exp(-((at[:, None] - at[None]) ** 2) / (2 * GAUSSIAN_BINS**2))
        smooth = share @ (kernel / kernel.sum(1, keepdims=True)).T
        weight = 1.0 / (0.5 * smooth / smooth.sum(1, keepdims=True) + 0.5 / bins.COUNT)
    weight = weight / (share * weight).sum(1, keepdims=True)
    return torch.from_numpy(weight).float()


class _Classes(torch.autograd.Function):
    """Of logits [B, 2, 32, H, W]: the cross-entropy [B, 2, H, W] and the mean of the bins' centers [B, 2, H, W].

    Of the truth, `part` lies in bin `index` + 1 and the rest in bin `index`.

    Its gradient is written out, for a third of the time: autograd keeps, and walks again, many tensors of that size.
    """

    @staticmethod
    def forward(ctx: Any, logits_B2KHW: Tensor, index_B21HW: Tensor, part_B2HW: Tensor) -> tuple[Tensor, Tensor]:
        log_p = logits_B2KHW.log_softmax(2)
        low, high = (log_p.gather(2, index)[:, :, 0] for index in (index_B21HW, index_B21HW + 1))
        p = log_p.exp_()
        mean = (tensors.centers(p) @ p.flatten(3)).unflatten(2, p.shape[3:])
        ctx.save_for_backward(p, mean, index_B21HW, part_B2HW)
        return torch.lerp(low, high, part_B2HW).neg_(), mean

    @staticmethod
    def backward(ctx: Any, of_entropy_B2HW: Tensor, of_mean_B2HW: Tensor) -> tuple[Tensor | None, ...]:
        p, mean, index, part = ctx.saved_tensors
        constant = (of_entropy_B2HW - of_mean_B2HW * mean)[:, :, None]
        centers = tensors.centers(p).view(1, 1, -1, 1, 1)
        gradient = torch.addcmul(constant, of_mean_B2HW[:, :, None], centers).mul_(p)
        gradient.scatter_add_(2, index, (of_entropy_B2HW * (part - 1.0))[:, :, None])
        gradient.scatter_add_(2, index + 1, (of_entropy_B2HW * -part)[:, :, None])
        return gradient, None, None


def soft_cross_entropy(logits_B2KHW: Tensor, ab_B2HW: Tensor, weights_2K: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted cross-entropy of each cell, summed over both heads [B, H, W]; the ab that is decoded [B, 2, H, W].

    The truth is shared between the two bins whose centers it lies between, so that the expectation is not biased. The
    ab is `tensors.annealed_mean`, which comes along at little cost.
    """
    at = ((ab_B2HW - bins.LOWEST) / bins.WIDTH - 0.5).clamp(0.0, bins.COUNT - 1.0)
    low = at.floor().clamp(max=bins.COUNT - 2.0)
    part, index = at - low, low.long()
    entropy, mean = _Classes.apply(logits_B2KHW, index[:, :, None], part)
    nearest = index + (part > 0.5).long()
    heads = torch.arange(2, device=nearest.device).view(1, 2, 1, 1)
    return (entropy * weights_2K[heads, nearest]).sum(1), mean


def hard_cross_entropy(
    logits_B2KHW: Tensor, ab_B2HW: Tensor, weights_2K: Tensor, *wheres_BHW: Tensor
) -> tuple[Tensor, ...]:
    """Cross-entropy against the bins that hold the truth, of each photo, summed over both heads: [B].

    The mean over the cells, each counting by its bin's weight (as torch's weighted cross-entropy has it, but photo by
    photo), so that eq. 1's weights, which differ by millions, cannot make one pixel outweigh the batch. First over all
    cells, then over those of each mask [B, H, W]; a photo without any gives 0.
    """
    index = tensors.to_bins(ab_B2HW)
    heads = torch.arange(2, device=index.device).view(1, 2, 1, 1)
    weight = weights_2K[heads, index]
    # As soft labels that lie in one bin whole: in `index`, or in the last by the bin before it.
    low = index.clamp(max=bins.COUNT - 2)
    entropy, _ = _Classes.apply(logits_B2KHW, low[:, :, None], (index - low).to(weight.dtype))

    def mean(weight_B2HW: Tensor) -> Tensor:
        return ((entropy * weight_B2HW).sum((2, 3)) / weight_B2HW.sum((2, 3)).clamp(min=1e-12)).sum(1)

    return mean(weight), *(mean(weight * where[:, None]) for where in wheres_BHW)


def joint_cross_entropy(logits_BJHW: Tensor, ab_B2HW: Tensor) -> Tensor:
    """Cross-entropy of each cell [B, H, W] over the nodes of a and b together.

    The truth is the bilinear mixture of the four nodes around it, so that the expectation is not biased. No class
    counts more than another: these probabilities are shown to people.
    """
    table = torch.full((32, 32), -1, device=ab_B2HW.device)
    nodes = torch.as_tensor(bins.JOINT / bins.JOINT_WIDTH, device=ab_B2HW.device).long() + 16
    table[nodes[:, 0], nodes[:, 1]] = torch.arange(len(nodes), device=ab_B2HW.device)
    at = ab_B2HW / bins.JOINT_WIDTH + 16.0
    low = at.floor().clamp(0.0, 30.0)
    part = (at - low).clamp(0.0, 1.0)
    low = low.long()
    log_p = F.log_softmax(logits_BJHW, dim=1)
    entropy = torch.zeros_like(part[:, 0])
    covered = torch.full_like(entropy, 1e-6)
    for step_a in (0, 1):
        for step_b in (0, 1):
            index = table[low[:, 0] + step_a, low[:, 1] + step_b]
            share = (part[:, 0] if step_a else 1.0 - part[:, 0]) * (part[:, 1] if step_b else 1.0 - part[:, 1])
            # The mean of colors may lie where no single one does.
            share = share * (index >= 0)
            entropy = entropy - share * log_p.gather(1, index.clamp(min=0)[:, None])[:, 0]
            covered = covered + share
    return entropy / covered


def shrink_ab(ab_B2HW: Tensor, like: Tensor) -> Tensor:
    """The true ab at the grid of `like` [..., g, k], as the means of its cells."""
    factor = ab_B2HW.shape[-1] // like.shape[-1]
    return ab_B2HW if factor == 1 else F.avg_pool2d(ab_B2HW, factor)


def shrink_mask(mask_B1HW: Tensor, like: Tensor) -> Tensor:
    """The cells of the grid of `like` [..., g, k] that hold a hint."""
    factor = mask_B1HW.shape[-1] // like.shape[-1]
    return mask_B1HW if factor == 1 else F.max_pool2d(mask_B1HW, factor)


def argmax_accuracy(prediction: Prediction, ab_B2HW: Tensor) -> Tensor:
    """Share of the cells whose most probable bin is the true one, averaged over both heads (the paper's accuracy)."""
    truth = shrink_ab(ab_B2HW, prediction.logits)
    return (prediction.logits.argmax(2) == tensors.to_bins(truth)).float().mean()


def total_loss(
    prediction: Prediction, ab_B2HW: Tensor, mask_B1HW: Tensor, weights_2K: Tensor, config: TrainConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss and its parts; truth [B, 2, H, W] and hint mask [B, 1, H, W] are at the prediction's grid or finer.

    Each is the mean over the photos of what one photo costs, so that it is the same however a batch is split.
    """
    truth = shrink_ab(ab_B2HW, prediction.logits)
    hinted = shrink_mask(mask_B1HW, prediction.logits)[:, 0]
    if config.labels == "soft":
        entropy, ab = soft_cross_entropy(prediction.logits, truth, weights_2K)
        if prediction.decoded is None:
            prediction = replace(prediction, decoded=ab)
        patch = (entropy * hinted).sum((1, 2)) / hinted.sum((1, 2)).clamp(min=1.0)
    else:
        entropy, patch = hard_cross_entropy(prediction.logits, truth, weights_2K, hinted)
    parts = {"entropy": entropy.mean(), "patch": patch.mean()}
    loss = config.classification_weight * parts["entropy"] + config.patch_weight * parts["patch"]
    if config.joint_weight and prediction.joint is not None:
        parts["joint"] = joint_cross_entropy(prediction.joint, truth).mean()
        loss = loss + config.joint_weight * parts["joint"]
    if config.regression_weight:
        ab = prediction.ab
        parts["distance"] = F.smooth_l1_loss(ab, shrink_ab(ab_B2HW, ab), beta=4.0, reduction="none").sum(1).mean()
        loss = loss + config.regression_weight * parts["distance"]
    return loss, parts
