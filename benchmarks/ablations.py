"""What each optional part of the training recipe is worth: the default run with one thing changed, the same budget.

    python benchmarks/ablations.py SHARDS HELD_OUT -o OUT [--steps 200] [--size 96] [--photos 48] [--runs a,b,…]

A run that was cut off goes on; the table of all runs in OUT goes to OUT/table.md and to stdout. Scores are those of the
averaged weights on HELD_OUT (256 x 256, fixed 3x3 hints); ± is the standard error over the photos of the difference to
the default on the same photos.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from gcolor.color import scores
from gcolor.models.run_folder import load_model
from gcolor.runtime.machine import describe
from gcolor.trainer.config import Stage, TrainConfig
from gcolor.trainer.data.loader import has_dali
from gcolor.trainer.loop import train
from gcolor.trainer.scoring.of_network import load_photos, score_network

COUNTS = (0, 10, 36)
CHANGES: dict[str, dict[str, Any]] = {
    "default": {},
    "no regression": {"regression_weight": 0.0},
    "no rebalancing": {"rebalance": "none"},
    "raw 1/f weights": {"rebalance": "paper"},
    "no patch term": {"patch_weight": 0.0},
    "hard labels": {"labels": "hard"},
}


def go(name: str, shards: Path, held: Path, out: Path, steps: int, size: int, photos: int, batch: int) -> None:
    """Train and score one run, unless that is done already."""
    run = out / name.replace("/", "-").replace(" ", "-")
    done = run / "pictures.json"
    if done.exists():
        return
    config = TrainConfig(
        steps=steps,
        stages=[Stage(until=1.0, size=size, batch_size=batch)],
        loader="dali" if has_dali() else "torch",
        save_minutes=2.0,
        keep=1,
        warmup_steps=min(50, steps // 4),
        ema=0.98,
        **CHANGES[name],
    )
    train([shards], run, config, resume=True, report=lambda text: click.echo(f"{name}: {text}", err=True))
    model, _ = load_model(run)
    some = load_photos(held, photos)
    found = score_network(model, some, torch.device("cpu"), COUNTS)
    done.write_text(json.dumps(found))


def table(out: Path, about: str) -> str:
    """PSNR, accuracy and colorfulness of each run, with the difference in PSNR to the default."""
    runs = {name: out / name.replace("/", "-").replace(" ", "-") / "pictures.json" for name in CHANGES}
    found = {name: json.loads(path.read_text()) for name, path in runs.items() if path.exists()}
    lines = [about, "", "| run | " + " | ".join(f"{count} hints: PSNR, accuracy, color" for count in COUNTS) + " |"]
    lines += ["|---" * (len(COUNTS) + 1) + "|"]
    for name, by_count in found.items():
        cells = []
        for count in COUNTS:
            rows, base = by_count[str(count)], found["default"][str(count)]
            mean = scores.summarize(rows)
            cell = f"{mean['psnr']['mean']:.2f} dB, {mean['accuracy']['mean']:.3f}, {mean['colorfulness']['mean']:.2f}"
            if name != "default":
                away = scores.mean_and_error(np.array([a["psnr"] - b["psnr"] for a, b in zip(rows, base, strict=True)]))
                cell += f" ({away['mean']:+.2f} ± {away['error']:.2f} dB)"
            cells.append(cell)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("shards", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("held", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", "out", type=click.Path(path_type=Path), required=True)
@click.option("--steps", type=click.IntRange(1), default=200, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True)
@click.option("--size", type=click.IntRange(32), default=96, show_default=True)
@click.option("--photos", type=click.IntRange(2), default=48, show_default=True, help="Held-out photos.")
@click.option("--runs", default=",".join(CHANGES), show_default=True)
def command(
    shards: Path, held: Path, out: Path, steps: int, batch_size: int, size: int, photos: int, runs: str
) -> None:
    """Train the default recipe with one thing changed at a time."""
    for name in runs.split(","):
        if name not in CHANGES:
            raise click.UsageError(f"{name!r} is none of {', '.join(CHANGES)}")
        go(name, shards, held, out, steps, size, photos, batch_size)
    machine = ", ".join(f"{k} {v}" for k, v in describe().items())
    text = table(out, f"{steps} steps of {batch_size} crops of {size}, {photos} held-out photos. {machine}.")
    (out / "table.md").write_text(text)
    click.echo(text)


if __name__ == "__main__":
    command()
