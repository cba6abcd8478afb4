"""One optimizer step: a batch of photos to what the network sees and must find, and the gradient that follows."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..color import tensors
from ..models import Prediction
from .aging import age, frame
from .checkpoint import State
from .config import Precision, Stage, TrainConfig
from .distributed import World
from .loss import argmax_accuracy, total_loss
from .simulate import Draws, paper_hints, recolor, simulate_hints

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(slots=True)
class Sample:
    """Lightness [B, 1, H, W], hint ab [B, 2, H, W] and mask [B, 1, H, W]; the true ab [B, 2, H, W]."""

    lightness: Tensor
    hint_ab: Tensor
    hint_mask: Tensor
    ab: Tensor


def simulate(rgb_B3HW: Tensor, draws: Draws, config: TrainConfig) -> Sample:
    """A uint8 batch to a sample: LAB, hints, and the changes that make hints count and photographs old."""
    lab = tensors.rgb_to_lab(rgb_B3HW.float() / 255.0)
    point = None
    if config.recolor:
        lab, point = recolor(lab, draws, config.recolor)
    if config.frame:
        lab = frame(lab, draws, config.frame)
    lightness, ab = lab[:, :1], lab[:, 1:]
    match config.hints:
        case "simulated":
            largest = max(1, round(9 * rgb_B3HW.shape[-1] / 256))
            hint_ab, hint_mask = simulate_hints(ab, draws, config.max_hints, largest, point, config.hint_free)
        case "paper":
            hint_ab, hint_mask = paper_hints(ab, draws)
        case "none":
            hint_ab, hint_mask = torch.zeros_like(ab), torch.zeros_like(lightness)
    if config.age:
        lightness = age(lightness, draws, config.age)
    return Sample(lightness, hint_ab, hint_mask, ab)


def predict(network: nn.Module, sample: Sample, precision: Precision) -> Prediction:
    """The network's prediction in its precision, given back in fp32."""
    device = sample.lightness.device.type
    mixed: Any = contextlib.nullcontext()
    if precision != "fp32":
        mixed = torch.autocast(device, _TYPES[precision])
    with mixed:
        made: Prediction = network(sample.lightness, sample.hint_ab, sample.hint_mask)
    return made.float()


def optimize(
    network: nn.Module,
    state: State,
    batch: Tensor,
    weights: Tensor,
    step: int,
    stage: Stage,
    config: TrainConfig,
    world: World,
    *,
    measure: bool = True,
) -> dict[str, Tensor]:
    """Learn from this process's part of a batch; returns the means of the loss and its parts.

    measure: also of the accuracy.

    network is what wraps state.model (DDP, compiled). All numbers of a step follow from the seed and the step.
    """
    generator = torch.Generator(batch.device).manual_seed(config.seed * 1_000_003 + step)
    begin = generator.get_state()
    size = len(batch) // config.accumulate
    found: dict[str, Tensor] = {}
    state.optimizer.zero_grad(set_to_none=True)
    for number, part in enumerate(batch.split(size)):
        generator.set_state(begin)
        start = world.rank * len(batch) + number * size
        sample = simulate(part, Draws(generator, stage.batch_size, start, start + size), config)
        last = number == config.accumulate - 1
        shared = network.no_sync() if world.size > 1 and not last else contextlib.nullcontext()  # type: ignore[operator]
        with shared:
            prediction = predict(network, sample, config.precision)
            loss, parts = total_loss(prediction, sample.ab, sample.hint_mask, weights, config)
            state.scaler.scale(loss / config.accumulate).backward()
        with torch.no_grad():
            parts |= {"loss": loss}
            if measure:
                parts |= {"accuracy": argmax_accuracy(prediction, sample.ab)}
            for name, value in parts.items():
                found[name] = found.get(name, 0.0) + value.detach() / config.accumulate
    state.scaler.unscale_(state.optimizer)
    if config.clip_norm:
        nn.utils.clip_grad_norm_(state.model.parameters(), config.clip_norm)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.average.update(state.model, step)
    return found


def rate(progress: float, step: int, config: TrainConfig) -> float:
    """Learning rate: linear warm-up, then a cosine to 1 % over the run's budget, or constant."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    if config.schedule == "constant":
        return config.learning_rate * warm
    return config.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress))))


def set_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Let each group of parameters learn at its share of a learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["share"] * learning_rate


def stage_at(progress: float, stages: list[Stage]) -> int:
    """The number of the stage that a share of the budget falls into."""
    return next((number for number, stage in enumerate(stages) if progress < stage.until), len(stages) - 1)
