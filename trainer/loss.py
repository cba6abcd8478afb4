"""The rebalanced classification loss (paper, eq. 1-4) and the distance of the decoded chroma."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..color import bins
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


def soft_cross_entropy(logits_B2KHW: Tensor, ab_B2HW: Tensor, weights_2K: Tensor) -> Tensor:
    """Weighted cross-entropy of each cell, summed over both heads: [B, H, W].

    The truth is shared between the two bins whose centres it lies between, so that the expectation is not biased.
    """
    at = ((ab_B2HW - bins.LOWEST) / bins.WIDTH - 0.5).clamp(0.0, bins.COUNT - 1.0)
    low = at.floor().clamp(max=bins.COUNT - 2.0)
    part = (at - low)[:, :, None]
    index = low.long()[:, :, None]
    log_p = F.log_softmax(logits_B2KHW, dim=2)
    entropy = -(1.0 - part) * log_p.gather(2, index) - part * log_p.gather(2, index + 1)
    nearest = (index + (part > 0.5).long())[:, :, 0]
    heads = torch.arange(2, device=nearest.device).view(1, 2, 1, 1)
    return (entropy[:, :, 0] * weights_2K[heads, nearest]).sum(1)


def total_loss(
    prediction: Prediction, ab_B2HW: Tensor, mask_B1HW: Tensor, weights_2K: Tensor, config: TrainConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss and its parts; truth [B, 2, g, k] and hint mask [B, 1, g, k] are at the prediction's grid."""
    entropy = soft_cross_entropy(prediction.logits, ab_B2HW, weights_2K)
    hinted = mask_B1HW[:, 0]
    patch = (entropy * hinted).sum() / hinted.sum().clamp(min=1.0)
    distance = F.smooth_l1_loss(prediction.ab, ab_B2HW, beta=4.0, reduction="none").sum(1).mean()
    loss = (
        config.classification_weight * entropy.mean()
        + config.patch_weight * patch
        + config.regression_weight * distance
    )
    return loss, {"entropy": entropy.mean(), "patch": patch, "distance": distance}
