"""`lab.py` and `bins.py` in torch: what is trained with. Channels first, float32.

B batch, H W height and width, 3/2/1 channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import bins, lab


def srgb_to_linear(v: Tensor) -> Tensor:
    """sRGB values in 0..1 to linear light, any shape."""
    return torch.where(v > 0.04045, ((v.clamp(min=0.0) + 0.055) / 1.055) ** 2.4, v / 12.92)


def linear_to_srgb(v: Tensor) -> Tensor:
    """Linear light in 0..1 to sRGB values in 0..1, any shape."""
    return torch.where(v > 0.0031308, 1.055 * v.clamp(min=0.0031308) ** (1 / 2.4) - 0.055, v * 12.92)


def lab_f(t: Tensor) -> Tensor:
    """CIE f, see `lab.lab_f`, without a branch: the cube root by exp and log, and below EPSILON its tangent there."""
    s = t.clamp(min=lab.EPSILON)
    return (s.log() * (1.0 / 3.0)).exp() + (t - s) * lab.SLOPE


def lab_f_inverse(f: Tensor) -> Tensor:
    """The inverse of `lab_f` without a branch: the cube, and below DELTA its tangent there."""
    t = f.clamp(min=lab.DELTA)
    return t * t * t + (f - t) * (1.0 / lab.SLOPE)


def mix(matrix: object, x_B3HW: Tensor) -> Tensor:
    """Apply a 3x3 matrix to the channels [B, 3, H, W]."""
    m = torch.as_tensor(matrix, dtype=x_B3HW.dtype, device=x_B3HW.device)
    return torch.einsum("oc,bchw->bohw", m, x_B3HW)


def rgb_to_lab(rgb_B3HW: Tensor) -> Tensor:
    """sRGB [B, 3, H, W] in 0..1 to LAB [B, 3, H, W]."""
    white = torch.as_tensor(lab.WHITE, dtype=rgb_B3HW.dtype, device=rgb_B3HW.device).view(1, 3, 1, 1)
    fx, fy, fz = lab_f(mix(lab.XYZ_FROM_RGB, srgb_to_linear(rgb_B3HW)) / white).unbind(1)
    return torch.stack([116.0 * fy - 16.0, 500.0 * (fx - fy), 200.0 * (fy - fz)], dim=1)


def lab_to_linear(lab_B3HW: Tensor) -> Tensor:
    """LAB [B, 3, H, W] to linear RGB [B, 3, H, W], not clipped."""
    lightness, a, b = lab_B3HW.unbind(1)
    fy = (lightness + 16.0) / 116.0
    f = torch.stack([fy + a / 500.0, fy, fy - b / 200.0], dim=1)
    white = torch.as_tensor(lab.WHITE, dtype=f.dtype, device=f.device).view(1, 3, 1, 1)
    return mix(lab.RGB_FROM_XYZ, lab_f_inverse(f) * white)


def into_gamut(linear_B3HW: Tensor, y_B1HW: Tensor) -> Tensor:
    """Move linear RGB toward the grey of luminance y (0..1) until it is within 0..1, see `lab.into_gamut`."""
    away = linear_B3HW - y_B1HW
    above = away.amax(1, keepdim=True)
    below = -away.amin(1, keepdim=True)
    keep = torch.minimum((1.0 - y_B1HW) / above.clamp(min=1e-6), y_B1HW / below.clamp(min=1e-6)).clamp(max=1.0)
    return (y_B1HW + keep * away).clamp(0.0, 1.0)


def lab_to_rgb(lab_B3HW: Tensor) -> Tensor:
    """LAB [B, 3, H, W] to sRGB [B, 3, H, W] in 0..1 with the lightness kept."""
    y = lab_f_inverse((lab_B3HW[:, :1] + 16.0) / 116.0).clamp(0.0, 1.0)
    return linear_to_srgb(into_gamut(lab_to_linear(lab_B3HW), y))


def centers(like: Tensor) -> Tensor:
    """The 32 bin centers on the device and in the type of `like`."""
    return torch.as_tensor(bins.CENTERS, dtype=like.dtype, device=like.device)


def to_bins(ab: Tensor) -> Tensor:
    """Chroma of any shape to bin indices 0..31 (int64)."""
    return ((ab - bins.LOWEST) / bins.WIDTH).floor().clamp(0, bins.COUNT - 1).long()


def annealed_mean(logits_B2KHW: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """Logits [B, 2, 32, H, W] to ab [B, 2, H, W]: the mean of softmax(logits / temperature) (Zhang et al. 2016, eq. 5).

    Temperature 1 is the expectation; toward 0 it becomes the center of the likeliest bin (the paper's decoding).
    """
    scaled = logits_B2KHW / temperature
    p = (scaled - scaled.amax(2, keepdim=True)).exp()
    return (p * centers(p).view(1, 1, -1, 1, 1)).sum(2) / p.sum(2)


def middle_softmax(x: Tensor, dim: int) -> Tensor:
    """The softmax over an axis that is not the last, in parts: ONNX Runtime takes four times as long for it whole."""
    p = (x - x.amax(dim, keepdim=True)).exp()
    return p / p.sum(dim, keepdim=True)
