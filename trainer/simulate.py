"""Hints and photographs as users bring them, simulated on whole batches (no Python per sample).

B batch, K hint slots, H W the grid.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..color import tensors


def simulate_hints(ab_B2HW: Tensor, generator: torch.Generator, most: int, largest: int) -> tuple[Tensor, Tensor]:
    """Hints for a batch: their chroma [B, 2, H, W] (0 where none) and mask [B, 1, H, W].

    15 % of the photos get none, the others up to `most`, log-uniform, so that one model serves none, few and many;
    each is a square of 1..largest cells. Half of the photos show the patch's own pixels (the paper), half its mean
    (a brush).
    """
    b, _, h, w = ab_B2HW.shape
    device = ab_B2HW.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, device=device)

    count = (uniform(b, 1) * math.log(most + 1)).exp().floor() * (uniform(b, 1) >= 0.15)
    active = torch.arange(most, device=device).view(1, most) < count
    size = 1 + (uniform(b, most) * largest).floor()
    top = (uniform(b, most) * (h - size + 1)).floor()
    left = (uniform(b, most) * (w - size + 1)).floor()
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


def recolor(lab_B3HW: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """In a share of the photos, move everything of one colour to another one, within the gamut, lightness kept.

    A network that has only seen the world's habits ignores a red that is drawn on grass; this one has seen red grass.
    """
    b, _, h, w = lab_B3HW.shape
    device = lab_B3HW.device
    chosen = (torch.rand(b, generator=generator, device=device) < share).nonzero().flatten()
    n = len(chosen)
    if not n:
        return lab_B3HW
    some = lab_B3HW[chosen]
    ab = some[:, 1:]
    at = torch.randint(h * w, (n, 1, 1), generator=generator, device=device).expand(n, 2, 1)
    picked = ab.flatten(2).gather(2, at)[..., None]
    radius = 8.0 + 22.0 * torch.rand(n, 1, 1, 1, generator=generator, device=device)
    angle = 2.0 * math.pi * torch.rand(n, generator=generator, device=device)
    length = 15.0 + 60.0 * torch.rand(n, generator=generator, device=device)
    move = (length[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1))[..., None, None]
    alike = (-((ab - picked) ** 2).sum(1, keepdim=True) / (2.0 * radius**2)).exp()
    moved = torch.cat([some[:, :1], ab + alike * move], dim=1)
    out = lab_B3HW.clone()
    out[chosen] = tensors.rgb_to_lab(tensors.lab_to_rgb(moved))
    return out


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
