"""HintUNet, gcolor's default: a ResUNet at a quarter of the grid that carries the hints' colours to where they belong.

Three things set it apart from the paper's ResUNet:

- **A quarter of the grid.** Chroma is smooth (true ab shrunk 4 x still gives 35 dB), so all the work is spent there;
  a pixel-unshuffle keeps every pixel of the lightness.
- **Hint propagation.** Attention from each cell to the cells with hints, by learned features and distance, hands each
  cell the colours that it could take over; a gate mixes them with the classifier's own. A copied colour needs no bin.
- **Residual spreading.** What the prediction still lacks at the hinted cells is spread, from coarse to fine, over cells
  of like features, lightness and place, as kriging with a learned mean and a learned kernel would.
- **Hint correction.** What still differs from a hint at its own cell is added back around it, over cells of like
  lightness only. So the user is obeyed, whatever the network believes.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..color import bins, tensors
from .blocks import ResBlock, SelfAttention, conv_bn
from .config import ModelConfig
from .prediction import Network, Prediction

AB_SCALE = 50.0
STRIDE = 4


def pool_hints(hint_ab: Tensor, hint_mask: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """Mean hint chroma [B, 2, h/f, w/f] (0 where none) and the share of hinted pixels [B, 1, h/f, w/f] of each cell."""
    share = F.avg_pool2d(hint_mask, factor)
    ab = F.avg_pool2d(hint_ab * hint_mask, factor) / share.clamp(min=1e-4)
    return ab, share


def pick(x_BCN: Tensor, index_Bk: Tensor) -> Tensor:
    """The values of some cells, [B, C, k]."""
    return x_BCN.gather(2, index_Bk[:, None].expand(-1, x_BCN.shape[1], -1))


def in_fp32(like: Tensor) -> AbstractContextManager[object]:
    """Where a mixed precision is on, off again: for sums of squares that cancel."""
    kind = like.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()


class HintPropagation(nn.Module):
    """Attention from every cell to the hinted cells; the values are the hints' own colours.

    Returns, for each head, the colour ab / 50 and how sure the head is (0..1): [B, 3 * heads, H, W].
    """

    def __init__(self, channels: int, heads: int, width: int = 16) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.query = nn.Conv2d(channels, heads * (width - 4), 1)
        self.key = nn.Conv2d(channels, heads * (width - 4), 1)
        # How far each head reaches, as the sigma of a Gaussian, in cells: from local to everywhere.
        self.log_reach = nn.Parameter(torch.linspace(math.log(2.0), math.log(24.0), heads))
        # The key of "no hint fits": a cell that finds nothing better attends here and carries no colour.
        self.null_key = nn.Parameter(torch.zeros(heads, 1, width))

    def _distance_terms(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """Four more dimensions of query and key, [heads, H*W, 4], whose product is -distance^2 / (2 reach^2)."""
        h, w = feature.shape[-2:]
        y = torch.arange(h, device=feature.device, dtype=feature.dtype).view(h, 1).expand(h, w) - h / 2
        x = torch.arange(w, device=feature.device, dtype=feature.dtype).view(1, w).expand(h, w) - w / 2
        at = torch.stack([y, x], dim=-1).reshape(1, h * w, 2) / (self.log_reach.exp().view(-1, 1, 1) * math.sqrt(2.0))
        square, one = (at * at).sum(-1, keepdim=True), torch.ones_like(at[..., :1])
        return torch.cat([2.0 * at, -square, one], dim=-1), torch.cat([at, one, -square], dim=-1)

    def forward(self, feature: Tensor, ab: Tensor, mask: Tensor, index: Tensor) -> Tensor:
        """feature [B, C, H, W], the hints' ab / 50 [B, 2, H, W] and mask [B, 1, H, W], the cells to look at [B, k]."""
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
        k = torch.cat([k, self.null_key.expand(b, -1, -1, -1)], dim=2)
        value = F.pad(value, (0, self.width - 3, 0, 1)).expand(-1, self.heads, -1, -1)
        out = F.scaled_dot_product_attention(q, k, value, scale=1.0)
        sure = out[..., 2:3]
        colour = out[..., :2] / (sure + 1e-3)
        return torch.cat([colour, sure], dim=-1).permute(0, 1, 3, 2).reshape(b, self.heads * 3, h, w)


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
            nothing = self.log_nothing[kernel] + 0.5 * x.square().sum(1).unsqueeze(-1)
            weight = torch.cat([scores, nothing], dim=2).softmax(2)
            lacking = pick((F.avg_pool2d((hint_ab - ab) * mask, 2) / part).flatten(2), index)
            spread = F.pad(lacking, (0, 1)) @ weight.transpose(1, 2)
            ab = ab + spread.view(b, 2, h, w)
        return ab


class HintCorrection(nn.Module):
    """Adds what a prediction lacks at the hinted cells, spread over the 5x5 cells around by likeness of lightness."""

    RADIUS = 2
    shifts: Tensor
    square: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.log_likeness = nn.Parameter(torch.tensor(math.log(10.0)))  # in L
        self.log_spread = nn.Parameter(torch.tensor(math.log(1.5)))  # in cells
        size = 2 * self.RADIUS + 1
        self.register_buffer("shifts", torch.eye(size * size).view(size * size, 1, size, size), persistent=False)
        offset = torch.arange(size, dtype=torch.float32) - self.RADIUS
        square = offset.view(-1, 1) ** 2 + offset.view(1, -1) ** 2
        self.register_buffer("square", square.view(1, -1, 1, 1), persistent=False)

    def _around(self, x: Tensor) -> Tensor:
        """[B, 1, H, W] to the 25 cells around each, [B, 25, H, W]."""
        return F.conv2d(x, self.shifts.to(x.dtype), padding=self.RADIUS)

    def forward(self, ab: Tensor, hint_ab: Tensor, mask: Tensor, lightness: Tensor) -> Tensor:
        lacking = (hint_ab - ab) * mask
        near = self.square / (2.0 * (2.0 * self.log_spread).exp())
        unlike = (self._around(lightness) - lightness) ** 2 / (2.0 * (2.0 * self.log_likeness).exp())
        weight = (-near - unlike).exp() * self._around(mask)
        total = weight.sum(1, keepdim=True) + 0.05
        a = (weight * self._around(lacking[:, :1])).sum(1, keepdim=True)
        b = (weight * self._around(lacking[:, 1:])).sum(1, keepdim=True)
        return ab + torch.cat([a, b], dim=1) / total


