"""Tables 1 and 2 of the paper again, scaled to what a machine can do: each network with the same photos and steps.

    python benchmarks/paper/reproduce.py PHOTOS -o OUT [--steps 1500] [--batch-size 8] [--size 64] [--runs …]

PHOTOS holds train/ and test/. Both go through the paper's near-grey filter and are stretched to --size squares (the
paper: 256). Each run trains as the paper does (preset "paper…") and is tested, as often as --test-every says, on the
same test photos with the same hints; a run that was cut off goes on. The tables go to OUT/tables.md and to stdout.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import torch
from gcolor.models import PRESETS
from gcolor.models.run_folder import load_model
from gcolor.trainer.config import PAPER, Stage, TrainConfig
from gcolor.trainer.data.loader import has_dali, make_loader
from gcolor.trainer.data.prepare import PrepareOptions, prepare
from gcolor.trainer.data.shards import ShardSet
from gcolor.trainer.distributed import World
from gcolor.trainer.loop import train
from gcolor.trainer.loss import argmax_accuracy, class_weights, total_loss
from gcolor.trainer.simulate import Draws
from gcolor.trainer.step import predict, simulate

sys.path.insert(0, str(Path(__file__).parent.parent))
from gcolor.runtime.machine import describe


class Row:
    """One line of the tables: what is changed of the paper's recipe, and the paper's figures."""

    def __init__(self, title: str, preset: str, paper: tuple[float | None, ...], **changes: Any) -> None:
        self.title, self.preset, self.paper, self.changes = title, preset, paper, changes


# Accuracy in training and test, loss in training and test (tables 1 and 2).
ROWS = {
    "unet": Row("Simple UNet", "paper-unet", (0.4716, 0.4883, 3.0272, 3.5171)),
    "resunet": Row("ResUNet", "paper", (0.5505, 0.6074, 2.3735, 3.1884)),
    "transunet": Row("TransUNet", "paper-transunet", (0.3412, 0.3564, 4.1615, 4.6785)),
    "no-hints": Row("ResUNet w/o user hints", "paper", (None, 0.3006, None, 4.4610), hints="none", patch_weight=0.0),
}
# The same with the smoothed prior of Zhang et al. 2016 instead of eq. 1.
ROWS |= {
    f"{name}-smoothed": Row(
        f"{row.title}, smoothed weights", row.preset, (None,) * 4, rebalance="smoothed", **row.changes
    )
    for name, row in ROWS.items()
}


@dataclass(frozen=True, slots=True)
class Budget:
    """What every row gets: steps in all, how often it is tested, photos per step, side of the squares, CPU threads."""

    steps: int
    every: int
    batch_size: int
    size: int
    threads: int


def configuration(row: Row, steps: int, budget: Budget) -> TrainConfig:
    """The paper's recipe for a row, up to so many steps."""
    values = {**PAPER, "stages": [Stage(until=1.0, size=budget.size, batch_size=budget.batch_size)], **row.changes}
    return TrainConfig(
        model=PRESETS[row.preset],
        steps=steps,
        loader="dali" if has_dali() else "torch",
        threads=budget.threads,
        save_minutes=2.0,
        keep=1,
        **values,
    )


