"""What a session of a run begins with: network, optimizer and loader, fresh or as a checkpoint left them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..color.errors import EngineError, UsageError
from ..models import ModelConfig, Network, build
from ..models.efficientnet import EfficientNetLite
from ..models.run_folder import load_model
from ..models.weights import grow
from ..runtime.bundle import load_bundle
from ..runtime.device import Device, parse_device
from ..runtime.manifest import is_bundle
from .checkpoint import Averaged, Position, State
from .config import TrainConfig
from .data.loader import Loader, make_loader
from .data.shards import ShardSet
from .distributed import World, synchronized
from .pretrained import load_encoder


def usable_device(asked: str, count: int = 1) -> torch.device:
    """The device called "auto", "cpu", "cuda" or "cuda:N", with so many GPUs behind "cuda".

    Raises EngineError for another name, and where it is not there: there is no silent fall-back.
    """
    device = parse_device(asked)
    if device.kind == "auto":
        device = Device("cuda" if torch.cuda.is_available() else "cpu")
    if device.kind == "cuda":
        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
        wanted = count if device.number is None else device.number + 1
        if wanted > there:
            raise EngineError(
                f"--device {device}: torch sees {there} CUDA devices here; take fewer GPUs or use --device cpu"
            )
    return torch.device(str(device))


def begin(config: TrainConfig, device: torch.device, start: Path | None) -> State:
    """A fresh network, or one with the weights of another run or of a bundle, with its optimizer."""
    torch.manual_seed(config.seed)
    model = build(config.model)
    encoder = _pretrained(model)
    begun = _weights_of(start) if start else None
    if encoder and not (begun and _pretrained(begun)):
        load_encoder(encoder, config)
    if begun:
        try:
            grow(model, begun)
        except ValueError as error:
            raise UsageError(
                f"{start}: holds another network than this run's ({error}); choose its --preset"
            ) from error
    # Tensor cores and AMX ask for channels last, and in fp32 on a CPU the paper's ResUNet trains in 42 ms a photo
    # instead of 59 by it (AVX-512; AVX2: 42 and 48). The default network gains at 128 and loses 8 % at 256 with AVX2.
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if encoder and config.encoder_training == "frozen":
        encoder.freeze()
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    optimizer = kind(_groups(model, config), lr=config.learning_rate, weight_decay=config.weight_decay)
    scaler = torch.amp.GradScaler(device.type, enabled=config.precision == "fp16")
    return State(model.train(), Averaged(model, config.ema), optimizer, scaler)


def _pretrained(model: Network) -> EfficientNetLite | None:
    """A network's pretrained encoder; the paper's networks have an encoder, too, but one of their own."""
    encoder = getattr(model, "encoder", None)
    return encoder if isinstance(encoder, EfficientNetLite) else None


def _groups(model: Network, config: TrainConfig) -> list[dict[str, Any]]:
    """What learns, with the share of the learning rate that it learns by."""
    parts: dict[bool, list[nn.Parameter]] = {False: [], True: []}
    pretrained = _pretrained(model) is not None
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parts[pretrained and name.startswith("encoder.")].append(parameter)
    shares = {False: 1.0, True: config.encoder_rate}
    return [{"params": some, "share": shares[seeing]} for seeing, some in parts.items() if some]


def _weights_of(start: Path) -> Network:
    return load_bundle(start).network() if is_bundle(start) else load_model(start)[0]


def wrap(model: nn.Module, config: TrainConfig, world: World, device: torch.device) -> nn.Module:
    """The network as it is called while training: over all processes, compiled."""
    if world.size > 1:
        model = nn.parallel.DistributedDataParallel(
            synchronized(model, device),
            device_ids=[device] if device.type == "cuda" else None,
            # Without the regression, what comes after the logits gets no gradient.
            find_unused_parameters=not config.regression_weight,
        )
    return torch.compile(model) if config.compile else model  # type: ignore[return-value]


def restore(
    found: tuple[dict[str, Tensor], Position],
    state: State,
    config: TrainConfig,
    shards: ShardSet,
    world: World,
    run: Path,
    report: Callable[[str], None],
) -> Position:
    """Put a checkpoint's tensors in place; its position, without loader states that do not fit this session's."""
    flat, position = found
    held = ModelConfig.from_dict(position.config["model"])
    if held != config.model:
        raise UsageError(
            f"{run}: its checkpoint holds another network ({held.variant}, channels {held.channels}) than "
            f"{config.model.variant}, channels {config.model.channels}; choose its --preset or another folder"
        )
    state.unpack(flat)
    report(f"resumed at step {position.step}")
    before = position.config["processes"]
    if before != world.size:
        report(f"the run was made by {before} process(es) and goes on in {world.size}, with the same batches in all")
    reasons = {
        "the data has changed": position.data != shards.digest,
        f"the loader was {position.loader}": position.loader != config.loader,
        "DALI's shuffle belongs to the number of processes": config.loader == "dali" and before != world.size,
    }
    if any(reasons.values()):
        why = next(reason for reason, holds in reasons.items() if holds)
        report(f"a new pass over the photos begins ({why})")
        position.loaders = []
    return position


def open_loader(shards: ShardSet, number: int, position: Position, config: TrainConfig, world: World) -> Loader:
    """The loader of a stage: from the position's state where that is of this stage, otherwise from a new beginning."""
    state = None
    if position.loaders and position.stage == number:
        # The torch loader's state is the same for all ranks.
        state = position.loaders[world.rank if config.loader == "dali" else 0]
    else:
        position.begun = position.step
    position.stage, position.loader, position.loaders = number, config.loader, []
    return make_loader(shards, config.stages[number], (number, position.begun), config, world, state)
