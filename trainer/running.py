"""A run while it goes: the `Session` that the loop of `loop.py` works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..color.errors import GcolorError
from ..models import build
from ..runtime.files import save_json
from . import checkpoint
from .checkpoint import Position, State
from .clock import Clock, Pace
from .config import Stage, TrainConfig
from .data.loader import Loader
from .data.of_run import keep_examples
from .data.shards import ShardSet
from .distributed import World
from .loss import class_weights
from .runlog import RunLog
from .scoring.figures import draw, draw_curves
from .scoring.of_network import EvalPhoto, evaluate_network
from .session import begin, open_loader, restore, wrap
from .step import stage_at

# Hints per photo at which held-out photos are scored while training.
HINT_COUNTS = (0, 10, 36)


@dataclass(kw_only=True, slots=True)
class Session:
    """What one process of a run has from its start, or its resumption, to its end."""

    run: Path
    config: TrainConfig
    shards: ShardSet
    held_out: list[EvalPhoto]
    world: World
    device: torch.device
    state: State
    """Network, averaged weights, optimizer, scaler."""
    network: nn.Module
    """The network as it is called while training."""
    weights: Tensor
    """Of the classes, [2, 32]."""
    position: Position
    clock: Clock
    pace: Pace
    log: RunLog | None
    """None but in rank 0's process."""
    report: Callable[[str], None]
    on_row: Callable[[dict[str, float]], None]
    finite: Tensor
    """1 as long as every loss was a number; it stays on the device, so that nobody waits for it."""
    loader: Loader | None = None
    """None until the first stage is entered."""
    scores: list[dict[str, Any]] | None = None
    """The rows of the last validation."""

    @property
    def progress(self) -> float:
        """The share of the budget, of steps or of time, that is spent."""
        by_time = self.clock.heard / (60.0 * self.config.minutes) if self.config.minutes else 0.0
        return max(self.position.step / self.config.steps, by_time)

    def enter_stage(self) -> Stage:
        """The stage that the progress falls into, with its loader open."""
        number = stage_at(self.progress, self.config.stages)
        if self.loader is None or number != self.position.stage:
            if self.loader:
                self.loader.close()
            self.loader = open_loader(self.shards, number, self.position, self.config, self.world)
            self.pace.restart()
        return self.config.stages[number]

    def next_batch(self) -> Tensor:
        """The next batch of this process, uint8 [rows, 3, size, size], on its device."""
        assert self.loader
        return self.loader.next().to(self.device, non_blocking=True)

    def log_row(self, means: dict[str, Tensor], stage: Stage) -> None:
        """Log the means of the last step over all processes, and the pace since the last row."""
        values = self.world.mean(torch.stack([self.finite, *means.values()])).tolist()
        _refuse_nan(values[0], self.position.step)
        row = {"step": self.position.step, "seconds": round(self.clock.listen(), 2), "size": stage.size}
        row |= {name: round(value, 5) for name, value in zip(means, values[1:], strict=True)}
        row |= {"lr": self.state.optimizer.param_groups[0]["lr"], "progress": round(self.progress, 4)}
        row |= self.pace.row()
        if self.device.type == "cuda":
            row["gpu_memory_gb"] = round(torch.cuda.max_memory_allocated(self.device) / 1e9, 2)
        if self.log:
            self.log.row(row)
            self.on_row(row)
        self.pace.restart()

    def score(self) -> None:
        """Score the averaged weights on the held-out photos, draw the figures, keep the best weights."""
        with self.pace.paused():
            if self.log and self.held_out:
                self.scores = self._score(self.log)
            self.world.wait()

    def _score(self, log: RunLog) -> list[dict[str, Any]]:
        judge = build(self.config.model).to(self.device)
        judge.load_state_dict(self.state.average.values)
        judge.eval()
        rows = evaluate_network(judge, self.held_out, self.device, HINT_COUNTS, weights=self.weights)
        log.scores(self.position.step, rows)
        each = ", ".join(f"{row['psnr']:.2f} dB and {row['argmax_accuracy']:.3f} at {row['hints']}" for row in rows)
        self.report(f"step {self.position.step}: validation {each} hints")
        mean = sum(row["psnr"] for row in rows) / len(rows)
        if mean > self.position.best:
            self.position.best = mean
            checkpoint.save_tensors(self.state.average.values, self.run / "best.safetensors")
        draw_curves(self.run)
        draw(self.run / "figures", judge, self.held_out, self.device)
        return rows

    def save(self) -> None:
        """Write a checkpoint, and the description of the run.

        Raises GcolorError, and writes nothing, where a loss was no number.
        """
        assert self.loader
        with self.pace.paused():
            _refuse_nan(self.world.mean(self.finite.clone()).item(), self.position.step)
            self.position.seconds = self.clock.listen()
            self.position.loaders = self.world.gather(self.loader.state())
            if self.log:
                checkpoint.save(self.run, self.state, self.position, self.config.keep)
                save_json(self._description(), self.run / "run.json")

    def _description(self) -> dict[str, Any]:
        return {
            "format": checkpoint.FORMAT,
            "step": self.position.step,
            "seconds": round(self.position.seconds, 1),
            "photos": self.shards.photos,
            "data": self.shards.digest,
            "bin_counts": self.shards.counts.tolist(),
            "scores": self.scores,
            "config": self.position.config,
        }

    def close(self) -> None:
        """End the loader's threads and close the log's files."""
        if self.loader:
            self.loader.close()
        if self.log:
            self.log.close()


def open_session(
    run: Path,
    config: TrainConfig,
    shards: ShardSet,
    world: World,
    device: torch.device,
    held_out: list[EvalPhoto],
    resume: bool,
    start: Path | None,
    report: Callable[[str], None],
    on_row: Callable[[dict[str, float]], None],
) -> Session:
    """A fresh session, or with resume one that goes on from the newest checkpoint in the run's folder."""
    weights = class_weights(shards.counts, config.rebalance).to(device)
    state = begin(config, device, start)
    network = wrap(state.model, config, world, device)
    found = checkpoint.load_newest(run, report) if resume else None
    position = Position() if found is None else restore(found, state, config, shards, world, run, report)
    position.config, position.data = config.to_dict(), shards.digest
    log: RunLog | None = None
    if world.first:
        run.mkdir(parents=True, exist_ok=True)
        keep_examples(shards, run)
        log = RunLog(run, position.step)
    return Session(
        run=run,
        config=config,
        shards=shards,
        held_out=held_out,
        world=world,
        device=device,
        state=state,
        network=network,
        weights=weights,
        position=position,
        clock=Clock(world, device, position.seconds),
        pace=Pace(device),
        log=log,
        report=report,
        on_row=on_row,
        finite=torch.ones((), device=device),
    )


def _refuse_nan(finite: float, step: int) -> None:
    if finite != 1.0:
        raise GcolorError(
            f"the loss stopped being a number before step {step}; the last checkpoint is good: lower the "
            "--learning-rate and go on with --resume"
        )