@torch.no_grad()
def test(run: Path, shards: ShardSet, weights: torch.Tensor, config: TrainConfig) -> dict[str, float]:
    """Accuracy and loss (eq. 4) of a run's weights over all test photos, with hints that are always the same."""
    model, _ = load_model(run)
    stage = replace(config.stages[0], batch_size=16)
    loader = make_loader(shards, stage, (0, 0), replace(config, loader="torch", seed=0), World(), None)
    found: list[tuple[float, float]] = []
    for number in range(-(-shards.photos // stage.batch_size)):
        draws = Draws(torch.Generator().manual_seed(number), stage.batch_size, 0, stage.batch_size)
        sample = simulate(loader.next(), draws, config)
        prediction = predict(model, sample, "fp32")
        loss, _ = total_loss(prediction, sample.ab, sample.hint_mask, weights, config)
        found.append((argmax_accuracy(prediction, sample.ab).item(), loss.item()))
    loader.close()
    accuracy, loss_mean = (sum(column) / len(found) for column in zip(*found, strict=True))
    return {"accuracy": accuracy, "loss": loss_mean}


def go(name: str, out: Path, shards: ShardSet, held: ShardSet, budget: Budget) -> None:
    """Train one row, with a test after every so many steps; what is done already is not done again."""
    run, curve = out / name, out / name / "test.jsonl"
    done = {line["step"] for line in read_lines(curve)}
    for step in range(budget.every, budget.steps + 1, budget.every):
        if step in done:
            continue
        config = configuration(ROWS[name], step, budget)
        train([shards.folder], run, config, resume=True, report=lambda text: click.echo(f"{name}: {text}", err=True))
        recent = [line for line in read_lines(run / "metrics.jsonl") if line["step"] > step - budget.every]
        line: dict[str, float] = {"step": step}
        line |= {f"train_{k}": sum(r[k] for r in recent) / len(recent) for k in ("accuracy", "loss")}
        tested = test(run, held, class_weights(shards.counts, config.rebalance), config)
        line |= {f"test_{k}": v for k, v in tested.items()}
        with curve.open("a") as file:
            file.write(json.dumps(line) + "\n")
        click.echo(f"{name} {line}", err=True)


def read_lines(path: Path) -> list[dict[str, float]]:
    """The lines of a .jsonl file, none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def tables(out: Path, about: str) -> str:
    """Ours beside the paper's; "best" is the best of the test curve, which is what the paper gives."""

    def show(value: float | None) -> str:
        return "" if value is None else f"{value:.4f}"

    lines = [
        about,
        "",
        "| | Acc train | Acc test | best | Loss train | Loss test | paper: Acc train | Acc test | Loss test |",
    ]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for name, row in ROWS.items():
        points = read_lines(out / name / "test.jsonl")
        if not points:
            continue
        last, best = points[-1], max(p["test_accuracy"] for p in points)
        ours = [last["train_accuracy"], last["test_accuracy"], best, last["train_loss"], last["test_loss"]]
        cells = [*map(show, ours), show(row.paper[0]), show(row.paper[1]), show(row.paper[3])]
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("photos", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", "out", type=click.Path(path_type=Path), required=True)
@click.option("--steps", type=click.IntRange(1), default=1500, show_default=True)
@click.option("--test-every", "every", type=click.IntRange(1), default=500, show_default=True)
@click.option("--size", type=click.IntRange(32), default=64, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=8, show_default=True, help="The paper: 32.")
@click.option("--runs", default=",".join(ROWS), show_default=True)
@click.option("--threads", type=click.IntRange(0), default=0, help="CPU threads; 0 for torch's choice.")
def command(
    photos: Path, out: Path, steps: int, every: int, size: int, batch_size: int, runs: str, threads: int
) -> None:
    """Train and test the paper's networks on PHOTOS."""
    options = PrepareOptions(size=size, stretch=True, max_grey=PAPER["max_grey"])
    report = lambda text: click.echo(text, err=True)  # noqa: E731
    shards = prepare([photos / "train"], out / "shards-train", options, progress=None, report=report)
    held = prepare([photos / "test"], out / "shards-test", options, progress=None, report=report)
    budget = Budget(steps, every, batch_size, size, threads)
    for name in runs.split(","):
        if name not in ROWS:
            raise click.UsageError(f"{name!r} is none of {', '.join(ROWS)}")
        go(name, out, shards, held, budget)
    machine = ", ".join(f"{k} {v}" for k, v in describe().items())
    about = (
        f"{shards.photos} training and {held.photos} test photos left by the filter, {size} x {size}, {steps} steps of "
        f"{batch_size} photos. {machine}."
    )
    text = tables(out, about)
    (out / "tables.md").write_text(text)
    click.echo(text)


if __name__ == "__main__":
    command()
