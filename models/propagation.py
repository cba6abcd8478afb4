"""How hints reach the cells that have none: carried by attention, spread as residuals, put right around their place.

Grids: cells of 4 x 4 pixels of the network's input unless said otherwise; ab in CIE units, lightness L in 0..100.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def pool_hints(ab: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Mean hint chroma [B, 2, h/2, w/2] (0 where none) and the share of hinted pixels [B, 1, h/2, w/2] of 2x2 cells.

    Of each of them the hints' mean ab [B, 2, h, w] and share [B, 1, h, w], of a pixel its hint and 0 or 1.
    """
    larger = F.avg_pool2d(share, 2)
    return F.avg_pool2d(ab * share, 2) / larger.clamp(min=1e-4), larger


def pick(x_BCN: Tensor, index_Bk: Tensor) -> Tensor:
    """The values of some cells, [B, C, k]."""
    return x_BCN.gather(2, index_Bk[:, None].expand(-1, x_BCN.shape[1], -1))


def in_fp32(like: Tensor) -> AbstractContextManager[object]:
    """Where a mixed precision is on, off again: for sums of squares that cancel."""
    kind = like.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()


class HintPropagation(nn.Module):
    """Attention from every cell to the hinted cells; the values are the hints' own colors.

    Returns, for each head, the color ab / 50 and how sure the head is (0..1): [B, 3 * heads, H, W].
    """

    def __init__(self, channels: int, heads: int, width: int = 16) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.query = nn.Conv2d(channels, heads * (width - 4), 1)
        self.key = nn.Conv2d(channels, heads * (width - 4), 1)
        # How far each head reaches, as the sigma of a Gaussian, in cells: from local to everywhere.
        self.log_reach = nn.Parameter(torch.linspace(math.log(2.0), math.log(24.0), heads))
        # The key of "no hint fits": a cell that finds nothing better attends here and carries no color.
        self.null_key = nn.Parameter(torch.zeros(heads, 1, width))

    def _distance_terms(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """Four more dimensions of query and key, [heads, H*W, 4], whose product is -distance^2 / (2 reach^2)."""
        h, w = feature.shape[-2:]
        y = torch.arange(h, device=feature.device, dtype=feature.dtype).view(h, 1).expand(h, w) - h / 2
        x = torch.arange(w, device=feature.device, dtype=feature.dtype).view(1, w).expand(h, w) - w / 2
        at = torch.stack([y, x], dim=-1).reshape(1, h * w, 2) / (self.log_reach.exp().view(-1, 1, 1) * math.sqrt(2.0))
        square, one = (at * at).sum(-1, keepdim=True), torch.ones_like(at[..., :1])
        return torch.cat([2.0 * at, -square, one], dim=-1), torch.cat([at, one, -square], dim=-1)

    def forward(self, feature: Tensor, ab: Tensor, mask: Tensor, index: Tensor, reserve: float = 0.0) -> Tensor:
        """feature [B, C, H, W], the hints' ab / 50 [B, 2, H, W] and mask [B, 1, H, W], the cells to look at [B, k].

        reserve: what is added to the score of "no hint fits".
        """
        b, _, h, w = feature.shape
        near_q, near_k = self._distance_terms(feature)
        split = (b, self.heads, self.width - 4, h * w)
        scale = 1.0 / math.sqrt(self.width - 4)
        q = torch.cat([self.query(feature).view(split).transpose(2, 3) * scale, near_q.expand(b, -1, -1, -1)], dim=-1)
        k = torch.cat([self.key(feature).view(split).transpose(2, 3), near_k.expand(b, -1, -1, -1)], dim=-1)
        k = k.gather(2, index[:, None, :, None].expand(-1, self.heads, -1, self.width))
        value = pick(torch.cat([ab, mask], dim=1).flatten(2), index)[:, None].transpose(2, 3)
        # A cell without a hint is infinitely far: the query's last number is 1, the key's -distance^2.
        k = k + F.pad((value[..., 2:] - 1.0) * 1e4, (self.width - 1, 0))
        null_key = self.null_key + F.pad(self.null_key.new_full((1, 1, 1), reserve), (self.width - 1, 0))
        k = torch.cat([k, null_key.expand(b, -1, -1, -1)], dim=2)
        value = F.pad(value, (0, self.width - 3, 0, 1)).expand(-1, self.heads, -1, -1)
        out = F.scaled_dot_product_attention(q, k, value, scale=1.0)
        color, sure = out[..., :3].transpose(2, 3).split([2, 1], dim=2)
        return torch.cat([color / (sure + 1e-3), sure], dim=2).reshape(b, self.heads * 3, h, w)


class ResidualSpreading(nn.Module):
    """Spreads what a prediction lacks at its hints, one kernel after the other, from far-reaching to near.

    Each kernel hands a cell a weighted mean of the lacks at the hinted blocks (2x2 cells); its weights fall with the
    distance in place and lightness and rise with the likeness of learned features, and a constant beside them lets what
    is far from all hints be. The next kernel spreads what is still lacking.
    """

    def __init__(self, channels: int, kernels: int, width: int = 8) -> None:
        super().__init__()
        self.kernels, self.width = kernels, width
        self.query = nn.Conv2d(channels, kernels * width, 1)
        self.key = nn.Conv2d(channels, kernels * width, 1)
        nn.init.zeros_(self.query.weight)
        # Sigmas of the Gaussians, in cells and in L.
        self.log_reach = nn.Parameter(torch.linspace(math.log(16.0), math.log(3.0), kernels))
        self.log_likeness = nn.Parameter(torch.linspace(math.log(12.0), math.log(8.0), kernels))
        self.log_nothing = nn.Parameter(torch.full((kernels,), -2.0))

    def _places(self, h: int, w: int, cell: float, like: Tensor) -> Tensor:
        """Row and column of each cell from the middle of the picture [1, 2, h*w]; cell: the side of one."""
        y = (torch.arange(h, device=like.device, dtype=like.dtype) + 0.5 - h / 2) * cell
        x = (torch.arange(w, device=like.device, dtype=like.dtype) + 0.5 - w / 2) * cell
        return torch.stack([y.view(h, 1).expand(h, w), x.view(1, w).expand(h, w)]).view(1, 2, h * w)

    def forward(
        self, ab: Tensor, hint_ab: Tensor, mask: Tensor, feature: Tensor, lightness: Tensor, index: Tensor
    ) -> Tensor:
        """ab, hint_ab [B, 2, H, W], mask and lightness [B, 1, H, W], feature [B, C, H, W] to the new ab.

        index: the blocks to look at [B, k].
        """
        b, _, h, w = ab.shape
        split = (b, self.kernels, self.width, -1)
        share = F.avg_pool2d(mask, 2)
        part = share.clamp(min=0.25)
        hinted = (share > 0).to(ab.dtype)
        blocks = F.avg_pool2d(torch.cat([feature, lightness], dim=1) * mask, 2) / part
        key = pick(self.key(blocks[:, :-1]).flatten(2), index).view(split)
        query = self.query(feature).view(split) / math.sqrt(self.width)
        at = torch.cat([self._places(h, w, 1.0, ab).expand(b, -1, -1), lightness.flatten(2) - 50.0], dim=1)
        places = self._places(h // 2, w // 2, 2.0, ab).expand(b, -1, -1)
        block_at = pick(torch.cat([places, blocks[:, -1:].flatten(2) - 50.0], dim=1), index)
        missing = (pick(hinted.flatten(2), index) - 1.0) * 1e4

        for kernel in range(self.kernels):
            reach, like = self.log_reach[kernel].expand(2), self.log_likeness[kernel].view(1)
            scale = (-torch.cat([reach, like])).exp().view(1, 3, 1)
            x, y = at * scale, block_at * scale
            # -|x - y|^2 / 2 without -|x|^2 / 2, which the constant is lifted by instead.
            far = missing - 0.5 * y.square().sum(1, keepdim=True)
            scores = torch.cat([query[:, kernel], x, torch.ones_like(x[:, :1])], dim=1).transpose(1, 2) @ torch.cat(
                [key[:, kernel], y, far], dim=1
            )
            nothing = self.log_nothing[kernel] + 0.5 * x.square().sum(1)
            weight = torch.cat([scores, nothing.unsqueeze(-1)], dim=2).softmax(2)
            lacking = pick((F.avg_pool2d((hint_ab - ab) * mask, 2) / part).flatten(2), index)
            spread = F.pad(lacking, (0, 1)) @ weight.transpose(1, 2)
            ab = ab + spread.view(b, 2, h, w)
        return ab


class HintCorrection(nn.Module):
    """Adds what a prediction lacks at the hinted cells, spread over the cells around by likeness of lightness."""

    shifts: Tensor
    square: Tensor

    def __init__(self, radius: int) -> None:
        super().__init__()
        self.radius = radius
        self.log_likeness = nn.Parameter(torch.tensor(math.log(10.0)))  # in L
        self.log_spread = nn.Parameter(torch.tensor(math.log(1.5)))  # in cells
        size = 2 * radius + 1
        self.register_buffer("shifts", torch.eye(size * size).view(size * size, 1, size, size), persistent=False)
        offset = torch.arange(size, dtype=torch.float32) - radius
        square = offset.view(-1, 1) ** 2 + offset.view(1, -1) ** 2
        self.register_buffer("square", square.view(1, -1, 1, 1), persistent=False)

    def _around(self, x: Tensor) -> Tensor:
        """[B, C, H, W] to the cells around each, [B, C, (2 radius + 1)^2, H, W]."""
        b, c, h, w = x.shape
        return F.conv2d(x.view(b * c, 1, h, w), self.shifts.to(x.dtype), padding=self.radius).view(b, c, -1, h, w)

    def forward(self, ab: Tensor, hint_ab: Tensor, mask: Tensor, lightness: Tensor) -> Tensor:
        """ab and hint_ab [B, 2, H, W], mask (0 or 1) and lightness [B, 1, H, W] to the new ab."""
        near = self.square / (2.0 * (2.0 * self.log_spread).exp())
        unlike = (self._around(lightness)[:, 0] - lightness) ** 2 / (2.0 * (2.0 * self.log_likeness).exp())
        # What is lacking and what counts in one sum: ONNX Runtime takes four times as long for each of them alone.
        around = self._around(torch.cat([(hint_ab - ab) * mask, mask], dim=1))
        lacking, total = ((-near - unlike).exp().unsqueeze(1) * around).sum(2).split([2, 1], dim=1)
        return ab + lacking / (total + 0.05)
