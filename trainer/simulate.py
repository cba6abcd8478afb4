"""Hints and photographs as users bring them, simulated on whole batches (no Python per sample).

B batch, K hint slots, H W the grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..color import tensors

# The paper: 3x3 patches over 0.5 % of the picture (section 4.1), 36 of them at 256 x 256.
PATCH = 3
PATCH_SHARE = 0.005


@dataclass(slots=True)
class Draws:
    """Random numbers for the rows `start` to `stop` of a batch of `total` photos.

    Those of the whole batch are drawn and the own rows kept, so that each photo meets the same numbers however the
    batch is split over processes and micro-batches.
    """

    generator: torch.Generator
    total: int
    start: int
    stop: int

    @property
    def rows(self) -> int:
        return self.stop - self.start

    def uniform(self, *shape: int) -> Tensor:
        """[rows, *shape] in 0..1."""
        drawn = torch.rand(self.total, *shape, generator=self.generator, device=self.generator.device)
        return drawn[self.start : self.stop]

    def normal(self, *shape: int) -> Tensor:
        """[rows, *shape] with mean 0 and variance 1."""
        drawn = torch.randn(self.total, *shape, generator=self.generator, device=self.generator.device)
        return drawn[self.start : self.stop]


@dataclass(slots=True)
class _Patches:
    """K squares in each photo: where they are in rows and columns, as masks [B, K, H] and [B, K, W]."""

    y: Tensor
    x: Tensor

    @classmethod
    def at(cls, top_BK: Tensor, left_BK: Tensor, size_BK: Tensor, active_BK: Tensor, like: Tensor) -> _Patches:
        h, w = like.shape[-2:]
        rows, columns = torch.arange(h, device=like.device), torch.arange(w, device=like.device)
        top, left, size = top_BK[..., None], left_BK[..., None], size_BK[..., None]
        on_BKH = (rows >= top) & (rows < top + size) & active_BK[..., None]
        on_BKW = (columns >= left) & (columns < left + size)
        return cls(on_BKH.to(like.dtype), on_BKW.to(like.dtype))

    def cover(self) -> Tensor:
        """How many squares lie over each pixel [B, 1, H, W]."""
        return torch.einsum("bkh,bkw->bhw", self.y, self.x)[:, None]

    def means(self, ab_B2HW: Tensor, size_BK: Tensor) -> Tensor:
        """The mean chroma of each square, painted over it; where several meet, their mean [B, 2, H, W]."""
        inside = torch.einsum("bkh,bckh->bkc", self.y, torch.einsum("bchw,bkw->bckh", ab_B2HW, self.x))
        mean_BKC = inside / (size_BK * size_BK)[..., None]
        painted = torch.einsum("bkh,bkcw->bchw", self.y, mean_BKC[..., None] * self.x[:, :, None])
        return painted / self.cover().clamp(min=1.0)


def paper_hints(ab_B2HW: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """The paper's hints: 3x3 patches that show their own pixels, over about 0.5 % of each photo.

    Returns their chroma [B, 2, H, W] (0 where none) and mask [B, 1, H, W].
    """
    h, w = ab_B2HW.shape[-2:]
    count = max(1, round(PATCH_SHARE * h * w / PATCH**2))
    size = torch.full((draws.rows, count), PATCH, device=ab_B2HW.device)
    top = (draws.uniform(count) * (h - PATCH + 1)).floor()
    left = (draws.uniform(count) * (w - PATCH + 1)).floor()
    patches = _Patches.at(top, left, size, torch.ones_like(size, dtype=torch.bool), ab_B2HW)
    mask = (patches.cover() > 0).to(ab_B2HW.dtype)
    return ab_B2HW * mask, mask


def simulate_hints(
    ab_B2HW: Tensor,
    draws: Draws,
    most: int,
    largest: int,
    point_B2: Tensor | None = None,
    free: float = 0.15,
) -> tuple[Tensor, Tensor]:
    """Hints for a batch: their chroma [B, 2, H, W] (0 where none) and mask [B, 1, H, W].

    A share `free` of the photos gets none, the others up to `most`, log-uniform, so that one model serves none, few
    and many; each is a square of 1..largest cells. Half of the photos show the patch's own pixels (the paper), half its
    mean (a brush). A photo with a point (y, x) that is not -1 gets its first hint there, and seldom more than three.
    """
    h, w = ab_B2HW.shape[-2:]
    device = ab_B2HW.device
    count = (draws.uniform(1) * math.log(most + 1)).exp().floor() * (draws.uniform(1) >= free)
    few = 1.0 + (3.0 * draws.uniform(1)).floor()
    rarely = draws.uniform(1) < 0.7
    size = 1 + (draws.uniform(most) * largest).floor()
    top = (draws.uniform(most) * (h - size + 1)).floor()
    left = (draws.uniform(most) * (w - size + 1)).floor()
    if point_B2 is not None:
        pointed = point_B2[:, :1] >= 0
        count = torch.where(pointed, torch.where(rarely, few, count.clamp(min=1.0)), count)
        corner = (point_B2 - (size[:, :1] // 2)).clamp(min=0.0)
        top[:, :1] = torch.where(pointed, torch.minimum(corner[:, :1], h - size[:, :1]), top[:, :1])
        left[:, :1] = torch.where(pointed, torch.minimum(corner[:, 1:], w - size[:, :1]), left[:, :1])
    active = torch.arange(most, device=device).view(1, most) < count
    patches = _Patches.at(top, left, size, active, ab_B2HW)
    mask = (patches.cover() > 0).to(ab_B2HW.dtype)
    brush = draws.uniform(1, 1, 1) < 0.5
    return torch.where(brush, patches.means(ab_B2HW, size), ab_B2HW * mask), mask


def recolor(lab_B3HW: Tensor, draws: Draws, share: float) -> tuple[Tensor, Tensor]:
    """In a share of the photos, move one color to a foreign one, within the gamut, lightness kept.

    A network that has only seen the world's habits ignores a red that is drawn on grass; this one has seen red grass.
    In three of four such photos only what lies around a point and is like it in lightness and color changes, and the
    rest of the picture stays: so a single hint must not flood what does not belong to it.

    Returns the photos and, for each, the point (y, x) that was recolored [B, 2], -1 where none was.
    """
    b, _, h, w = lab_B3HW.shape
    device = lab_B3HW.device
    point = torch.full((b, 2), -1, device=device)
    chance, place, numbers = draws.uniform(), draws.uniform(), draws.uniform(5)
    chosen = (chance < share).nonzero().flatten()
    n = len(chosen)
    if not n:
        return lab_B3HW, point

    some = lab_B3HW[chosen]
    at = (place[chosen] * (h * w)).long().clamp(max=h * w - 1)
    wide, far, how, turn, strength = numbers[chosen].view(n, 5, 1, 1, 1).unbind(1)
    point[chosen] = torch.stack([at // w, at % w], dim=1)
    picked = some.flatten(2).gather(2, at.view(n, 1, 1).expand(n, 3, 1))[..., None]
    away = (some - picked) ** 2
    radius = 8.0 + 22.0 * wide
    unlike = away[:, 1:].sum(1, keepdim=True) / radius**2
    rows = torch.arange(h, device=device).view(1, 1, h, 1) - (at // w).view(n, 1, 1, 1)
    columns = torch.arange(w, device=device).view(1, 1, 1, w) - (at % w).view(n, 1, 1, 1)
    reach = min(h, w) * (0.06 + 0.24 * far)
    around = (rows**2 + columns**2) / reach**2 + away[:, :1] / 12.0**2
    local = (how < 0.75).to(some.dtype)
    angle, length = 2.0 * math.pi * turn, 15.0 + 60.0 * strength
    move = length * torch.cat([angle.cos(), angle.sin()], dim=1)
    alike = (-0.5 * (unlike + local * around)).exp()
    moved = torch.cat([some[:, :1], some[:, 1:] + alike * move], dim=1)
    out = lab_B3HW.clone()
    out[chosen] = tensors.rgb_to_lab(tensors.lab_to_rgb(moved))
    return out, point
