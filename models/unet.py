"""UNet, ResUNet and TransUNet as the paper has them: 4 encoder and 4 decoder layers, 1x1 bottleneck, two 32-way heads.

Bhavanam and Gowda, "User Guided Image Colorization", section 4.2, figure 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..color import bins, tensors
from .blocks import ConvBlock, ResBlock, TransBlock
from .config import ModelConfig
from .prediction import Network, Prediction


class PaperUNet(Network):
    """An encoder layer is a block and a max pool; a decoder layer an upsampling, the skip and a block.

    The variant chooses the block: a convolution (unet), a ResNet block (resunet), ResNet + ViT (transunet). As in the
    published code, the latter two have a 3x3 convolution behind each pooling and each upsampling; the published
    ResUNet's 308,893 parameters are met exactly.
    """

    output_stride = 1

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        inputs = 3 if config.hints == "bins" else 4
        widths = (inputs, *config.channels)
        levels = len(config.channels)
        self.encoder = nn.ModuleList(
            self._block(widths[i], widths[i + 1], patch=2 ** (levels - i)) for i in range(levels)
        )
        deepest = config.channels[-1]
        self.bottleneck = nn.Sequential(
            nn.Conv2d(deepest, config.bottleneck, 1),
            nn.BatchNorm2d(config.bottleneck),
            nn.ReLU(),
            nn.Conv2d(config.bottleneck, deepest, 1),
            nn.BatchNorm2d(deepest),
            nn.ReLU(),
        )
        self.pool = nn.ModuleList(self._resample(width, 0.5) for width in config.channels)
        self.upsample = nn.ModuleList(self._resample(width, 2.0) for width in reversed(config.channels))
        outputs = (config.features, *config.channels[:-1])
        self.decoder = nn.ModuleList(
            self._block(2 * config.channels[i], outputs[i], patch=2 ** (levels - i)) for i in reversed(range(levels))
        )
        self.head_a = nn.Conv2d(config.features, bins.COUNT, 1)
        self.head_b = nn.Conv2d(config.features, bins.COUNT, 1)

    def _block(self, inputs: int, outputs: int, patch: int) -> nn.Module:
        match self.config.variant:
            case "unet":
                return ConvBlock(inputs, outputs)
            case "resunet":
                return ResBlock(inputs, outputs, norm_shortcut=False)
            case _:
                return TransBlock(inputs, outputs, self.config.heads, patch)

    def _resample(self, channels: int, scale: float) -> nn.Module:
        change = nn.MaxPool2d(2) if scale < 1.0 else nn.Upsample(scale_factor=scale, mode="nearest")
        if self.config.variant == "unet":
            return change
        return nn.Sequential(change, nn.Conv2d(channels, channels, 3, padding=1))

    def _inputs(self, lightness: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Tensor:
        if self.config.hints == "bins":
            index = tensors.to_bins(hint_ab).to(lightness.dtype)
            return torch.cat([lightness, index * hint_mask], dim=1)
        return torch.cat([lightness / 50.0 - 1.0, hint_ab / 50.0, hint_mask], dim=1)

    def forward(
        self, lightness: Tensor, hint_ab: Tensor, hint_mask: Tensor, vividness: Tensor | None = None
    ) -> Prediction:
        x = self._inputs(lightness, hint_ab, hint_mask)
        skips = []
        for layer, pool in zip(self.encoder, self.pool, strict=True):
            skips.append(layer(x))
            x = pool(skips[-1])
        x = self.bottleneck(x)
        for layer, upsample, skip in zip(self.decoder, self.upsample, reversed(skips), strict=True):
            x = layer(torch.cat([upsample(x), skip], dim=1))
        # Both heads at once, so that no logits are copied, and as a product of matrices: torch's convolution of so few
        # channels takes more than twice as long, there and back.
        weight = torch.cat([self.head_a.weight, self.head_b.weight]).flatten(1)
        bias = torch.cat([self._bias(self.head_a), self._bias(self.head_b)])
        b, _, h, w = x.shape
        logits = torch.baddbmm(bias[:, None], weight.expand(b, -1, -1), x.flatten(2))
        prediction = Prediction(logits.view(b, 2, bins.COUNT, h, w))
        if vividness is not None:
            prediction.decoded = prediction.ab * torch.where(hint_mask > 0, 1.0, vividness)
        return prediction

    @staticmethod
    def _bias(head: nn.Conv2d) -> Tensor:
        assert head.bias is not None
        return head.bias
