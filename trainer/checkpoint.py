"""Checkpoints: one safetensors file holds all that a run needs to go on as if it had never stopped.

RUN/checkpoints/step-00000200.safetensors   weights, averaged weights, optimizer, loaders, and where the run stood
RUN/model.safetensors                       the averaged weights of the last one: what is scored and exported
RUN/best.safetensors                        those with the best validation scores
RUN/run.json                                the configuration, the data, the last scores
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..color.errors import UsageError, one_line
from ..runtime.files import replace_file, storage_error

FORMAT = 2
_NAME = re.compile(r"step-(\d{8})\.safetensors")


class Averaged:
    """Exponential moving average of a network's weights and buffers."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {name: t.detach().clone() for name, t in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (step + 1) / (step + 10))
        for name, t in model.state_dict().items():
            kept = self.values[name]
            if kept.is_floating_point():
                kept.lerp_(t, 1.0 - decay)
            else:
                kept.copy_(t)


@dataclass(slots=True)
class Position:
    """Where a run stands: what is not a tensor. All randomness follows from the seed and the step."""

    step: int = 0
    seconds: float = 0.0
    stage: int = 0
    begun: int = 0
    """The step at which the stage's loaders began."""
    loader: str = ""
    """Kind of the loaders whose states, one per rank, are kept."""
    loaders: list[bytes] = field(default_factory=list)
    best: float = float("-inf")
    """The best validation score so far."""
    config: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    """Digest of the shards."""


@dataclass(slots=True)
class State:
    """The parts of a run that learn."""

    model: nn.Module
    average: Averaged
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler

    def pack(self) -> dict[str, Tensor]:
        """All of it as flat tensors."""
        out = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        out |= {f"average.{k}": v for k, v in self.average.values.items()}
        for index, values in self.optimizer.state_dict()["state"].items():
            out |= {f"optimizer.{index}.{k}": torch.as_tensor(v) for k, v in values.items()}
        return out | {f"scaler.{k}": torch.tensor(v) for k, v in self.scaler.state_dict().items()}

    def unpack(self, flat: dict[str, Tensor]) -> None:
        """Restore what `pack` gave."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {k.removeprefix(prefix): v for k, v in flat.items() if k.startswith(prefix)}

        self.model.load_state_dict(part("model."))
        device = next(self.model.parameters()).device
        self.average.values = {k: v.to(device) for k, v in part("average.").items()}
        values: dict[int, dict[str, Tensor]] = {}
        for name, value in part("optimizer.").items():
            index, key = name.split(".", 1)
            values.setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict({"state": values, "param_groups": self.optimizer.state_dict()["param_groups"]})
        scale = {k: v.item() for k, v in part("scaler.").items()}
        if scale and self.scaler.is_enabled():
            self.scaler.load_state_dict(scale)


def save_tensors(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole or not at all. Raises StorageError where the disk does not take it."""
    flat = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    try:
        replace_file(path, lambda temporary: save_file(flat, temporary, metadata), durable=True)
    except (OSError, SafetensorError) as error:
        raise storage_error(error, path, "the last checkpoint is intact: make room, then --resume") from error


def save(run: Path, state: State, position: Position, keep: int) -> None:
    """Write a checkpoint and the averaged weights, then drop all but the last `keep` checkpoints."""
    folder = run / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    tensors = state.pack()
    for rank, blob in enumerate(position.loaders):
        tensors[f"loader.{rank}"] = torch.frombuffer(bytearray(blob), dtype=torch.uint8)
    plain = {field.name: getattr(position, field.name) for field in fields(position) if field.name != "loaders"}
    metadata = {"format": str(FORMAT), "position": json.dumps(plain)}
    save_tensors(tensors, folder / f"step-{position.step:08d}.safetensors", metadata)
    save_tensors(state.average.values, run / "model.safetensors")
    for old in checkpoints(run)[keep:]:
        old.unlink()


def checkpoints(run: Path) -> list[Path]:
    """The run's checkpoints, the newest first."""
    folder = run / "checkpoints"
    found = [p for p in folder.iterdir() if _NAME.fullmatch(p.name)] if folder.is_dir() else []
    return sorted(found, reverse=True)


def load(path: Path) -> tuple[dict[str, Tensor], Position]:
    """A checkpoint's tensors and position. Raises UsageError where it is damaged or of an unknown format."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != str(FORMAT):
                raise UsageError(f"{path}: not a checkpoint of format {FORMAT}; start a new run with --start")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        loaders = [name for name in tensors if name.startswith("loader.")]
        blobs = [tensors.pop(f"loader.{rank}").numpy().tobytes() for rank in range(len(loaders))]
        return tensors, Position(loaders=blobs, **json.loads(metadata["position"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: damaged ({one_line(error)}); remove it and --resume goes on from an older"
        ) from error


def load_newest(run: Path, report: Callable[[str], None]) -> tuple[dict[str, Tensor], Position] | None:
    """The newest checkpoint that is whole, None where there is none; a damaged one is named and passed over.

    Raises UsageError where all are damaged.
    """
    found = checkpoints(run)
    for path in found:
        try:
            return load(path)
        except UsageError as error:
            report(f"warning: {error}")
            if path == found[-1]:
                raise
    return None


def newest_config(run: Path) -> dict[str, Any]:
    """The configuration in the newest checkpoint that can be read."""
    found = load_newest(run, lambda _: None)
    if found is None:
        raise UsageError(f"{run}: holds no checkpoint")
    return found[1].config