class HintUNet(Network):
    """See the module's text. Output stride 4; h and w multiples of 16."""

    output_stride = STRIDE
    # Sums of squares that cancel, and differences of near-equal colours.
    exact = ("propagate", "spread", "correct")
    dense = False
    """Look at the cells without a hint, too; the result is the same, but no shape depends on the hints (TensorRT)."""
    LEARNING = 128
    """In training, a photo with more hinted cells at 1/8 than this looks at a part of them; each costs time."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        fine, middle, deep = config.channels
        n_fine, n_middle, n_deep = config.blocks
        carried = 3 * config.heads
        self.stem = conv_bn(STRIDE * STRIDE + 4, fine)
        self.encode_fine = self._blocks(fine, n_fine)
        self.down_middle = conv_bn(fine, middle, 3, 2)
        self.encode_middle = self._blocks(middle, n_middle)
        self.down_deep = conv_bn(middle, deep, 3, 2)
        self.encode_deep = self._blocks(deep, n_deep)
        self.attention = SelfAttention(deep, config.heads)
        self.up_middle = conv_bn(deep, middle, 1)
        self.fuse_middle = ResBlock(2 * middle, middle)
        self.propagate = HintPropagation(middle, config.heads)
        self.decode_middle = nn.Sequential(ResBlock(middle + carried, middle), *self._blocks(middle, n_middle - 1))
        self.up_fine = conv_bn(middle, fine, 1)
        self.decode_fine = nn.Sequential(ResBlock(2 * fine + carried, fine), *self._blocks(fine, n_fine - 1))
        self.head = nn.Conv2d(fine, 2 * bins.COUNT, 1)
        self.gate = nn.Conv2d(fine, config.heads + 1, 1)
        self.spread = ResidualSpreading(fine, config.kernels) if config.kernels else None
        self.correct = HintCorrection()

    @staticmethod
    def _blocks(channels: int, count: int) -> nn.Sequential:
        return nn.Sequential(*(ResBlock(channels, channels) for _ in range(count)))

    def _looked_at(self, mask8: Tensor) -> Tensor:
        """The cells at 1/8 whose hints are looked at, as indices [B, k]: those that have one, where shapes are free."""
        hinted = mask8.flatten(1)
        numbers = torch.arange(hinted.shape[1], device=hinted.device)
        if self.training:
            # Which of them follows from their place, so that training needs no random numbers here.
            order = hinted * (1.0 + (numbers * 0.6180339887).frac())
            return order.topk(min(self.LEARNING, hinted.shape[1]), dim=1).indices
        some = numbers if self.dense else hinted.amax(0).nonzero()[:, 0]
        return some.expand(hinted.shape[0], -1)

    def forward(self, lightness: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Prediction:
        ab4, share4 = pool_hints(hint_ab, hint_mask, STRIDE)
        ab8, share8 = pool_hints(hint_ab, hint_mask, 2 * STRIDE)
        mask4, mask8 = (share4 > 0).to(ab4.dtype), (share8 > 0).to(ab8.dtype)
        index = self._looked_at(mask8)

        unshuffled = F.pixel_unshuffle(lightness / 50.0 - 1.0, STRIDE)
        x = torch.cat([unshuffled, ab4 / AB_SCALE, mask4, share4], dim=1)
        fine = self.encode_fine(torch.relu(self.stem(x)))
        middle = self.encode_middle(torch.relu(self.down_middle(fine)))
        deep = self.encode_deep(torch.relu(self.down_deep(middle)))
        deep = self.attention(deep)

        up = F.interpolate(self.up_middle(deep), scale_factor=2.0, mode="bilinear")
        x = self.fuse_middle(torch.cat([torch.relu(up), middle], dim=1))
        with in_fp32(x):
            carried = self.propagate(x.float(), ab8 / AB_SCALE, mask8, index)
        x = self.decode_middle(torch.cat([x, carried], dim=1))
        up = F.interpolate(torch.cat([self.up_fine(x), carried], dim=1), scale_factor=2.0, mode="bilinear")
        carried = up[:, fine.shape[1] :]
        x = self.decode_fine(torch.cat([torch.relu(up[:, : fine.shape[1]]), fine, carried], dim=1))

        logits, gates = self.head(x), self.gate(x)
        with in_fp32(x):
            b, _, h, w = x.shape
            logits = logits.float().view(b, 2, bins.COUNT, h, w)
            copied = carried.float().view(b, self.config.heads, 3, h, w)[:, :, :2] * AB_SCALE
            gate = gates.float().softmax(1)
            own = tensors.annealed_mean(logits, self.config.temperature)
            ab = own * gate[:, :1] + (copied * gate[:, 1:].unsqueeze(2)).sum(1)
            light4 = F.avg_pool2d(lightness, STRIDE)
            if self.spread:
                ab = self.spread(ab, ab4, mask4, x.float(), light4, index)
            return Prediction(logits, self.correct(ab, ab4, mask4, light4))
