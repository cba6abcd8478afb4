"""What a network returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(slots=True)
class Prediction:
    """logits [B, 2, 32, g, k] over the ab bins and ab [B, 2, g, k] decoded from them.

    The grid g x k is h x w divided by the network's output stride.
    """

    logits: Tensor
    ab: Tensor
