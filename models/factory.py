"""From a configuration to its network."""

from __future__ import annotations

from .config import ModelConfig
from .hintunet import HintUNet
from .prediction import Network
from .unet import PaperUNet


def build(config: ModelConfig) -> Network:
    """The network of a configuration, freshly initialized."""
    return HintUNet(config) if config.variant == "hintunet" else PaperUNet(config)
