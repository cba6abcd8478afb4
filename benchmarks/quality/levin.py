"""The classical baseline: A. Levin, D. Lischinski, Y. Weiss, "Colorization using Optimization", SIGGRAPH 2004.

Chroma is the one field in which every pixel without a hint is the weighted mean of its 3 x 3 neighbors, the weights
falling with the difference in lightness. The weights follow the code that the authors published (getColorExact.m).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

Floats = NDArray[np.floating]

NEIGHBORS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
# The authors' constants, for lightness in 0..1: 2 sigma_r^2 is 0.6 times the variance of the window, large enough
# that the most similar neighbor keeps a weight of 0.01, and never below 2e-6.
VARIANCE_SHARE = 0.6
LEAST_BEST_WEIGHT = 0.01
LEAST_SPREAD = 2e-6


def affinities(lightness: Floats) -> Floats:
    """Lightness [H, W] in 0..1 to the weights of each pixel's NEIGHBORS [8, H, W]: sum 1, outside the picture 0."""
    height, width = lightness.shape
    padded = np.pad(lightness, 1, constant_values=np.nan)
    near = np.stack([padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in NEIGHBORS])
    spread = VARIANCE_SHARE * np.nanvar(np.concatenate([near, lightness[None]]), axis=0)
    squared = (near - lightness) ** 2
    spread = np.maximum(spread, np.nanmin(squared, axis=0) / -np.log(LEAST_BEST_WEIGHT))
    weights = np.nan_to_num(np.exp(-squared / np.maximum(spread, LEAST_SPREAD)))
    return weights / weights.sum(axis=0)


def levin(lightness: Floats, hint_ab: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Spread hints over a picture.

    lightness: [H, W] in 0..100, at least 2 x 2. hint_ab: chroma [H, W, 2], read where mask [H, W] is true.
    Returns ab [H, W, 2]: the hints' own at the mask; zeros without any hint.
    """
    height, width = lightness.shape
    ab = np.where(mask[..., None], hint_ab, 0.0).astype(np.float64).reshape(-1, 2)
    if not mask.any() or mask.all():
        return ab.reshape(height, width, 2)

    weights = affinities(lightness.astype(np.float64) / 100.0).reshape(len(NEIGHBORS), -1)
    pixels = np.arange(height * width)
    targets = pixels + np.array([[dy * width + dx] for dy, dx in NEIGHBORS])
    # Zero weights are the neighbors outside the picture: inside, the spread keeps all above 1e-14.
    inside = weights > 0.0
    sources = np.broadcast_to(pixels, weights.shape)
    means = sparse.csr_array((weights[inside], (sources[inside], targets[inside])), shape=(pixels.size, pixels.size))

    known = mask.ravel()
    rows = means[~known]
    system = sparse.eye_array(rows.shape[0], format="csc") - rows[:, ~known].tocsc()
    # The pattern is symmetric and each diagonal is at least the sum of its row: no pivoting, an ordering of A + A^T.
    factors = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    ab[~known] = factors.solve(rows[:, known] @ ab[known])
    return ab.reshape(height, width, 2)
