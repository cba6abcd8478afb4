"""Which photos are scored with which hints: the same on every machine, decided by the file's name alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .lab import Bytes

SIZE = 256
"""Photos are stretched to squares of this side, in pixels (the paper, section 4.1)."""
PATCH = 3
"""Side of a hint, in pixels."""
PAPER_HINTS = 36
"""The paper's number of hints: 0.5 % of the picture."""
COUNTS = (0, 1, 2, 5, 10, 20, PAPER_HINTS, 50, 100)


def digest(text: str) -> bytes:
    """SHA-256 of a text; Python's own hash() differs from run to run."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def sample(paths: Iterable[Path], limit: int | None = None) -> list[Path]:
    """Paths in the order of their names' hash, so that the first N are a fair sample of all."""
    return sorted(paths, key=lambda p: digest(p.name))[:limit]


def generator(name: str, purpose: str) -> np.random.Generator:
    """Random numbers that belong to a file name and a purpose."""
    return np.random.default_rng(list(digest(f"{purpose}/{name}")))


def hint_centres(name: str, count: int) -> NDArray[np.int64]:
    """Row and column of the centres of `count` hints [count, 2] for a photo; the first of 100 are the first of 10."""
    return generator(name, "hints").integers(1, SIZE - 1, (count, 2))


def hint_mask(centres: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where hints of 3x3 pixels lie around their centres: bool [256, 256]."""
    mask = np.zeros((SIZE, SIZE), bool)
    for y, x in centres:
        mask[y - 1 : y + 2, x - 1 : x + 2] = True
    return mask


def true_hints(rgb: Bytes, name: str, count: int) -> Bytes:
    """RGBA [256, 256, 4] with `count` hints that show the photo's own pixels [256, 256, 3]."""
    mask = hint_mask(hint_centres(name, count))
    return np.concatenate([rgb * mask[..., None], np.uint8(255) * mask[..., None]], axis=-1).astype(np.uint8)


def fingerprint(names: Iterable[str], counts: Iterable[int]) -> str:
    """SHA-256 over the hints of these photos: two evaluations with the same one have seen the same."""
    most = max(counts, default=0)
    parts = [f"{name}:{hint_centres(name, most).tobytes().hex()}" for name in sorted(names)]
    return hashlib.sha256("\n".join([str(sorted(set(counts))), *parts]).encode("utf-8", "surrogateescape")).hexdigest()
