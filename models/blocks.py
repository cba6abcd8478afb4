"""The pieces that the networks are made of."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv_bn(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution and batch normalization, size kept at stride 1."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs))


def unshuffle(x_B1HW: Tensor, factor: int) -> Tensor:
    """`F.pixel_unshuffle` of one channel: [B, factor^2, H/factor, W/factor].

    Columns first, then rows: ONNX Runtime is quick where a transpose moves one axis, and slow where it moves two.
    """
    b, _, h, w = x_B1HW.shape
    columns = x_B1HW.reshape(b, h, w // factor, factor).permute(0, 3, 1, 2)
    rows = columns.reshape(b, factor, h // factor, factor, w // factor).permute(0, 3, 1, 2, 4)
    return rows.reshape(b, factor * factor, h // factor, w // factor)


class ConvBlock(nn.Module):
    """One 3x3 convolution (the paper's simple UNet, 4.2.1)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = conv_bn(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x))


class ResBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016; the paper, 4.2.2)."""

    def __init__(self, inputs: int, outputs: int, norm_shortcut: bool = True) -> None:
        super().__init__()
        self.conv1 = conv_bn(inputs, outputs)
        self.conv2 = conv_bn(outputs, outputs)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            # The paper's published code does not normalize the shortcut.
            plain = nn.Conv2d(inputs, outputs, 1, bias=False)
            self.shortcut = conv_bn(inputs, outputs, 1) if norm_shortcut else plain

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv2(torch.relu(self.conv1(x))) + self.shortcut(x))


class SelfAttention(nn.Module):
    """A pre-norm transformer block over the cells of a feature map [B, C, H, W]."""

    def __init__(self, channels: int, heads: int, expansion: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.project = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(
            nn.Linear(channels, expansion * channels), nn.GELU(), nn.Linear(expansion * channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        t = x.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.norm1(t)).view(b, h * w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        attended = self._attend(q, k, v).transpose(1, 2).reshape(b, h * w, c)
        t = t + self.project(attended)
        t = t + self.mlp(self.norm2(t))
        return t.transpose(1, 2).reshape(b, c, h, w)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Scaled dot-product attention.

        Where nothing is learned, logits are held to within 60 of the row's largest: what lies below has no weight, but
        its exponentials are denormal numbers, by which a CPU multiplies ten times as slowly.
        """
        if self.training:
            return F.scaled_dot_product_attention(q, k, v)
        scores = (q * (1.0 / math.sqrt(q.shape[-1]))) @ k.transpose(-2, -1)
        return torch.maximum(scores, scores.amax(-1, keepdim=True) - 60.0).softmax(-1) @ v


class PatchTransformer(nn.Module):
    """Self-attention over cells pooled to at most a 1/16 grid, added back: a ViT block that any level can afford."""

    def __init__(self, channels: int, heads: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.embed = nn.Conv2d(channels, 64, patch, patch)
        self.attention = SelfAttention(64, heads)
        self.expand = nn.Conv2d(64, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        t = self.expand(self.attention(self.embed(x)))
        return x + F.interpolate(t, scale_factor=float(self.patch), mode="nearest")


class TransBlock(nn.Module):
    """A ResNet block, then a ViT block (the paper's TransUNet, 4.2.3)."""

    def __init__(self, inputs: int, outputs: int, heads: int, patch: int) -> None:
        super().__init__()
        self.resnet = ResBlock(inputs, outputs, norm_shortcut=False)
        self.vit = PatchTransformer(outputs, heads, patch)

    def forward(self, x: Tensor) -> Tensor:
        return self.vit(self.resnet(x))
