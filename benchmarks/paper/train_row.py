"""One row: trained, tested as often as its curve has points, and its result written at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
from gcolor.color.scores import mean_and_error
from gcolor.models.run_folder import load_model
from gcolor.runtime.files import save_json
from gcolor.trainer.checkpoint import checkpoints
from gcolor.trainer.config import TrainConfig
from gcolor.trainer.data.shards import ShardSet
from gcolor.trainer.loop import train

from . import records
from .examine import ANEW, Scores, examine_network, is_dead, take_means_anew, test_photos
from .records import Result
from .rows import ROWS, Budget, configuration
from .samples import network_painter, save_samples

CURVE = "curve.json"


def train_row(
    name: str,
    seed: int,
    budget: Budget,
    data: tuple[ShardSet, ShardSet],
    out: Path,
    folder: Path,
    threads: int,
    report: Callable[[str], None],
) -> None:
    """Train and test a row on shards of training and test photos; one that was cut off goes on from its checkpoint.

    What is not complete lies in OUT/<row>-<seed>; the result, once it is, in the folder of the results. A network that
    is dead is trained no further, which its passes tell.
    """
    shards, held = data
    row, config, run = ROWS[name], configuration(name, seed, budget, threads), out / f"{name}-{seed}"
    points = json.loads((run / CURVE).read_text()) if (run / CURVE).exists() else []
    scores: list[Scores] = []
    while len(points) < budget.tests and not (points and points[-1]["dead"]):
        due = (len(points) + 1) * budget.every
        if reached(run) < due:
            train_to(due, run, shards, config, report)
        scores = examine(name, run, data, config)
        point = {"step": due} | trained(run, budget.every) | summary(scores)
        dead = point["spread"] == 0.0 and is_dead(load_model(run)[0], test_photos(held, budget.size))
        points.append(point | {"dead": dead})
        save_json(points, run / CURVE)
        report(f"step {due}: test accuracy {points[-1]['accuracy']:.4f} ± {points[-1]['accuracy_error']:.4f}")
    # Where it was cut off after its last test, that one is made again.
    scores = scores or examine(name, run, data, config)
    if seed == 0 and row.table == "networks":
        save_samples(network_painter(load_model(run)[0], row.hinted), budget.size, folder / f"{name}.jpg")
    records.save(
        folder,
        Result(
            row=name,
            seed=seed,
            passes=points[-1]["step"] * budget.batch_size,
            minutes=round(json.loads((run / "run.json").read_text())["seconds"] / 60.0, 1),
            commit=records.commit(),
            machine=records.machine(),
            photos=records.made_with(shards, held),
            config=config.to_dict(),
            curve=points,
            test=records.columns(scores),
        ),
    )


def train_to(due: int, run: Path, shards: ShardSet, config: TrainConfig, report: Callable[[str], None]) -> None:
    """Train up to a step, with a checkpoint there, by a schedule that is that of the whole run."""
    logged = 0

    def on_row(row: dict[str, float]) -> None:
        nonlocal logged
        logged = int(row["step"])

    train([shards.folder], run, config, resume=True, report=report, on_row=on_row, stop=lambda: logged == due)


def examine(name: str, run: Path, data: tuple[ShardSet, ShardSet], config: TrainConfig) -> list[Scores]:
    """The scores of each test photo by a run's weights as they are now."""
    shards, held = data
    size, hinted, network = config.stages[0].size, ROWS[name].hinted, load_model(run)[0]

    def scores() -> list[Scores]:
        return examine_network(network, test_photos(held, size), hinted, shards.counts, config)

    as_it_is = scores()
    take_means_anew(network, islice(test_photos(shards, size), ANEW), hinted)
    return [one | {"anew": other["accuracy"]} for one, other in zip(as_it_is, scores(), strict=True)]


def summary(scores: list[Scores]) -> dict[str, float]:
    """What a test curve shows: means over the photos and their standard errors."""
    out: dict[str, float] = {}
    for name in ("accuracy", "unweighted", "anew", "loss", "spread"):
        found = mean_and_error(np.array([s[name] for s in scores], np.float64))
        out |= {name: float(f"{found['mean']:.5g}"), f"{name}_error": float(f"{found['error']:.3g}")}
    return out


def trained(run: Path, every: int) -> dict[str, float]:
    """Mean accuracy and loss of the steps that were logged since the test before."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    recent = [row for row in rows if row["step"] > rows[-1]["step"] - every]
    return {f"train_{k}": round(sum(row[k] for row in recent) / len(recent), 4) for k in ("accuracy", "loss")}


def reached(run: Path) -> int:
    """The step of a run's newest checkpoint, 0 where there is none."""
    newest = checkpoints(run)[:1]
    return int(newest[0].stem.split("-")[1]) if newest else 0
