"""What every network is, and what it returns."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal, Self

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
    joint: Tensor | None = None
    """Logits [B, 140, m, n] over the nodes of a and b together (bins.JOINT), where the network has them."""

    @property
    def ab(self) -> Tensor:
        """Decoded when asked for: a loss of the logits alone does without."""
        return tensors.annealed_mean(self.logits) if self.decoded is None else self.decoded

    def float(self) -> Prediction:
        """The same in fp32."""
        decoded, joint = (None if t is None else t.float() for t in (self.decoded, self.joint))
        return Prediction(self.logits.float(), decoded, joint)


Form = Literal["dynamic", "static"]
"""dynamic: shapes may depend on the hints, and bytes and tables do what they do fastest (CPUs, ONNX Runtime).
static: what TensorRT takes: no shape depends on the hints, no bytes but at the ends."""


class Network(nn.Module):
    """Lightness, hint ab and hint mask [B, 1 / 2 / 1, h, w] to a `Prediction`."""

    config: ModelConfig
    output_stride: int
    """h and w divided by this are the grid of the prediction's ab."""
    form: Form = "dynamic"
    exact: tuple[str, ...] = ()
    """Submodules that stay in fp32, whatever precision the network is exported in."""
    not_int8: tuple[str, ...] = ()
    """Paths of parts that int8 leaves in fp32, beside those in `exact`."""

    def in_form(self, form: Form) -> Self:
        """The same network, with the same weights, computed in this form."""
        other = copy.copy(self)
        other.form = form
        return other

    def __call__(
        self, lightness: Tensor, hint_ab: Tensor, hint_mask: Tensor, vividness: Tensor | None = None
    ) -> Prediction:
        """vividness [B, 1, 1, 1] multiplies the chroma that the network makes up, not what hints say; None is 1."""
        prediction: Prediction = super().__call__(lightness, hint_ab, hint_mask, vividness)
        return prediction
