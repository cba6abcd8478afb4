"""The protocols that colors are scored by, and a photo as one of them shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from gcolor.color import lab, protocol
from gcolor.color.lab import Array, Bytes
from gcolor.color.protocol import Patches
from gcolor.trainer.scoring.held_out import EvalPhoto, stretched, without_color


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is colored, with which hints, how many of them."""

    name: str
    about: str
    patches: Patches
    counts: tuple[int, ...]
    filtered: bool = False
    """Only photos that pass the paper's near-grey filter."""
    full: bool = False
    """Color the photo at its own size; the hints stay those of the stretched one, at the same places of it."""
    logits: bool = False
    """Also score the most probable bins, where a model has them."""


PROTOCOLS = {
    p.name: p
    for p in (
        Protocol(
            "paper",
            "256x256, near-grey photos left out, 3x3 hints of own pixels",
            protocol.PAPER,
            (0, protocol.PAPER_HINTS),
            filtered=True,
            logits=True,
        ),
        Protocol(
            "zhang",
            "256x256, 6x6 hints of their mean color (Zhang et al. 2017)",
            Patches(side=6, mean=True),
            (0, 1, 2, 5, 10, 20, 36, 50, 100, 500),
        ),
        Protocol(
            "icolorit",
            "224x224, 2x2 cells of their mean color (iColoriT)",
            Patches(size=224, side=2, mean=True, cells=True),
            (1, 10, 100),
        ),
        Protocol("full", "own size, 3x3 hints of the 256x256 stretch", protocol.PAPER, (0, 10, 36, 100), full=True),
    )
}


@dataclass(frozen=True)
class View:
    """A photo as a protocol shows it: `photo` is the truth, hints come from the stretched `small`."""

    photo: EvalPhoto
    small: EvalPhoto
    protocol: Protocol

    @classmethod
    def of(cls, name: str, rgb: Bytes, shown: Protocol) -> View:
        """The view of a photo of a file name, uint8 [H, W, 3]."""
        small = stretched(name, rgb, shown.patches.size)
        return cls(replace(small, rgb=rgb) if shown.full else small, small, shown)

    @property
    def name(self) -> str:
        """The photo's file name, which decides where hints lie."""
        return self.photo.name

    @property
    def rgb(self) -> Bytes:
        """The truth, uint8 [H, W, 3]."""
        return self.photo.rgb

    @property
    def grid(self) -> tuple[int, int] | None:
        """The network's grid; None for the one that it chooses itself."""
        return None if self.protocol.full else self.rgb.shape[:2]

    @cached_property
    def lab(self) -> Array:
        """The truth in LAB [H, W, 3]."""
        return self.photo.to_lab()

    @cached_property
    def grey(self) -> Bytes:
        """What is colored, uint8 [H, W, 3]."""
        return without_color(self.lab)

    def hints(self, count: int) -> Bytes:
        """RGBA [size, size, 4]."""
        return protocol.true_hints(self.small.rgb, self.name, count, self.protocol.patches)


def hinted_ab(hints: Bytes) -> tuple[Array, np.ndarray]:
    """A raster RGBA [h, w, 4] to its chroma [h, w, 2], 0 where no hint is, and the mask of the hints [h, w]."""
    mask = hints[..., 3] >= 128
    return lab.rgb_to_lab(hints[..., :3])[..., 1:] * mask[..., None], mask
