"""Sample pictures: what a row makes of three photographs that scikit-image brings along, which may be shown.

astronaut: Eileen Collins, NASA, public domain. coffee: Rachel Michetti, CC0. chelsea: Stefan van der Walt, CC0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import skimage.data
import torch
from gcolor.color import bins, tensors
from gcolor.color.lab import Bytes
from gcolor.models import Network
from gcolor.runtime.colorizer import Colorizer
from gcolor.runtime.files import replace_file
from gcolor.trainer.data.photos import resize
from gcolor.trainer.scoring.held_out import without_color
from gcolor.trainer.step import predict
from PIL import Image

from .examine import TestPhoto, with_hints, without_hints

SAMPLES = ("astronaut", "chelsea", "coffee")
QUALITY = 92

Painter = Callable[[TestPhoto], Bytes]
"""Makes a picture uint8 [H, W, 3] of a photo's lightness and hints."""


def sample_photos(size: int) -> list[TestPhoto]:
    """The samples as squares, with the hints that every row sees."""
    photos = [np.asarray(getattr(skimage.data, name)(), np.uint8) for name in SAMPLES]
    return [with_hints(resize(rgb, size, size), number) for number, rgb in enumerate(photos)]


def save_samples(paint: Painter, size: int, path: Path) -> None:
    """Write the pictures of all samples side by side, as JPEG."""
    strip = Image.fromarray(np.concatenate([paint(photo) for photo in sample_photos(size)], axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, partial(strip.save, format="jpeg", quality=QUALITY, subsampling=0))


def network_painter(network: Network, hinted: bool) -> Painter:
    """Paints each cell in the color of its likeliest bins, as the paper does."""

    @torch.no_grad()
    def paint(photo: TestPhoto) -> Bytes:
        sample = photo.sample if hinted else without_hints(photo.sample)
        likeliest = predict(network, sample, "fp32").logits.argmax(2)
        ab = torch.from_numpy(bins.CENTERS).float()[likeliest]
        return _bytes(tensors.lab_to_rgb(torch.cat([sample.lightness, ab], dim=1)))

    return paint


def bundle_painter(colorizer: Colorizer, hinted: bool) -> Painter:
    """Paints as a bundle does, on a grid as fine as the photo."""

    def paint(photo: TestPhoto) -> Bytes:
        lab = torch.cat([photo.sample.lightness, photo.sample.ab], dim=1)[0].permute(1, 2, 0).numpy()
        colorizer.set_image(without_color(lab), grid=photo.rgb.shape[:2])
        alpha = 255 * photo.sample.hint_mask[0, 0].byte().numpy()
        return colorizer.color(np.dstack([photo.rgb, alpha]) if hinted else None)

    return paint


def _bytes(rgb_13HW: torch.Tensor) -> Bytes:
    return np.asarray((rgb_13HW[0].permute(1, 2, 0) * 255.0).round().byte().numpy(), np.uint8)
