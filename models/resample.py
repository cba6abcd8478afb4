"""Resizing as two matrix products, so that one graph fits every engine (TensorRT has no antialiased Resize)."""

from __future__ import annotations

import torch
from torch import Tensor


def triangle(t: Tensor) -> Tensor:
    """Linear interpolation's kernel, support 1."""
    return torch.relu(1.0 - t.abs())


def cubic(t: Tensor, a: float = -0.5) -> Tensor:
    """Keys' cubic convolution kernel, support 2 (Keys 1981; a = -0.5 is the third-order one)."""
    near = t.abs().clamp(max=1.0)
    far = t.abs().clamp(1.0, 2.0)
    inner = ((a + 2.0) * near - (a + 3.0)) * near * near + 1.0
    outer = ((a * far - 5.0 * a) * far + 8.0 * a) * far - 4.0 * a
    return inner + outer


def shrink_matrix(outputs: Tensor, inputs: Tensor) -> Tensor:
    """Antialiased resampling [outputs, inputs] from the index vectors of both sides (only their lengths count).

    A triangle as wide as an output cell; enlarging, it is linear interpolation.
    """
    n, m = float_length(outputs), float_length(inputs)
    scale = m / n
    at = (outputs + 0.5) * scale
    weights = triangle((at[:, None] - (inputs + 0.5)[None]) / scale.clamp(min=1.0))
    return weights / weights.sum(1, keepdim=True)


def enlarge_matrix(outputs: Tensor, total: Tensor, inputs: Tensor) -> Tensor:
    """Cubic resampling [outputs, inputs]; `outputs` index a side of `total` pixels, or a part of it."""
    at = (outputs + 0.5) * (float_length(inputs) / total)
    weights = cubic(at[:, None] - (inputs + 0.5)[None])
    return weights / weights.sum(1, keepdim=True)


def float_length(index: Tensor) -> Tensor:
    """The length of a vector as a float tensor, which stays dynamic in an exported graph."""
    return torch.ones_like(index).sum()


def indices(x: Tensor, dim: int) -> Tensor:
    """0, 1, ... along a dimension, float32."""
    return torch.arange(x.shape[dim], device=x.device, dtype=torch.float32)
