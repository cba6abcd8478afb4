"""Enlarging ab by mixing neighbors with weights that the network chooses (as Teed and Deng 2020 do with flow)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..color import tensors
from .blocks import conv_bn


class LearnedEnlarging(nn.Module):
    """ab [B, 2, H, W] to [B, 2, 2H, 2W]: each half cell is a convex mixture of the 3x3 cells around it.

    A mixture invents no color; it chooses on which side of an edge the half cell lies. It begins as bilinear
    interpolation.
    """

    around: Tensor

    def __init__(self, channels: int, width: int = 48) -> None:
        super().__init__()
        self.hidden = conv_bn(channels, width)
        self.choose = nn.Conv2d(width, 9 * 4, 1)
        self.register_buffer("around", torch.eye(9).view(9, 1, 3, 3).repeat(2, 1, 1, 1), persistent=False)
        line = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]])
        # [9 neighbors, 4 half cells], both row by row.
        bilinear = torch.einsum("sy,tx->yxst", line, line).reshape(9, 4)
        with torch.no_grad():
            self.choose.weight.zero_()
            assert self.choose.bias is not None
            self.choose.bias.copy_((bilinear + 1e-3).log().flatten())

    def choices(self, feature: Tensor) -> Tensor:
        """Feature [B, C, H, W] to the logits of the mixtures [B, 36, H, W]: nine neighbors times four half cells."""
        chosen: Tensor = self.choose(torch.relu(self.hidden(feature)))
        return chosen

    def forward(self, ab: Tensor, choices: Tensor) -> Tensor:
        b, _, h, w = ab.shape
        share = tensors.middle_softmax(choices.view(b, 1, 9, 4, h, w), 2)
        near = F.conv2d(F.pad(ab, (1, 1, 1, 1), mode="replicate"), self.around.to(ab.dtype), groups=2)
        mixed = (near.view(b, 2, 9, 1, h, w) * share).sum(2)
        return F.pixel_shuffle(mixed.view(b, 8, h, w), 2)
