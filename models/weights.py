"""A network's weights as bytes, and the weights of a smaller network in a larger one."""

from __future__ import annotations

from typing import Any

from safetensors.torch import load, save
from torch import nn

from .blocks import ResBlock
from .config import ModelConfig
from .factory import build
from .prediction import Network


def model_of(config: dict[str, Any], weights: bytes) -> Network:
    """The network of a configuration as a dictionary, in evaluation mode, with the bytes of a safetensors file.

    Raises TypeError, ValueError or RuntimeError where the two do not fit.
    """
    model = build(ModelConfig.from_dict(config))
    model.load_state_dict(load(weights))
    return model.eval()


def pack(network: Network) -> bytes:
    """A safetensors file of a network's weights, and the network with exactly these: matrices in half precision.

    That halves a bundle's share of them and costs nothing measurable; vectors (biases, statistics) stay as they are.
    """
    small = {name: t.half() if t.dim() > 1 else t for name, t in network.state_dict().items()}
    network.load_state_dict(small)
    return save(small)


def grow(model: Network, smaller: Network) -> None:
    """Give a network the weights of one that has the same parts or fewer, and let it begin by doing the same.

    A residual block that the smaller one lacks begins as the identity; other parts that it lacks begin as they are.
    Raises ValueError where a part of the smaller one has no place.
    """
    held, own = smaller.state_dict(), model.state_dict()
    for name, tensor in held.items():
        if name not in own or own[name].shape != tensor.shape:
            raise ValueError(f"no place for its {name}")
    model.load_state_dict(held, strict=False)
    for name, part in model.named_modules():
        if isinstance(part, ResBlock) and f"{name}.conv1.0.weight" not in held:
            norm = part.conv2[1]
            assert isinstance(norm, nn.BatchNorm2d)
            nn.init.zeros_(norm.weight)
