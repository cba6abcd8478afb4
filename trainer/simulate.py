"""Hints and photographs as users bring them, simulated on whole batches (no Python per sample).

B batch, K hint slots, H W the grid.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..color import tensors


def simulate_hints(
    ab_B2HW: Tensor, generator: torch.Generator, most: int, largest: int, point_B2: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Hints for a batch: their chroma [B, 2, H, W] (0 where none) and mask [B, 1, H, W].

    15 % of the photos get none, the others up to `most`, log-uniform, so that one model serves none, few and many;
    each is a square of 1..largest cells. Half of the photos show the patch's own pixels (the paper), half its mean
    (a brush). A photo with a point (y, x) that is not -1 gets its first hint there, and seldom more than three.
    """
    b, _, h, w = ab_B2HW.shape
    device = ab_B2HW.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, device=device)

    count = (uniform(b, 1) * math.log(most + 1)).exp().floor() * (uniform(b, 1) >= 0.15)
    few = 1.0 + (3.0 * uniform(b, 1)).floor()
    size = 1 + (uniform(b, most) * largest).floor()
    top = (uniform(b, most) * (h - size + 1)).floor()
    left = (uniform(b, most) * (w - size + 1)).floor()
    if point_B2 is not None:
        pointed = point_B2[:, :1] >= 0
        count = torch.where(pointed, torch.where(uniform(b, 1) < 0.7, few, count.clamp(min=1.0)), count)
        corner = (point_B2 - (size[:, :1] // 2)).clamp(min=0.0)
        top[:, :1] = torch.where(pointed, torch.minimum(corner[:, :1], h - size[:, :1]), top[:, :1])
        left[:, :1] = torch.where(pointed, torch.minimum(corner[:, 1:], w - size[:, :1]), left[:, :1])
    active = torch.arange(most, device=device).view(1, most) < count
    rows, columns = torch.arange(h, device=device), torch.arange(w, device=device)
    on_BKH = (rows >= top[..., None]) & (rows < (top + size)[..., None]) & active[..., None]
    on_BKW = (columns >= left[..., None]) & (columns < (left + size)[..., None])
    y, x = on_BKH.to(ab_B2HW.dtype), on_BKW.to(ab_B2HW.dtype)

    cover = torch.einsum("bkh,bkw->bhw", y, x)[:, None]
    mask = (cover > 0).to(ab_B2HW.dtype)
    inside = torch.einsum("bkh,bckh->bkc", y, torch.einsum("bchw,bkw->bckh", ab_B2HW, x))
    mean_BKC = inside / (size * size)[..., None]
    painted = torch.einsum("bkh,bkcw->bchw", y, mean_BKC[..., None] * x[:, :, None]) / cover.clamp(min=1.0)
    brush = uniform(b, 1, 1, 1) < 0.5
    return torch.where(brush, painted, ab_B2HW * mask), mask


def recolor(lab_B3HW: Tensor, generator: torch.Generator, share: float) -> tuple[Tensor, Tensor]:
    """In a share of the photos, move one colour to a foreign one, within the gamut, lightness kept.

    A network that has only seen the world's habits ignores a red that is drawn on grass; this one has seen red grass.
    In three of four such photos only what lies around a point and is like it in lightness and colour changes, and the
    rest of the picture stays: so a single hint must not flood what does not belong to it.

    Returns the photos and, for each, the point (y, x) that was recoloured [B, 2], -1 where none was.
    """
    b, _, h, w = lab_B3HW.shape
    device = lab_B3HW.device
    point = torch.full((b, 2), -1, device=device)
    chosen = (torch.rand(b, generator=generator, device=device) < share).nonzero().flatten()
    n = len(chosen)
    if not n:
        return lab_B3HW, point

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, device=device)

    some = lab_B3HW[chosen]
    at = torch.randint(h * w, (n,), generator=generator, device=device)
    point[chosen] = torch.stack([at // w, at % w], dim=1)
    picked = some.flatten(2).gather(2, at.view(n, 1, 1).expand(n, 3, 1))[..., None]
    away = (some - picked) ** 2
    radius = 8.0 + 22.0 * uniform(n, 1, 1, 1)
    unlike = away[:, 1:].sum(1, keepdim=True) / radius**2
    rows = torch.arange(h, device=device).view(1, 1, h, 1) - (at // w).view(n, 1, 1, 1)
    columns = torch.arange(w, device=device).view(1, 1, 1, w) - (at % w).view(n, 1, 1, 1)
    reach = min(h, w) * (0.06 + 0.24 * uniform(n, 1, 1, 1))
    around = (rows**2 + columns**2) / reach**2 + away[:, :1] / 12.0**2
    local = (uniform(n, 1, 1, 1) < 0.75).to(some.dtype)
    angle, length = 2.0 * math.pi * uniform(n), 15.0 + 60.0 * uniform(n)
    move = (length[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1))[..., None, None]
    alike = (-0.5 * (unlike + local * around)).exp()
    moved = torch.cat([some[:, :1], some[:, 1:] + alike * move], dim=1)
    out = lab_B3HW.clone()
    out[chosen] = tensors.rgb_to_lab(tensors.lab_to_rgb(moved))
    return out, point


def vary_lightness(lightness_B1HW: Tensor, generator: torch.Generator) -> Tensor:
    """Tone curves and film grain: the lightness of old photographs is not that of today's."""
    b = len(lightness_B1HW)

    def uniform() -> Tensor:
        return torch.rand(b, 1, 1, 1, generator=generator, device=lightness_B1HW.device)

    vary = (uniform() < 0.5).to(lightness_B1HW.dtype)
    gamma = (vary * (uniform() - 0.5) * 0.8).exp()
    toned = 100.0 * (lightness_B1HW.clamp(0.1, 100.0) / 100.0) ** gamma
    flat, lift = 1.0 - vary * 0.25 * uniform(), vary * 12.0 * uniform()
    grain = 4.0 * uniform() * (uniform() < 0.2).to(lightness_B1HW.dtype)
    noise = torch.randn(lightness_B1HW.shape, generator=generator, device=lightness_B1HW.device)
    return (toned * flat + lift + grain * noise).clamp(0.0, 100.0)
