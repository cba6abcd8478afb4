"""One configuration for every network, and the presets."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Variant = Literal["unet", "resunet", "transunet", "hintunet"]
Encoder = Literal["", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"]

# What only HintUNet reads.
_HINTUNET = ("blocks", "encoder", "joint", "kernels", "enlarging", "temperature", "chroma", "reserve")


@dataclass(kw_only=True, slots=True, frozen=True)
class ModelConfig:
    """Which network, and how wide and deep."""

    variant: Variant = "hintunet"
    channels: tuple[int, ...] = (40, 80, 144)
    """Width of each level, from the finest; the paper's networks halve the grid after each."""
    blocks: tuple[int, ...] = (2, 2, 4)
    """Residual blocks of each level (hintunet only)."""
    encoder: Encoder = ""
    """What sees more in a photograph than the network has learned by itself; "" for none (hintunet)."""
    joint: bool = False
    """Also say how likely each color is over a and b together (bins.JOINT): what suggestions come from (hintunet)."""
    heads: int = 4
    """Attention heads (transunet's blocks, hintunet's hint propagation)."""
    kernels: int = 3
    """Kernels that spread what is still lacking at the hints, one after the other; 0 for none (hintunet)."""
    enlarging: bool = True
    """ab at half the grid by learned mixtures of the cells at a quarter (hintunet)."""
    temperature: float = 0.7
    """Of the softmax whose mean is the classifier's color (Zhang et al. 2016); below 1 it is purer (hintunet)."""
    chroma: float = 1.1
    """Factor on the classifier's color when not training: the mean of what may be is paler than what is (hintunet)."""
    reserve: float = 0.0
    """Added to the score of "no hint fits" when not training: one hint says less of what is far from it (hintunet)."""
    bottleneck: int = 512
    """Width between the two 1x1 convolutions of the paper's bottleneck."""
    features: int = 3
    """Dimensions of the feature that the two 32-way heads classify (the published ResUNet: 3)."""
    hints: Literal["bins", "scaled"] = "scaled"
    """"bins": the published code's raw bin index and no mask channel; "scaled": ab / 50 and a mask."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def decisive(self) -> dict[str, Any]:
        """The values that the variant reads: where they are the same, so is the network."""
        unread = () if self.variant == "hintunet" else _HINTUNET
        return {name: value for name, value in self.to_dict().items() if name not in unread}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        listed: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        # What a network from before there were these had.
        return cls(**{"kernels": 0, "enlarging": False, "temperature": 1.0, "chroma": 1.0} | listed)


_PAPER: dict[str, Any] = {"channels": (8, 16, 32, 64), "features": 3, "hints": "bins"}

PRESETS: dict[str, ModelConfig] = {
    "default": ModelConfig(encoder="efficientnet-lite2", joint=True),
    "hintunet": ModelConfig(),
    "paper": ModelConfig(variant="resunet", **_PAPER),
    "paper-unet": ModelConfig(variant="unet", **_PAPER),
    "paper-transunet": ModelConfig(variant="transunet", **_PAPER),
    "resunet": ModelConfig(variant="resunet", channels=(32, 64, 96, 128), features=32),
}
