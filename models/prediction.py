"""What every network is, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(slots=True)
class Prediction:
    """logits [B, 2, 32, g, k] over the ab bins and ab [B, 2, g, k] decoded from them.

    The grid g x k is h x w divided by the network's output stride.
    """

    logits: Tensor
    ab: Tensor


class Network(nn.Module):
    """Lightness, hint ab and hint mask [B, 1 / 2 / 1, h, w] to a `Prediction`."""

    output_stride: int
    """h and w divided by this are the prediction's grid."""

    def __call__(self, lightness: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Prediction:
        prediction: Prediction = super().__call__(lightness, hint_ab, hint_mask)
        return prediction
