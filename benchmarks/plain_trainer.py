"""A trainer as people write it: Pillow, scikit-image and a loop of patches per photo, then an eager fp32 step.

The baseline of train_speed.py, in the style of the paper's published code: same network, same loss, nothing overlapped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from gcolor.models import PRESETS, build
from PIL import Image
from skimage.color import rgb2lab
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

PATCHES, PATCH = 36, 3
LAMBDA_PATCH = 1.0


class PhotoDataset(Dataset[tuple[Tensor, Tensor, Tensor, Tensor]]):
    """Lightness, hint ab, hint mask and the true bins of a photo stretched to a square."""

    def __init__(self, paths: list[Path], size: int) -> None:
        self.paths, self.size = paths, size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        photo = Image.open(self.paths[index]).convert("RGB").resize((self.size, self.size))
        lab = rgb2lab(np.asarray(photo)).astype(np.float32)
        ab = lab[..., 1:]
        true_bins = np.digitize(ab, np.arange(-120, 128, 8))
        mask = np.zeros((self.size, self.size, 1), np.float32)
        for _ in range(round(PATCHES * self.size**2 / 256**2)):
            y, x = np.random.randint(0, self.size - PATCH, 2)
            mask[y : y + PATCH, x : x + PATCH] = 1
        planes = (lab[..., :1], ab * mask, mask, true_bins)
        lightness, hint_ab, hint_mask, target = (torch.from_numpy(p.transpose(2, 0, 1).copy()) for p in planes)
        return lightness, hint_ab, hint_mask, target


class PlainTrainer:
    """One `step` reads a batch and learns from it."""

    def __init__(self, paths: list[Path], size: int, batch_size: int, device: torch.device) -> None:
        self.device = device
        self.loader = DataLoader(PhotoDataset(paths, size), batch_size, shuffle=True, drop_last=True)
        self.batches = iter(self.loader)
        self.model = build(PRESETS["paper"]).to(device).train()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-2, weight_decay=1e-3)
        self.weights = torch.ones(32, device=device)
        self.cross_entropy = nn.CrossEntropyLoss(weight=self.weights)

    def read(self) -> list[Tensor]:
        try:
            return next(self.batches)
        except StopIteration:
            self.batches = iter(self.loader)
            return next(self.batches)

    def step(self) -> float:
        lightness, hint_ab, mask, target = (t.to(self.device) for t in self.read())
        logits = self.model(lightness, hint_ab, mask).logits
        loss = torch.zeros((), device=self.device)
        for head in range(2):
            loss = loss + self.cross_entropy(logits[:, head], target[:, head])
            at_hints = F.cross_entropy(logits[:, head], target[:, head], weight=self.weights, reduction="none")
            loss = loss + LAMBDA_PATCH * (at_hints * mask[:, 0]).sum() / mask.sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()
