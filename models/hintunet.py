"""HintUNet, gcolor's default: a ResUNet at a quarter of the grid that carries the hints' colors to where they belong.

What sets it apart from the paper's ResUNet:

- **A quarter of the grid.** Chroma is smooth (true ab shrunk 4 x still gives 35 dB), so all the work is spent there;
  a pixel-unshuffle keeps every pixel of the lightness.
- **An encoder that has learned to see.** EfficientNet-Lite, trained on a million photographs before, looks at the
  lightness; what it sees is added at each level.
- **Hint propagation.** Attention from each cell to the cells with hints, by learned features and distance, hands each
  cell the colors that it could take over; a gate mixes them with the classifier's own. A copied color needs no bin.
- **Residual spreading.** What the prediction still lacks at the hinted cells is spread, from coarse to fine, over cells
  of like features, lightness and place, as kriging with a learned mean and a learned kernel would.
- **Hint correction.** What still differs from a hint at its own cell is added back around it, over cells of like
  lightness only. So the user is obeyed, whatever the network believes.
- **Learned enlarging.** Colors change where the lightness does: each cell becomes 2 x 2 half cells, each a mixture of
  the cells around it that the network chooses, so that a color ends at its edge and not a cell later.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..color import bins, tensors
from .blocks import ResBlock, SelfAttention, conv_bn, unshuffle
from .config import ModelConfig
from .efficientnet import EfficientNetLite
from .enlarging import LearnedEnlarging
from .prediction import Network, Prediction
from .propagation import HintCorrection, HintPropagation, ResidualSpreading, in_fp32, pool_hints

AB_SCALE = 50.0
STRIDE = 4


class HintUNet(Network):
    """See the module's text. h and w multiples of 16; logits at 1/4, ab at 1/2 (1/4 without learned enlarging)."""

    # Sums of squares that cancel, and differences of near-equal colors.
    exact = ("propagate", "spread", "correct", "enlarge", "retouch")
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
        self.correct = HintCorrection(2)
        self.enlarge = LearnedEnlarging(fine + STRIDE * STRIDE) if config.enlarging else None
        self.retouch = HintCorrection(1) if config.enlarging else None
        self.output_stride = STRIDE // 2 if config.enlarging else STRIDE
        self.encoder = EfficientNetLite(config.encoder) if config.encoder else None
        self.joint = nn.Conv2d(fine, len(bins.JOINT), 1) if config.joint else None
        if self.encoder:
            # They begin at nothing, so that a network that has learned without an encoder goes on from what it knows.
            widths = zip(self.encoder.channels, (fine, middle, deep, deep), strict=True)
            # Filters of single channels at full size: in int8 they cost a fivefold error and save nothing.
            self.not_int8 = ("encoder.stem", *(f"encoder.blocks.{n}" for n in range(self.encoder.taps[0] + 1)))
            self.seen = nn.ModuleList(_silent(inputs, outputs) for inputs, outputs in widths)

    @staticmethod
    def _blocks(channels: int, count: int) -> nn.Sequential:
        return nn.Sequential(*(ResBlock(channels, channels) for _ in range(count)))

    def _see(self, lightness: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """What the encoder adds at 1/4, 1/8 and 1/16 of the grid."""
        if self.encoder is None:
            return None, None, None
        seen4, seen8, seen16, seen32 = (
            look(feature) for look, feature in zip(self.seen, self.encoder(lightness), strict=True)
        )
        wide = F.interpolate(seen32, scale_factor=2.0, mode="bilinear")
        # An odd side at 1/16 leaves one cell too many.
        return seen4, seen8, seen16 + wide[:, :, : seen16.shape[2], : seen16.shape[3]]

    def _looked_at(self, mask8: Tensor) -> Tensor:
        """The cells at 1/8 whose hints are looked at, as indices [B, k]: those that have one, where shapes are free."""
        hinted = mask8.flatten(1)
        numbers = torch.arange(hinted.shape[1], device=hinted.device)
        if self.training:
            # Which of them follows from their place, so that training needs no random numbers here.
            order = hinted * (1.0 + (numbers * 0.6180339887).frac())
            return order.topk(min(self.LEARNING, hinted.shape[1]), dim=1).indices
        # Where shapes are static, at those without a hint, too; the result is the same.
        some = numbers if self.form == "static" else hinted.amax(0).nonzero()[:, 0]
        return some.expand(hinted.shape[0], -1)

    def forward(
        self, lightness: Tensor, hint_ab: Tensor, hint_mask: Tensor, vividness: Tensor | None = None
    ) -> Prediction:
        # Larger cells from smaller ones: the pixels are gone through once.
        ab2, share2 = pool_hints(hint_ab, hint_mask)
        ab4, share4 = pool_hints(ab2, share2)
        ab8, share8 = pool_hints(ab4, share4)
        mask2, mask4, mask8 = ((share > 0).to(share.dtype) for share in (share2, share4, share8))
        light2 = F.avg_pool2d(lightness, 2)
        light4 = F.avg_pool2d(light2, 2)
        index = self._looked_at(mask8)

        unshuffled = unshuffle(lightness / 50.0 - 1.0, STRIDE)
        x = torch.cat([unshuffled, ab4 / AB_SCALE, mask4, share4], dim=1)
        seen4, seen8, seen16 = self._see(lightness)
        fine = self.encode_fine(_plus(torch.relu(self.stem(x)), seen4))
        middle = self.encode_middle(_plus(torch.relu(self.down_middle(fine)), seen8))
        deep = self.encode_deep(_plus(torch.relu(self.down_deep(middle)), seen16))
        deep = self.attention(deep)

        up = F.interpolate(self.up_middle(deep), scale_factor=2.0, mode="bilinear")
        x = self.fuse_middle(torch.cat([torch.relu(up), middle], dim=1))
        with in_fp32(x):
            reserve = 0.0 if self.training else self.config.reserve
            carried = self.propagate(x.float(), ab8 / AB_SCALE, mask8, index, reserve)
        x = self.decode_middle(torch.cat([x, carried], dim=1))
        up, carried = (F.interpolate(t, scale_factor=2.0, mode="bilinear") for t in (self.up_fine(x), carried))
        x = self.decode_fine(torch.cat([torch.relu(up), fine, carried], dim=1))

        logits, gates = self.head(x), self.gate(x)
        with in_fp32(x):
            b, _, h, w = x.shape
            logits = logits.float().view(b, 2, bins.COUNT, h, w)
            copied = carried.float().view(b, self.config.heads, 3, h, w)[:, :, :2] * AB_SCALE
            gate = tensors.middle_softmax(gates.float(), 1)
            own = tensors.annealed_mean(logits, self.config.temperature)
            # Factors come before hints have their say: spreading and correction make up for them where they are obeyed.
            if not self.training and self.config.chroma != 1.0:
                own = own * self.config.chroma
            if vividness is not None:
                own = own * vividness
            ab = own * gate[:, :1] + (copied * gate[:, 1:].unsqueeze(2)).sum(1)
            if self.spread:
                ab = self.spread(ab, ab4, mask4, x.float(), light4, index)
            ab = self.correct(ab, ab4, mask4, light4)
        if self.enlarge and self.retouch:
            choices = self.enlarge.choices(torch.cat([x, unshuffled], dim=1))
            with in_fp32(x):
                ab = self.enlarge(ab, choices.float())
                ab = self.retouch(ab, ab2, mask2, light2)
        return Prediction(logits, ab, None if self.joint is None else self.joint(x))


def _plus(x: Tensor, more: Tensor | None) -> Tensor:
    return x if more is None else x + more


def _silent(inputs: int, outputs: int) -> nn.Conv2d:
    """A 1x1 convolution that begins by giving 0."""
    conv = nn.Conv2d(inputs, outputs, 1)
    nn.init.zeros_(conv.weight)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
