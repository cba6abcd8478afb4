"""What every network is, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ..color import tensors
from .config import ModelConfig


@dataclass(slots=True)
class Prediction:
    """logits [B, 2, 32, m, n] over the ab bins and ab [B, 2, g, k] decoded from them.

    The grid g x k is h x w divided by the network's output stride; the logits' grid is the same or coarser.
    """

    logits: Tensor
    decoded: Tensor | None = None
    """ab, where the network has more to say of it than the logits have."""

    @property
    def ab(self) -> Tensor:
        """Decoded when asked for: a loss of the logits alone does without."""
        return tensors.annealed_mean(self.logits) if self.decoded is None else self.decoded

    def float(self) -> Prediction:
        """The same in fp32."""
        return Prediction(self.logits.float(), None if self.decoded is None else self.decoded.float())


class Network(nn.Module):
    """Lightness, hint ab and hint mask [B, 1 / 2 / 1, h, w] to a `Prediction`."""

    config: ModelConfig
    output_stride: int
    """h and w divided by this are the grid of the prediction's ab."""
    exact: tuple[str, ...] = ()
    """Submodules that stay in fp32, whatever precision the network is exported in."""

    def __call__(self, lightness: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Prediction:
        prediction: Prediction = super().__call__(lightness, hint_ab, hint_mask)
        return prediction
