"""The training loop, to be read from top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..color.errors import GcolorError, UsageError, one_line
from ..models import build
from ..runtime.files import save_json
from ..runtime.memory import keep_freed_memory
from . import checkpoint
from .checkpoint import Position, State
from .clock import Clock, Due
from .config import TrainConfig
from .data.loader import Loader
from .data.of_run import keep_examples, open_data, prepare_data
from .data.shards import ShardSet
from .distributed import World, joined
from .loss import class_weights
from .runlog import RunLog
from .scoring.figures import draw, draw_curves
from .scoring.of_network import EvalPhoto, evaluate_network, load_photos
from .session import begin, open_loader, restore, wrap
from .step import optimise, rate, stage_at

# Hints per photo at which held-out photos are scored while training.
HINT_COUNTS = (0, 10, 36)


def silent(_: Any) -> None:
    """Reports nothing."""


def train(
    data: list[Path],
    run: Path,
    config: TrainConfig,
    *,
    resume: bool = False,
    start: Path | None = None,
    report: Callable[[str], None] = silent,
    on_row: Callable[[dict[str, float]], None] = silent,
    on_prepared: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] = bool,
) -> None:
    """Train a network on shards or plain folders of photos and write the run's folder; under torchrun, as one of many.

    start: a run or a bundle whose weights this one begins with. report hears what
    happens, on_row each logged step, on_prepared how many photos of plain folders are checked and how many there are.
    stop is asked after each step of a process that is alone; True writes a checkpoint and returns.

    Raises UsageError where the folder holds another run, a checkpoint does not fit or shards are damaged,
    NothingToDoError without photos, GcolorError when the loss stops being a number or the disk is full (the last
    checkpoint stays).
    """
    if checkpoint.checkpoints(run) and not resume:
        raise UsageError(f"{run}: already holds a run; continue it with --resume or choose another folder")
    world, device = World.from_environment(), torch.device(config.device)
    if config.threads:
        torch.set_num_threads(config.threads)
    if device.type == "cpu":
        keep_freed_memory()
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    with joined(world, device):
        if world.first:
            prepare_data(data, run, config.max_grey, report, on_prepared)
        world.wait()
        shards = open_data(data, run)
        held_out: list[EvalPhoto] = []
        if config.validation and world.first:
            held_out = load_photos(Path(config.validation), config.evaluate_photos)
        try:
            _train(shards, run, config, world, device, resume, held_out, start, report, on_row, stop)
        except OSError as error:
            raise GcolorError(
                f"{run}: cannot be written ({one_line(error)}); the last checkpoint is intact: make room, then --resume"
            ) from error


def _train(
    shards: ShardSet,
    run: Path,
    config: TrainConfig,
    world: World,
    device: torch.device,
    resume: bool,
    held_out: list[EvalPhoto],
    start: Path | None,
    report: Callable[[str], None],
    on_row: Callable[[dict[str, float]], None],
    stop: Callable[[], bool],
) -> None:
    weights = class_weights(shards.counts, config.rebalance).to(device)
    state = begin(config, device, start)
    network = wrap(state.model, config, world, device)
    found = checkpoint.load_newest(run, report) if resume else None
    position = Position() if found is None else restore(found, state, config, shards, world, run, report)
    position.config, position.data = config.to_dict(), shards.digest
    clock = Clock(world, device, position.seconds)
    saving = Due(config.save_every, config.save_minutes, position.seconds)
    scoring = Due(config.evaluate_every, config.evaluate_minutes, position.seconds)
    log: RunLog | None = None
    if world.first:
        run.mkdir(parents=True, exist_ok=True)
        keep_examples(shards, run)
        log = RunLog(run, position.step)
    loader: Loader | None = None
    stage_number = -1
    rows: list[dict[str, Any]] | None = None

    def progress() -> float:
        by_time = clock.heard / (60.0 * config.minutes) if config.minutes else 0.0
        return max(position.step / config.steps, by_time)

    def score() -> None:
        nonlocal rows
        if log and held_out:
            rows = _score(run, state, config, held_out, device, weights, position, log, report)
        world.wait()

    def save() -> None:
        assert loader
        position.seconds = clock.listen()
        position.loaders = world.gather(loader.state())
        if log:
            checkpoint.save(run, state, position, config.keep)
            info: dict[str, Any] = {
                "format": checkpoint.FORMAT,
                "step": position.step,
                "seconds": round(position.seconds, 1),
            }
            info |= {"photos": shards.photos, "data": shards.digest, "bin_counts": shards.counts.tolist()}
            info |= {"scores": rows, "config": position.config}
            save_json(info, run / "run.json")

    try:
        while position.step < config.steps and progress() < 1.0:
            if loader is None or stage_at(progress(), config.stages) != stage_number:
                stage_number = stage_at(progress(), config.stages)
                stage = config.stages[stage_number]
                if loader:
                    loader.close()
                loader = open_loader(shards, stage_number, position, config, world)
                finite = torch.ones((), device=device)
                logged_at, logged_step, waited = time.monotonic(), position.step, 0.0
            for group in state.optimizer.param_groups:
                group["lr"] = group["share"] * rate(progress(), position.step, config)
            asked = time.monotonic()
            batch = loader.next().to(device, non_blocking=True)
            waited += time.monotonic() - asked
            last = position.step + 1 == config.steps
            logs = (position.step + 1) % config.log_every == 0 or position.step == 0 or last
            means = optimise(network, state, batch, weights, position.step, stage, config, world, measure=logs)
            finite *= torch.isfinite(means["loss"])
            position.step += 1

            if logs:
                values = world.mean(torch.stack([finite, *means.values()])).tolist()
                _refuse_nan(values[0], position.step)
                seconds = time.monotonic() - logged_at
                photos = (position.step - logged_step) * stage.batch_size
                row = {"step": position.step, "seconds": round(clock.listen(), 2), "size": stage.size}
                row |= {name: round(value, 5) for name, value in zip(means, values[1:], strict=True)}
                row |= {"lr": state.optimizer.param_groups[0]["lr"], "progress": round(progress(), 4)}
                row |= {"photos_per_second": round(photos / seconds, 2), "waiting": round(waited / seconds, 4)}
                if device.type == "cuda":
                    row["gpu_memory_gb"] = round(torch.cuda.max_memory_allocated(device) / 1e9, 2)
                if log:
                    log.row(row)
                    on_row(row)
                logged_at, logged_step, waited = time.monotonic(), position.step, 0.0
            if scoring.now(position.step, clock.heard) and not last:
                score()
            stopped = world.size == 1 and not last and stop()
            if (saving.now(position.step, clock.heard) or stopped) and not last:
                _refuse_nan(world.mean(finite.clone()).item(), position.step)
                save()
            if stopped:
                report(f"stopped after step {position.step}; --resume goes on from here")
                return
        if loader:
            score()
            save()
    finally:
        if loader:
            loader.close()
        if log:
            log.close()


def _refuse_nan(finite: float, step: int) -> None:
    if finite != 1.0:
        raise GcolorError(
            f"the loss stopped being a number before step {step}; the last checkpoint is good: lower the "
            "--learning-rate and go on with --resume"
        )


def _score(
    run: Path,
    state: State,
    config: TrainConfig,
    held_out: list[EvalPhoto],
    device: torch.device,
    weights: Tensor,
    position: Position,
    log: RunLog,
    report: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Score the averaged weights on held-out photos, draw the figures, keep the best."""
    judge = build(config.model).to(device)
    judge.load_state_dict(state.average.values)
    judge.eval()
    rows = evaluate_network(judge, held_out, device, HINT_COUNTS, weights=weights)
    log.scores(position.step, rows)
    told = ", ".join(f"{row['psnr']:.2f} dB and {row['argmax_accuracy']:.3f} at {row['hints']}" for row in rows)
    report(f"step {position.step}: validation {told} hints")
    score = sum(row["psnr"] for row in rows) / len(rows)
    if score > position.best:
        position.best = score
        checkpoint.save_tensors(state.average.values, run / "best.safetensors")
    draw_curves(run)
    draw(run / "figures", judge, held_out, device)
    return rows
