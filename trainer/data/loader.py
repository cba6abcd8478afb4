"""Batches of crops from shards. Two loaders give the same in distribution: DALI (dali.py), plain torch (crops.py)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

from torch import Tensor

from ...color.errors import EngineError, UsageError
from ..config import Stage, TrainConfig
from ..distributed import World
from .crops import TorchLoader
from .shards import ShardSet


class Loader(Protocol):
    """An endless row of batches; `kind` and `state` say where it stands, so that another goes on from there."""

    kind: str

    def next(self) -> Tensor:
        """The next batch of this process, uint8 [rows, 3, size, size], on the device or in memory."""
        ...

    def state(self) -> bytes:
        """What a new loader of the same kind, shards, stage and world needs to go on after the last batch given."""
        ...

    def close(self) -> None: ...


def make_loader(
    shards: ShardSet, stage: Stage, begun: tuple[int, int], config: TrainConfig, world: World, state: bytes | None
) -> Loader:
    """The configured loader for a stage, from its beginning (its number and first step) or from a state.

    Raises UsageError where the batch cannot be split evenly, EngineError where DALI is asked for and missing.
    """
    parts = world.size * config.accumulate
    if stage.batch_size % parts:
        raise UsageError(
            f"batches of {stage.batch_size} photos cannot be split over {world.size} processes x {config.accumulate} "
            f"micro-batches; choose a multiple of {parts}"
        )
    if config.loader == "torch":
        return TorchLoader(shards, stage, begun, config, world, state)
    require_dali()
    from .dali import DaliLoader

    return DaliLoader(shards, stage, begun, config, world, state)


def has_dali() -> bool:
    return find_spec("nvidia") is not None and find_spec("nvidia.dali") is not None


def require_dali() -> None:
    if not has_dali():
        raise EngineError("DALI is not installed; pip install nvidia-dali-cuda130 (Linux), or take --loader torch")
