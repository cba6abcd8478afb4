"""The training loop, to be read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from ..color.errors import UsageError
from ..runtime.files import storage_error
from ..runtime.memory import keep_freed_memory
from . import checkpoint
from .clock import Due
from .config import TrainConfig
from .data.of_run import open_data, prepare_data
from .denormals import denormals_flushed
from .distributed import World, joined
from .running import Session, open_session
from .scoring.of_network import EvalPhoto, load_photos
from .step import optimize, rate, set_rate


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

    start: a run or a bundle whose weights this one begins with. report gets a line for what
    happens, on_row each logged row, on_prepared how many photos of plain folders are checked and how many there are.
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
    with denormals_flushed(), joined(world, device):
        if world.first:
            prepare_data(data, run, config.max_grey, report, on_prepared)
        world.wait()
        shards = open_data(data, run)
        held_out: list[EvalPhoto] = []
        if config.validation and world.first:
            held_out = load_photos(Path(config.validation), config.evaluate_photos)
        try:
            with closing(
                open_session(run, config, shards, world, device, held_out, resume, start, report, on_row)
            ) as session:
                _run(session, stop)
        except OSError as error:
            raise storage_error(error, run, "the last checkpoint is intact: make room, then --resume") from error


def _run(session: Session, stop: Callable[[], bool]) -> None:
    config, position = session.config, session.position
    saving = Due(config.save_every, config.save_minutes, position.seconds)
    scoring = Due(config.evaluate_every, config.evaluate_minutes, position.seconds)
    while position.step < config.steps and session.progress < 1.0:
        # The stage: crops of another size come from a loader of their own.
        stage = session.enter_stage()

        # The batch: made by other threads while the steps before it ran.
        with session.pace.waiting():
            batch = session.next_batch()

        # The step: forward, loss, backward, update; measured where it is logged.
        last = position.step + 1 == config.steps
        logs = (position.step + 1) % config.log_every == 0 or position.step == 0 or last
        set_rate(session.state.optimizer, rate(session.progress, position.step, config))
        means = optimize(
            session.network,
            session.state,
            batch,
            session.weights,
            position.step,
            stage,
            config,
            session.world,
            measure=logs,
        )
        session.finite *= torch.isfinite(means["loss"])
        session.pace.photos += stage.batch_size
        position.step += 1

        # The log: one row, and the only place where a GPU is waited for while nothing else is due.
        if logs:
            session.log_row(means, stage)
        if last:
            break

        # Validation, and a checkpoint: when they are due, or the run is stopped.
        if scoring.now(position.step, session.clock.heard):
            session.score()
        stopped = session.world.size == 1 and stop()
        if saving.now(position.step, session.clock.heard) or stopped:
            session.save()
        if stopped:
            session.report(f"stopped after step {position.step}; --resume goes on from here")
            return

    # The end: the last weights are scored and kept, unless the run had come to its end before.
    if session.loader:
        session.score()
        session.save()
