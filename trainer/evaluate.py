"""Scores of a network on held-out photos at fixed hint sets."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ..color import bins, lab, scores, tensors
from ..models import Network

HINT_COUNTS = (0, 1, 10, 36)


@torch.no_grad()
def evaluate_hints(
    model: Network, photos: list[NDArray[np.uint8]], device: torch.device, counts: tuple[int, ...] = HINT_COUNTS
) -> dict[str, float]:
    """Mean PSNR of the RGB picture and bin accuracy at 256 x 256 with N random true 3x3 hints, seeded per photo.

    Keys are ``psnr@N`` and ``accuracy@N``.
    """
    found: dict[str, list[float]] = {f"{name}@{n}": [] for n in counts for name in ("psnr", "accuracy")}
    for number, photo in enumerate(photos):
        rgb = np.asarray(cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)
        truth = lab.rgb_to_lab(rgb)
        planes = torch.from_numpy(truth).permute(2, 0, 1)[None].float().to(device)
        at = np.random.default_rng(number).integers(1, 255, (max(counts), 2))
        for n in counts:
            mask = torch.zeros(1, 1, 256, 256, device=device)
            for y, x in at[:n]:
                mask[..., y - 1 : y + 2, x - 1 : x + 2] = 1.0
            ab = model(planes[:, :1], planes[:, 1:] * mask, mask).ab
            ab = F.interpolate(ab, size=(256, 256), mode="bicubic") if ab.shape[-1] != 256 else ab
            out = tensors.lab_to_rgb(torch.cat([planes[:, :1], ab], dim=1))[0].permute(1, 2, 0).cpu().numpy()
            found[f"psnr@{n}"].append(scores.psnr(np.rint(out * 255).astype(np.uint8), rgb))
            index = bins.to_bins(ab[0].permute(1, 2, 0).cpu().numpy())
            found[f"accuracy@{n}"].append(float((index == bins.to_bins(truth[..., 1:])).mean()))
    return {name: float(np.mean(values)) for name, values in found.items()}
