"""Scores of a colored picture against the true one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import bins, lab
from .lab import Array, Bytes


def psnr(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 pictures of one shape; equal pictures give 99."""
    error = float(np.mean((found.astype(np.float64) - truth.astype(np.float64)) ** 2))
    return 99.0 if error == 0.0 else 10.0 * float(np.log10(255.0**2 / error))


def bin_accuracy(found_ab: Array, true_ab: Array) -> float:
    """Share of pixels in the true bin, averaged over both heads, ab [..., 2] (as the paper's code counts it)."""
    return float((bins.to_bins(found_ab) == bins.to_bins(true_ab)).mean())


def ab_rmse(found_ab: Array, true_ab: Array) -> float:
    """Root mean square distance of two chromas [..., 2]: sqrt(mean(da^2 + db^2))."""
    return float(np.sqrt(((found_ab - true_ab) ** 2).sum(-1).mean()))


def colorfulness(rgb: NDArray[np.uint8]) -> float:
    """Hasler and Suesstrunk 2003, M3: 0 for grey, about 15 slightly, 45 averagely, 100 extremely colorful."""
    r, g, b = (rgb[..., i].astype(np.float64) for i in range(3))
    rg, yb = r - g, 0.5 * (r + g) - b
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def ciede2000(lab1: Array, lab2: Array) -> Array:
    """CIEDE2000 color difference of LAB [..., 3] and [..., 3], weights 1 (Sharma, Wu and Dalal 2005)."""
    l1, a1, b1 = np.moveaxis(np.asarray(lab1, np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(lab2, np.float64), -1, 0)
    mean_c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2.0) ** 7
    g = 0.5 * (1.0 - np.sqrt(mean_c7 / (mean_c7 + 25.0**7)))
    a1, a2 = (1.0 + g) * a1, (1.0 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360.0, np.degrees(np.arctan2(b2, a2)) % 360.0

    colored = c1 * c2 > 0
    dh = np.where(colored, (h2 - h1 + 180.0) % 360.0 - 180.0, 0.0)
    dl, dc = l2 - l1, c2 - c1
    d_hue = 2.0 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2.0))

    l_mean, c_mean = (l1 + l2) / 2.0, (c1 + c2) / 2.0
    total = h1 + h2
    apart = np.abs(h1 - h2) > 180.0
    h_mean = np.where(apart, np.where(total < 360.0, total + 360.0, total - 360.0), total) / 2.0
    h_mean = np.where(colored, h_mean, total)
    t = (
        1.0
        - 0.17 * np.cos(np.radians(h_mean - 30.0))
        + 0.24 * np.cos(np.radians(2.0 * h_mean))
        + 0.32 * np.cos(np.radians(3.0 * h_mean + 6.0))
        - 0.20 * np.cos(np.radians(4.0 * h_mean - 63.0))
    )
    s_l = 1.0 + 0.015 * (l_mean - 50.0) ** 2 / np.sqrt(20.0 + (l_mean - 50.0) ** 2)
    s_c, s_h = 1.0 + 0.045 * c_mean, 1.0 + 0.015 * c_mean * t
    c7 = c_mean**7
    turn = np.radians(60.0 * np.exp(-(((h_mean - 275.0) / 25.0) ** 2)))
    r_t = -2.0 * np.sqrt(c7 / (c7 + 25.0**7)) * np.sin(turn)
    lightness, chroma, hue = dl / s_l, dc / s_c, d_hue / s_h
    return np.sqrt(np.maximum(lightness**2 + chroma**2 + hue**2 + r_t * chroma * hue, 0.0))


def picture_scores(found: Bytes, truth: Bytes, truth_lab: Array) -> dict[str, float]:
    """All scores of one picture, uint8 [H, W, 3], against the true one and its LAB [H, W, 3].

    Its colorfulness and the true one stand apart, since a grey photo has no ratio of them (see `summarize`).
    """
    found_lab = lab.rgb_to_lab(found)
    return {
        "psnr": psnr(found, truth),
        "accuracy": bin_accuracy(found_lab[..., 1:], truth_lab[..., 1:]),
        "rmse": ab_rmse(found_lab[..., 1:], truth_lab[..., 1:]),
        "ciede": float(ciede2000(found_lab, truth_lab).mean()),
        "colorfulness": colorfulness(found),
        "true_colorfulness": colorfulness(truth),
    }


def mean_and_error(values: Array) -> dict[str, float]:
    """Mean and its standard error (0 for a single value, which has none)."""
    error = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else 0.0
    return {"mean": float(values.mean()), "error": float(error)}


def summarize(pictures: list[dict[str, float]]) -> dict[str, Any]:
    """Scores of pictures to means with their standard errors; colorfulness to the ratio of the means."""
    columns = {name: np.array([p[name] for p in pictures]) for name in pictures[0]}
    found, true = columns.pop("colorfulness"), columns.pop("true_colorfulness")
    summary: dict[str, Any] = {name: mean_and_error(values) for name, values in columns.items()}
    # The ratio of the means: near-grey photos would rule a mean of ratios. Its error is that of the residual.
    ratio = found.mean() / max(true.mean(), 1e-9)
    error = mean_and_error(found - ratio * true)["error"] / max(true.mean(), 1e-9)
    return summary | {"colorfulness": {"mean": float(ratio), "error": error}}
