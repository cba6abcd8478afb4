"""EfficientNet-Lite without its classifier: what a photograph shows, at strides 2 to 32.

The layers are those of Tan and Le 2019 in the Lite form (no squeeze-and-excite, ReLU6), so that published weights fit.
"""

from __future__ import annotations

import math
import re

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Of each stage: expansion, channels, layers, stride, kernel.
STAGES = [
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
]
# How much wider and deeper than STAGES each is; the first and the last stage never grow deeper.
SCALES = {"efficientnet-lite0": (1.0, 1.0), "efficientnet-lite1": (1.0, 1.1), "efficientnet-lite2": (1.1, 1.2)}
STEM = 32

# (sRGB level of the gray of lightness L - 127) / 128 as polynomials in t = L / 50 - 1, fitted by least squares to
# within one level: everywhere, and what is added below L = 12, where sRGB bends.
EVERYWHERE = (-0.06252, 0.97585, 0.09061)
DARK, BELOW_DARK = 12.0, (0.32429, -2.09257)


def gray_level(lightness: Tensor) -> Tensor:
    """Lightness 0..100 to (sRGB level - 127) / 128, as EfficientNet-Lite takes it in."""
    t = lightness / 50.0 - 1.0
    below = torch.relu(DARK / 50.0 - 1.0 - t)
    return EVERYWHERE[0] + t * (EVERYWHERE[1] + t * EVERYWHERE[2]) + below * (BELOW_DARK[0] + below * BELOW_DARK[1])


def _widened(channels: int, factor: float) -> int:
    """Channels times a factor, to a multiple of 8 that is at most a tenth below."""
    wide = channels * factor
    rounded = max(8, int(wide + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wide else rounded


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: at stride 2 more below and to the right, for even sides.

    An odd side is halved upward. (One more than SAME's padding, which an even side never reaches.)
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        before = (kernel - stride) // 2
        self.edges = (before, kernel - stride - before + 1) * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.edges) if self.stride[0] == 2 else x)


class GrayConv(SameConv):
    """A `SameConv` of a gray picture [B, 1, h, w]: its channels would all be the same, so their weights are added."""

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(F.pad(x, self.edges), self.weight.sum(1, keepdim=True), self.bias)


def _conv_bn(conv: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels, eps=1e-3, momentum=0.01))


class InvertedBottleneck(nn.Module):
    """Expand, filter each channel, project (Sandler et al. 2018); a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.shortcut = stride == 1 and inputs == outputs
        self.expand = _conv_bn(nn.Conv2d(inputs, middle, 1, bias=False)) if expansion > 1 else None
        self.depthwise = _conv_bn(SameConv(middle, middle, kernel, stride, groups=middle))
        self.project = _conv_bn(nn.Conv2d(middle, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.shortcut else y


class EfficientNetLite(nn.Module):
    """Lightness [B, 1, h, w], 0..100, to features at strides 4, 8, 16 and 32.

    channels: theirs. While it is frozen it neither learns nor changes its statistics.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        wider, deeper = SCALES[name]
        self.stem = _conv_bn(GrayConv(3, STEM, 3, 2))
        blocks: list[nn.Module] = []
        inputs, stride = STEM, 2
        at: dict[int, tuple[int, int]] = {}
        for number, (expansion, channels, layers, step, kernel) in enumerate(STAGES):
            outputs, stride = _widened(channels, wider), stride * step
            for layer in range(layers if number in (0, len(STAGES) - 1) else math.ceil(layers * deeper)):
                blocks.append(InvertedBottleneck(inputs, outputs, expansion, kernel, step if layer == 0 else 1))
                inputs = outputs
            at[stride] = (len(blocks) - 1, outputs)
        self.blocks = nn.ModuleList(blocks)
        self.taps = [at[stride][0] for stride in (4, 8, 16, 32)]
        self.channels = [at[stride][1] for stride in (4, 8, 16, 32)]
        self._fused: list[EfficientNetLite] = []  # in a list, so that its weights are not this module's own
        self.register_load_state_dict_post_hook(lambda module, _: module.freeze() if module._fused else None)

    def freeze(self) -> None:
        """Learn no more: a copy with the normalizations in the convolutions does the work from now on."""
        self.requires_grad_(False).eval()
        fused = EfficientNetLite.__new__(EfficientNetLite)
        nn.Module.__init__(fused)
        fused.taps, fused.channels, fused._fused = self.taps, self.channels, []
        fused.stem, fused.blocks = _without_norms(self.stem), nn.ModuleList()
        for block in self.blocks:
            assert isinstance(block, InvertedBottleneck)
            plain = InvertedBottleneck.__new__(InvertedBottleneck)
            nn.Module.__init__(plain)
            plain.shortcut = block.shortcut
            plain.expand = None if block.expand is None else _without_norms(block.expand)
            plain.depthwise, plain.project = _without_norms(block.depthwise), _without_norms(block.project)
            fused.blocks.append(plain)
        self._fused = [fused.requires_grad_(False)]

    def train(self, mode: bool = True) -> EfficientNetLite:
        return super().train(mode and not self._fused)

    def forward(self, lightness: Tensor) -> list[Tensor]:
        if self._fused:
            with torch.no_grad():
                return self._fused[0].forward(lightness)
        x = F.relu6(self.stem(gray_level(lightness)))
        found = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                found.append(x)
        return found


def _without_norms(pair: nn.Sequential) -> nn.Sequential:
    """A convolution and its batch normalization as one convolution."""
    conv, norm = pair
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    return nn.Sequential(fuse_conv_bn_eval(conv.eval(), norm.eval()))


_RENAMED = [
    (r"^_conv_stem\.", "stem.0."),
    (r"^_bn0\.", "stem.1."),
    (r"^_blocks\.", "blocks."),
    (r"\._expand_conv\.", ".expand.0."),
    (r"\._bn0\.", ".expand.1."),
    (r"\._depthwise_conv\.", ".depthwise.0."),
    (r"\._bn1\.", ".depthwise.1."),
    (r"\._project_conv\.", ".project.0."),
    (r"\._bn2\.", ".project.1."),
]
_CLASSIFIER = ("_conv_head.", "_bn1.", "_fc.")


def from_published(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's state dict from one with the names that published conversions of EfficientNet-Lite have."""
    found = {}
    for name, tensor in tensors.items():
        if not name.startswith(_CLASSIFIER):
            for pattern, ours in _RENAMED:
                name = re.sub(pattern, ours, name)
            found[name] = tensor
    return found
