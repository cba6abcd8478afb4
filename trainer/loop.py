"""The training loop, to be read from top to bottom."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..color import tensors
from ..color.errors import GcolorError, UsageError
from ..models import ModelConfig, build
from ..models.weights import load_model
from .checkpoint import FORMAT, Averaged, pack, save_json, save_tensors, unpack
from .config import Stage, TrainConfig
from .data import PhotoSet, make_batch, prefetch
from .evaluate import evaluate_hints
from .loss import class_weights, total_loss
from .simulate import recolor, simulate_hints, vary_lightness


def prepare(rgb_B3HW: Tensor, generator: torch.Generator, config: TrainConfig) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A uint8 batch to what the network sees and must find: lightness, hint ab, hint mask, true ab."""
    lab = tensors.rgb_to_lab(rgb_B3HW.float() / 255.0)
    lab, point = recolor(lab, generator, config.recolor)
    ab = lab[:, 1:]
    largest = max(1, round(9 * rgb_B3HW.shape[-1] / 256))
    hint_ab, hint_mask = simulate_hints(ab, generator, config.max_hints, largest, point)
    return vary_lightness(lab[:, :1], generator), hint_ab, hint_mask, ab


def rate(progress: float, step: int, config: TrainConfig) -> float:
    """Learning rate: linear warm-up, then a cosine to 1 % over the run's budget."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    return config.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress))))


def stage_at(progress: float, stages: list[Stage]) -> Stage:
    """The stage that a share of the budget falls into."""
    return next((s for s in stages if progress < s.until), stages[-1])


def train(
    data: list[Path],
    run: Path,
    config: TrainConfig,
    *,
    resume: bool = False,
    validation: list[Path] | None = None,
    start: Path | None = None,
    report: Callable[[str], None] = print,
) -> None:
    """Train a network on folders of photos and write the run's folder; `start` is a run whose weights it begins with.

    Raises UsageError where the folder holds another run, NothingToDoError without photos, GcolorError when the loss
    stops being a number (the last checkpoint stays).
    """
    saved = run / "checkpoint.safetensors"
    if saved.exists() and not resume:
        raise UsageError(f"{run}: already holds a run; continue it with --resume or choose another folder")
    run.mkdir(parents=True, exist_ok=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    photos = PhotoSet(data, config.max_grey, report)
    held_out = PhotoSet(validation, 1.0, lambda text: report(f"validation: {text}")).photos[:64] if validation else []
    weights = class_weights(photos.counts, config.rebalance).to(device)

    model = build(config.model).to(device)
    if start and not (resume and saved.exists()):
        weights_of, info_of = load_model(start)
        if ModelConfig.from_dict(info_of["config"]["model"]) != config.model:
            raise UsageError(f"{start}: holds another network than this run's; choose its --preset")
        model.load_state_dict(weights_of.state_dict())
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = Averaged(model, config.ema)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    step, spent = unpack(saved, model, average, optimizer) if resume and saved.exists() else (0, 0.0)
    begun = saved_at = evaluated_at = time.monotonic()

    def elapsed() -> float:
        return spent + time.monotonic() - begun

    def progress(at: int) -> float:
        by_time = elapsed() / (60.0 * config.minutes) if config.minutes else 0.0
        return max(at / config.steps, by_time)

    def save(scores: dict[str, float] | None = None) -> None:
        save_tensors(pack(model, average, optimizer, step, elapsed()), saved)
        save_tensors(average.values, run / "model.safetensors")
        info: dict[str, Any] = {"format": FORMAT, "step": step, "seconds": round(elapsed(), 1), "scores": scores}
        info |= {"data": [str(p.resolve()) for p in data], "validation": [str(p.resolve()) for p in validation or []]}
        save_json(info | {"config": config.to_dict()}, run / "run.json")

    def scores() -> dict[str, float] | None:
        if not held_out:
            return None
        judge = build(config.model).to(device)
        judge.load_state_dict(average.values)
        judge.eval()
        result = evaluate_hints(judge, held_out, device)
        report(f"step {step}: validation " + ", ".join(f"{k} {v:.3f}" for k, v in result.items()))
        return result

    model.train()
    with open(run / "metrics.jsonl", "a", buffering=1) as metrics:
        while step < config.steps and progress(step) < 1.0:
            stage = stage_at(progress(step), config.stages)

            def make(at: int, stage: Stage = stage) -> Tensor:
                return make_batch(photos.photos, config.seed, at, stage.size, stage.batch_size)

            for batch in prefetch(make, iter(range(step, config.steps))):
                if progress(step) >= 1.0 or stage_at(progress(step), config.stages) is not stage:
                    break
                generator = torch.Generator(device).manual_seed(config.seed * 1_000_003 + step)
                lightness, hint_ab, hint_mask, ab = prepare(batch.to(device), generator, config)
                prediction = model(lightness, hint_ab, hint_mask)
                factor = ab.shape[-1] // prediction.ab.shape[-1]
                truth, mask = F.avg_pool2d(ab, factor), F.max_pool2d(hint_mask, factor)
                loss, parts = total_loss(prediction, truth, mask, weights, config)
                if not torch.isfinite(loss):
                    raise GcolorError(f"loss is {loss.item()} at step {step}; lower the learning rate and use --resume")
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
                for group in optimizer.param_groups:
                    group["lr"] = rate(progress(step), step, config)
                optimizer.step()
                average.update(model, step)
                step += 1
                if step % config.log_every == 0 or step == config.steps:
                    line = {"step": step, "seconds": round(elapsed(), 1), "size": stage.size, "loss": loss.item()}
                    line |= {k: round(v.item(), 5) for k, v in parts.items()} | {"lr": optimizer.param_groups[0]["lr"]}
                    metrics.write(json.dumps(line) + "\n")
                    report(f"step {step}: loss {loss.item():.4f}, {100 * progress(step):.1f} % of the budget")
                if time.monotonic() - saved_at > 60.0 * config.save_minutes:
                    save()
                    saved_at = time.monotonic()
                if time.monotonic() - evaluated_at > 60.0 * config.evaluate_minutes:
                    scores()
                    evaluated_at = time.monotonic()
        save(scores())
