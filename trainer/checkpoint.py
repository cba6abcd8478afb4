"""A run's folder: checkpoint.safetensors (resume), model.safetensors (averaged weights), run.json, metrics.jsonl."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

FORMAT = 1


def _replace(path: Path, write: Any) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_tensors(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole or not at all."""
    flat = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    _replace(path, lambda temporary: save_file(flat, temporary, metadata))


def save_json(value: Any, path: Path) -> None:
    """Write a JSON file whole or not at all."""
    _replace(path, lambda temporary: temporary.write_text(json.dumps(value, indent=2) + "\n"))


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


def pack(
    model: nn.Module, average: Averaged, optimizer: torch.optim.Optimizer, step: int, elapsed: float
) -> dict[str, Tensor]:
    """Everything that a resumed run needs, as flat tensors."""
    out = {f"model.{k}": v for k, v in model.state_dict().items()}
    out |= {f"average.{k}": v for k, v in average.values.items()}
    for index, state in optimizer.state_dict()["state"].items():
        out |= {f"optimizer.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
    out["step"], out["elapsed"] = torch.tensor(step), torch.tensor(elapsed, dtype=torch.float64)
    return out


def unpack(path: Path, model: nn.Module, average: Averaged, optimizer: torch.optim.Optimizer) -> tuple[int, float]:
    """Restore what `pack` kept; returns the next step and the seconds already spent."""
    flat = load_file(path)
    model.load_state_dict({k[6:]: v for k, v in flat.items() if k.startswith("model.")})
    average.values = {k[8:]: v for k, v in flat.items() if k.startswith("average.")}
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in flat.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(flat["step"]), float(flat["elapsed"])
