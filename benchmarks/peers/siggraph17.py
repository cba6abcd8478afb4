"""The network of Zhang et al., "Real-Time User-Guided Image Colorization with Learned Deep Priors" (SIGGRAPH 2017).

Written from the paper's description, with random weights: for its speed and its size alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIDE = 256
AB_RANGE = 110.0
AB_CLASSES = 529


def _stage(channels: int, width: int, depth: int, dilation: int = 1) -> nn.Sequential:
    """Some 3x3 convolutions with ReLU and one batch normalization behind them."""
    layers: list[nn.Module] = []
    for number in range(depth):
        layers += [nn.Conv2d(width if number else channels, width, 3, padding=dilation, dilation=dilation), nn.ReLU()]
    return nn.Sequential(*layers, nn.BatchNorm2d(width))


class _Rise(nn.Module):
    """Twice the size by a transposed convolution, the encoder's features of that size added, then convolutions."""

    def __init__(self, channels: int, shortcut: int, width: int, refine: nn.Module) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(channels, width, 4, stride=2, padding=1)
        self.shortcut = nn.Conv2d(shortcut, width, 3, padding=1)
        self.refine = refine

    def forward(self, x: Tensor, fine: Tensor) -> Tensor:
        out: Tensor = self.refine(torch.relu(self.enlarge(x) + self.shortcut(fine)))
        return out


class Siggraph17(nn.Module):
    """Lightness [B, 1, H, W] centered on 0, hint ab [B, 2, H, W] and mask [B, 1, H, W] to ab [B, 2, H, W].

    H and W are multiples of 8. Ten stages: three halvings, two dilated stages, three risings with shortcuts, then
    the regression of ab. `classify` is the paper's second head, for training; coloring does not run it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = _stage(4, 64, 2)
        self.stage2 = _stage(64, 128, 2)
        self.stage3 = _stage(128, 256, 3)
        self.stage4 = _stage(256, 512, 3)
        self.stage5 = _stage(512, 512, 3, dilation=2)
        self.stage6 = _stage(512, 512, 3, dilation=2)
        self.stage7 = _stage(512, 512, 3)
        self.stage8 = _Rise(512, 256, 256, _stage(256, 256, 2))
        self.stage9 = _Rise(256, 128, 128, _stage(128, 128, 1))
        last = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1), nn.LeakyReLU(0.2))
        self.stage10 = _Rise(128, 64, 128, last)
        self.regress = nn.Sequential(nn.Conv2d(128, 2, 1), nn.Tanh())
        self.classify = nn.Conv2d(256, AB_CLASSES, 1)

    def forward(self, lightness: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Tensor:
        x = torch.cat([lightness / 100.0, hint_ab / AB_RANGE, hint_mask - 0.5], dim=1)
        full = self.stage1(x)
        half = self.stage2(full[:, :, ::2, ::2])
        quarter = self.stage3(half[:, :, ::2, ::2])
        deep = self.stage4(quarter[:, :, ::2, ::2])
        deep = self.stage7(self.stage6(self.stage5(deep)))
        x = self.stage8(deep, quarter)
        x = self.stage10(self.stage9(x, half), full)
        out: Tensor = self.regress(x) * AB_RANGE
        return out


def parameters(network: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(p.numel() for p in network.parameters())
