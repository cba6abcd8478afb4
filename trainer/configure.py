"""From what was asked for to a run's configuration: a preset's, or the resumed run's, with the options on top."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..color.errors import UsageError
from ..models import PRESETS
from . import checkpoint
from .config import Stage, TrainConfig, preset
from .data.loader import has_dali, require_dali
from .distributed import World
from .session import usable_device

MOST_WORKERS = 8


def configure(run: Path, resume: bool, processes: int, asked: dict[str, Any]) -> TrainConfig:
    """The configuration of a run in so many processes.

    asked: fields of TrainConfig, and preset and recipe (names), encoder (of the network), size and batch_size (one
    stage instead of the recipe's). What is not asked for is the preset's, or, resumed, the run's own. Raises
    UsageError for what does not exist or fit, EngineError where the device or DALI is not there.
    """
    asked = dict(asked)
    name, recipe, device = asked.pop("preset", None), asked.pop("recipe", None), asked.pop("device", None)
    size, batch_size = asked.pop("size", None), asked.pop("batch_size", None)
    encoder = asked.pop("encoder", None)
    if name is not None and name not in PRESETS:
        raise UsageError(f"--preset {name}: not known; there are {', '.join(PRESETS)}")
    if size is not None and size % 16:
        raise UsageError(f"--size {size}: must be a multiple of 16")
    world = World.from_environment()
    if resume and checkpoint.checkpoints(run):
        if recipe:
            raise UsageError(f"--recipe {recipe}: a run that is resumed keeps its own; leave it out")
        config = TrainConfig.from_dict(checkpoint.newest_config(run))
        if name is not None:
            config.model = PRESETS[name]
        device = device or torch.device(config.device).type
        where = usable_device(device, processes // world.nodes)
    else:
        config = preset(name or "default", recipe)
        where = usable_device(device or "auto", processes // world.nodes)
        config.precision = "bf16" if where.type == "cuda" else "fp32"
        config.loader = "dali" if has_dali() else "torch"
    if where.type == "cuda" and where.index is None:
        where = torch.device("cuda", world.local_rank)
    config.device, config.processes = str(where), processes
    config.workers = max(1, min(MOST_WORKERS, (os.cpu_count() or 1) * world.nodes // processes - 1))
    for field, value in asked.items():
        setattr(config, field, value)
    if encoder is not None:
        if config.model.variant != "hintunet":
            raise UsageError(f"--encoder {encoder}: the {config.model.variant} has none; take --preset default")
        config.model = replace(config.model, encoder="" if encoder == "none" else encoder)
    if size or batch_size:
        last = config.stages[-1]
        config.stages = [Stage(until=1.0, size=size or last.size, batch_size=batch_size or last.batch_size)]
    if config.loader == "dali":
        require_dali()
    return config
