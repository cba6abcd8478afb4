"""Coloring as people write it: Pillow, scikit-image and an eager PyTorch network, one picture at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.grid import choose_grid
from PIL import Image
from skimage.color import lab2rgb, rgb2lab
from torch import Tensor, nn

from peers.siggraph17 import SIDE, Siggraph17

Grid = Callable[[int, int], tuple[int, int]]
Predict = Callable[[Tensor, Tensor, Tensor], Tensor]


def own_network() -> nn.Module:
    """The network of the bundle that ships with gcolor, with its weights."""
    bundle = load_bundle()
    return bundle.network()


class PlainLoop:
    """`color_file` takes one picture from file to file, without hints."""

    def __init__(self, predict: Predict, grid: Grid) -> None:
        """predict: lightness 0..100, hint ab and mask to ab; grid: from a picture's height and width to predict's."""
        self.predict, self.grid = predict, grid

    def color(self, rgb: np.ndarray) -> np.ndarray:
        """uint8 [H, W, 3] to uint8 [H, W, 3]."""
        lab = rgb2lab(rgb).astype(np.float32)
        height, width = rgb.shape[:2]
        grid = self.grid(height, width)
        lightness = torch.from_numpy(lab[..., 0])[None, None]
        small = F.interpolate(lightness, size=grid, mode="bilinear", antialias=True)
        with torch.no_grad():
            ab = self.predict(small, torch.zeros(1, 2, *grid), torch.zeros(1, 1, *grid))
        ab = F.interpolate(ab, size=(height, width), mode="bilinear")
        lab[..., 1:] = ab[0].permute(1, 2, 0).numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # colors out of gamut, which scikit-image clips
            colored = lab2rgb(lab)
        return (colored * 255.0).round().astype(np.uint8)

    def color_file(self, source: Path, output: Path, quality: int) -> None:
        rgb = np.asarray(Image.open(source).convert("RGB"))
        Image.fromarray(self.color(rgb)).save(output, quality=quality, subsampling=0)


def same_network() -> PlainLoop:
    """With gcolor's own network and grid."""
    network = own_network()
    return PlainLoop(lambda *planes: network(*planes).ab, choose_grid)


def siggraph17() -> PlainLoop:
    """With the SIGGRAPH 2017 network at 256 x 256."""
    network = Siggraph17().eval()
    return PlainLoop(lambda light, ab, mask: network(light - 50.0, ab, mask), lambda height, width: (SIDE, SIDE))
