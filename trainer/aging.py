"""Photographs made old: the tones, grain, blur, dirt, frames and compression that scans of old prints come with.

The network is to find color in what people bring: faded, scratched, unsharp prints, scanned long ago. Only lightness
changes; the true color stays, save under a frame, which has none. All work on whole batches: B batch, H W the grid.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .simulate import Draws

# Sizes are in pixels of a picture whose short side is this; crops of other sizes are scaled.
SIDE = 256
SCRATCHES = 3
SPOTS = 8
BLOCK = 8
# The luminance table of JPEG (ITU-T T.81, annex K.1) at quality 50.
_JPEG_TABLE = [
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
]


def frame(lab_B3HW: Tensor, draws: Draws, share: float) -> Tensor:
    """A share of the photos in a frame without color, of one lightness, as prints and slides are scanned."""
    b, _, h, w = lab_B3HW.shape
    chosen, light, wide = draws.uniform(1, 1, 1), draws.uniform(1, 1, 1), draws.uniform(4, 1, 1)
    # Most are white paper, some black film.
    paper = torch.where(light < 0.7, 85.0 + 20.0 * light, 40.0 * (light - 0.7))
    top, bottom, left, right = (0.08 * wide[:, n : n + 1] for n in range(4))
    y = torch.linspace(0.0, 1.0, h, device=lab_B3HW.device).view(1, 1, h, 1)
    x = torch.linspace(0.0, 1.0, w, device=lab_B3HW.device).view(1, 1, 1, w)
    inside = (y >= top) & (y <= 1.0 - bottom) & (x >= left) & (x <= 1.0 - right)
    blank = torch.cat([paper, torch.zeros(b, 2, 1, 1, device=paper.device)], dim=1)
    return torch.where(inside | (chosen >= share), lab_B3HW, blank)


def age(lightness_B1HW: Tensor, draws: Draws, share: float) -> Tensor:
    """Lightness [B, 1, H, W] (0..100) with a share of the photos made old: all of it in tone, parts of it in damage."""
    old = (draws.uniform(1, 1, 1) < share).to(lightness_B1HW.dtype)
    light = _unsharp(lightness_B1HW, old * _some(draws, 0.4))
    light = _tones(light, draws, old)
    light = _stains(light, draws, old * _some(draws, 0.4))
    light = _grain(light, draws, old * _some(draws, 0.5))
    light = _dirt(light, draws, old * _some(draws, 0.3)).clamp(0.0, 100.0)
    light = _jpeg(light, old * _some(draws, 0.4))
    return torch.where(old > 0, light, lightness_B1HW)


def _some(draws: Draws, share: float) -> Tensor:
    """0 for most photos; for a share of them how much of it they get, 0..1 [B, 1, 1, 1]."""
    chosen, strength = draws.uniform(1, 1, 1), draws.uniform(1, 1, 1)
    return (chosen < share) * strength


def _unsharp(light: Tensor, strength: Tensor) -> Tensor:
    """Blurred by a Gaussian of up to 2 pixels."""
    sigma = (2.0 * strength * light.shape[-1] / SIDE).clamp(min=1e-3)
    at = torch.arange(-4, 5, device=light.device).view(1, 1, 1, 9)
    kernel = (-0.5 * (at / sigma) ** 2).exp()
    kernel = kernel / kernel.sum(-1, keepdim=True)
    photos = len(light)
    rows = F.pad(light.transpose(0, 1), (4, 4, 4, 4), mode="replicate")
    rows = F.conv2d(rows, kernel, groups=photos)
    return F.conv2d(rows, kernel.transpose(2, 3), groups=photos).transpose(0, 1)


def _tones(light: Tensor, draws: Draws, old: Tensor) -> Tensor:
    """Another curve, flatter and lifted: prints fade, and films saw colors otherwise."""
    gamma = (old * (draws.uniform(1, 1, 1) - 0.5) * 0.8).exp()
    toned = 100.0 * (light.clamp(0.1, 100.0) / 100.0) ** gamma
    flat, lift = 1.0 - old * 0.35 * draws.uniform(1, 1, 1), old * 15.0 * draws.uniform(1, 1, 1)
    return toned * flat + lift


def _stains(light: Tensor, draws: Draws, strength: Tensor) -> Tensor:
    """Lighter and darker by turns over large parts: uneven fading, stains, corners in shade."""
    coarse = draws.normal(1, 4, 4)
    return light + 10.0 * strength * F.interpolate(coarse, light.shape[-2:], mode="bicubic", align_corners=True)


def _grain(light: Tensor, draws: Draws, strength: Tensor) -> Tensor:
    """Noise of film and paper, of single pixels or coarser."""
    h, w = light.shape[-2:]
    fine = draws.normal(1, h, w)
    coarse = F.interpolate(draws.normal(1, h // 2, w // 2), (h, w), mode="bilinear")
    mixed = draws.uniform(1, 1, 1)
    return light + 6.0 * strength * (mixed * fine + (1.0 - mixed) * coarse)


def _dirt(light: Tensor, draws: Draws, strength: Tensor) -> Tensor:
    """Scratches from edge to edge, and spots; light or dark, opaque in their middle."""
    scratches, spots = draws.uniform(SCRATCHES, 4), draws.uniform(SPOTS, 4)
    chosen = strength.flatten().nonzero().flatten()
    some, much = light[chosen], strength[chosen]
    h, w = light.shape[-2:]
    y = torch.arange(h, device=light.device).view(1, h, 1) / h
    x = torch.arange(w, device=light.device).view(1, 1, w) / w
    for n in range(SCRATCHES):
        where, turn, wide, how = scratches[chosen, n, :, None, None].unbind(1)
        angle = math.pi * turn
        away = (x - where) * angle.cos() + (y - where) * angle.sin()
        some = _painted(some, (away / (0.003 * (0.3 + wide))) ** 2, how, much * SCRATCHES > n)
    for n in range(SPOTS):
        top, left, size, how = spots[chosen, n, :, None, None].unbind(1)
        away = ((y - top) ** 2 + (x - left) ** 2) / (0.002 + 0.015 * size**3) ** 2
        some = _painted(some, away, how, much * SPOTS > n)
    return light.index_copy(0, chosen, some)


def _painted(light: Tensor, away_BHW: Tensor, how_B11: Tensor, where: Tensor) -> Tensor:
    """White or black where `away`, a squared distance, is small, in the photos of `where`."""
    opaque = (-0.5 * away_BHW).exp()[:, None] * where
    tone = torch.where(how_B11 < 0.6, 100.0, 5.0)[:, None]
    return light + opaque * (tone - light)


def _jpeg(light: Tensor, strength: Tensor) -> Tensor:
    """Rounded in blocks of 8 as JPEG of a quality down to 15 rounds them; sides that are no multiple of 8 stay."""
    b, _, h, w = light.shape
    if h % BLOCK or w % BLOCK:
        return light
    cosines, table = _cosines().to(light), torch.tensor(_JPEG_TABLE).to(light)
    blocks = light.view(b, h // BLOCK, BLOCK, w // BLOCK, BLOCK).transpose(2, 3)
    # L spans 100 where JPEG's samples span 255; quality 50 is a factor of 1, 15 of 3.3.
    step = table * (100.0 / 255.0) * (0.2 + 3.1 * strength[..., None])
    rounded = cosines.T @ ((cosines @ blocks @ cosines.T / step).round() * step) @ cosines
    made = rounded.transpose(2, 3).reshape(light.shape).clamp(0.0, 100.0)
    return torch.where(strength > 0, made, light)


@cache
def _cosines() -> Tensor:
    """The orthonormal cosine transform of 8 numbers [8, 8]."""
    k, n = np.arange(BLOCK)[:, None], np.arange(BLOCK)[None]
    made = np.sqrt(2.0 / BLOCK) * np.cos(np.pi * (2 * n + 1) * k / (2 * BLOCK))
    made[0] /= math.sqrt(2.0)
    return torch.from_numpy(made).float()
