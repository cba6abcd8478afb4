"""Is it the pretraining? The default network trained on for equally many photos with each kind of encoder.

    python benchmarks/encoder.py SHARDS HELD_OUT -o DIR [--start BUNDLE] [--passes 3200] [--seeds 3] [--free 0.4]

From the same weights, with the same photos, hints and learning rates: no encoder, one of random weights (its batch
statistics measured on photos) and the pretrained one, both frozen. Prints means and paired differences over the
held-out photos without hints, and over the first 96 of them with 10; results stay in DIR, and a run that is there is
not made again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np
import torch
from gcolor.color import tensors
from gcolor.models import PRESETS
from gcolor.models.efficientnet import EfficientNetLite
from gcolor.models.run_folder import load_model
from gcolor.runtime.manifest import DEFAULT
from gcolor.trainer.config import Stage, TrainConfig
from gcolor.trainer.data.crops import Crops
from gcolor.trainer.data.of_run import open_data
from gcolor.trainer.loop import train
from gcolor.trainer.scoring.held_out import load_photos
from gcolor.trainer.scoring.of_network import score_network

KINDS = ("none", "random", "pretrained")
ENCODER: Literal["efficientnet-lite2"] = "efficientnet-lite2"
SIZE, BATCH = 128, 16
SCORED = {0: None, 10: 96}
"""Hints, and on how many of the held-out photos."""
SCORES = ("psnr", "accuracy", "ciede")


def random_weights(shards: Path, path: Path, seed: int) -> None:
    """An encoder that knows nothing, with the batch statistics that photos have."""
    torch.manual_seed(1000 + seed)
    encoder = EfficientNetLite(ENCODER)
    for module in encoder.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean of all batches
    crops = Crops(open_data([shards], path.parent), SIZE, "random", (seed, 99))
    with torch.no_grad():
        for number in range(8):
            rgb = torch.stack([crops.at(number * BATCH + i) for i in range(BATCH)]).float() / 255.0
            encoder(tensors.rgb_to_lab(rgb)[:, :1])
    torch.save(encoder.state_dict(), path)


def run(shards: Path, held_out: Path, folder: Path, start: Path, kind: str, seed: int, config: TrainConfig) -> None:
    """Train one network and write its scores, photo by photo."""
    if kind == "random":
        config.encoder_weights = str(folder / f"random-{seed}.pth")
        random_weights(shards, Path(config.encoder_weights), seed)
    made = folder / f"{kind}-{seed}"
    train([shards], made, config, start=start)
    network, _ = load_model(made)
    photos = load_photos(held_out)
    scores: dict[str, Any] = {}
    for count, most in SCORED.items():
        scores |= {str(k): v for k, v in score_network(network, photos[:most], torch.device("cpu"), (count,)).items()}
    (folder / f"{kind}-{seed}.json").write_text(json.dumps(scores))


def paired(found: dict[str, list[dict[str, Any]]], count: int, score: str, one: str, other: str) -> str:
    """The mean difference of two kinds over photos, with its standard error, and that of each seed."""
    by_seed = [
        [a[score] - b[score] for a, b in zip(x[str(count)], y[str(count)], strict=True)]
        for x, y in zip(found[one], found[other], strict=True)
    ]
    each = np.mean(by_seed, axis=0)
    seeds = ", ".join(f"{np.mean(some):+.3f}" for some in by_seed)
    return f"{each.mean():+.3f} +- {each.std(ddof=1) / np.sqrt(len(each)):.3f} (seeds {seeds})"


@click.command()
@click.argument("shards", type=click.Path(exists=True, path_type=Path))
@click.argument("held_out", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), required=True)
@click.option("--start", type=click.Path(exists=True, path_type=Path), default=DEFAULT)
@click.option("--passes", default=3200)
@click.option("--seeds", default=3)
@click.option("--free", default=0.4, help="Share of photos without hints.")
def main(shards: Path, held_out: Path, folder: Path, start: Path, passes: int, seeds: int, free: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for seed in range(seeds):
        for kind in KINDS:
            model = PRESETS["hintunet"] if kind == "none" else replace(PRESETS["hintunet"], encoder=ENCODER)
            config = TrainConfig(model=model, steps=passes // BATCH, loader="torch", seed=seed, hint_free=free)
            config.stages = [Stage(until=1.0, size=SIZE, batch_size=BATCH)]
            config.learning_rate, config.warmup_steps, config.ema = 1e-3, 30, 0.99
            config.recolor, config.regression_weight = 0.2, 0.15
            path = folder / f"{kind}-{seed}.json"
            if not path.exists():
                run(shards, held_out, folder, start, kind, seed, config)
            found[kind].append(json.loads(path.read_text()))
    for count in SCORED:
        for score in SCORES:
            means = {kind: np.mean([[row[score] for row in one[str(count)]] for one in found[kind]]) for kind in KINDS}
            click.echo(f"{count} hints, {score}: " + ", ".join(f"{kind} {mean:.4f}" for kind, mean in means.items()))
            for one, other in (("pretrained", "none"), ("pretrained", "random"), ("random", "none")):
                click.echo(f"    {one} - {other}: {paired(found, count, score, one, other)}")


if __name__ == "__main__":
    main()
