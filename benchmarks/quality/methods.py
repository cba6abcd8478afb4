"""Those who color: bundles of gcolor, and baselines that know nothing but the hints.

A method takes a view and a hint raster and returns the picture, uint8 [H, W, 3]. Models stay open in the process.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import gcolor
import numpy as np
from gcolor.color import lab
from gcolor.color.lab import Array, Bytes
from gcolor.runtime.manifest import WEIGHTS
from numpy.typing import NDArray

from .baselines import kernel_regression, nearest_hint
from .levin import levin
from .protocols import View, hinted_ab

if TYPE_CHECKING:
    from gcolor.models import Network

Method = Callable[[View, Bytes], Bytes]
Spread = Callable[[Array, Array, NDArray[np.bool_]], Array]
"""Lightness [h, w] in 0..100, the hints' chroma [h, w, 2] and mask [h, w] to chroma [h, w, 2]."""


def no_color(lightness: Array, hint_ab: Array, mask: NDArray[np.bool_]) -> Array:
    return np.zeros(hint_ab.shape)


BASELINES: dict[str, Spread] = {
    "grey": no_color,
    "nearest": lambda lightness, hint_ab, mask: nearest_hint(mask, hint_ab),
    "kernel": kernel_regression,
    "levin": levin,
}


def spread_hints(spread: Spread, view: View, hints: Bytes) -> Bytes:
    """A baseline's picture. It works on the stretched photo; at another size its chroma is enlarged bicubically."""
    ab = spread(lab.rgb_to_lightness(view.small.rgb), *hinted_ab(hints))
    height, width = view.rgb.shape[:2]
    if ab.shape[:2] != (height, width):
        ab = np.asarray(cv2.resize(ab, (width, height), interpolation=cv2.INTER_CUBIC), np.float64)
    return lab.lab_to_rgb(np.concatenate([view.lab[..., :1], ab], axis=-1))


@cache
def open_colorizer(bundle: Path | None) -> gcolor.Colorizer:
    """A bundle, None for the default one, on the CPU; one thread, since photos are scored side by side."""
    return gcolor.Colorizer(bundle, device="cpu", threads=1)


def paint(bundle: Path | None, view: View, hints: Bytes) -> Bytes:
    """A bundle's picture."""
    colorizer = open_colorizer(bundle)
    colorizer.set_image(view.grey, grid=view.grid)
    return colorizer.color(hints)


def lacks_logits(bundle: Path | None) -> str | None:
    """Why a bundle's logits cannot be had here; None where they can."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return "PyTorch is not installed"
    if WEIGHTS not in open_colorizer(bundle).bundle.manifest.files:
        return f"the bundle has no {WEIGHTS}"
    return None


@cache
def open_network(bundle: Path | None) -> Network:
    """A bundle's network in PyTorch."""

    found = open_colorizer(bundle).bundle
    return found.network()


def argmax_accuracy(network: Network, view: View, hints: Bytes) -> float:
    """Share of the photo's pixels whose most probable bin is the true one, mean of both heads (the paper's accuracy).

    Logits of a coarser grid are enlarged bilinearly, so that all networks are scored on the same pixels.
    """
    import torch
    import torch.nn.functional as F
    from gcolor.models import Prediction
    from gcolor.trainer import loss

    ab, mask = hinted_ab(hints)
    planes = np.concatenate([view.lab, ab, mask[..., None]], axis=-1)
    lightness, truth, hint_ab, hint_mask = (
        torch.from_numpy(planes).permute(2, 0, 1)[None].float().split([1, 2, 2, 1], dim=1)
    )
    with torch.inference_mode():
        logits = network(lightness, hint_ab, hint_mask).logits
        large = F.interpolate(logits.flatten(1, 2), size=truth.shape[2:], mode="bilinear").unflatten(1, (2, -1))
        return loss.argmax_accuracy(Prediction(large), truth).item()
