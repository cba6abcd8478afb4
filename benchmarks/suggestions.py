"""How often is a place's true color among six suggestions, and among the six commonest of its lightness?

    python benchmarks/suggestions.py PHOTOS --train DIR [--bundle DIR] [--limit N] [--places 20] [--count 6] [--json]

Photos are stretched to 256 x 256 and given without colors and without hints; places are random pixels. A true color is
found where it is within CIEDE2000 10 of a suggestion. The baseline's colors are those that cover the most pixels of
the training photos in a band of lightness, chosen by the same greedy rule, moved into the gamut at the place's own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from gcolor import Colorizer
from gcolor.color import lab, protocol
from gcolor.color.lab import Array
from gcolor.color.scores import ciede2000
from gcolor.runtime.machine import describe
from gcolor.runtime.suggestions import RADIUS, STEP, cover
from gcolor.trainer.scoring.held_out import EvalPhoto, load_photos, without_color

BAND = 5.0
"""Of lightness."""
PIXELS = 2000
"""Of each training photo, at random."""


def commonest(photos: list[EvalPhoto], count: int) -> list[Array]:
    """For each band of lightness, the ab [count, 2] that cover the most pixels of the photos in it."""
    pixels = []
    for photo in photos:
        planes = photo.to_lab().reshape(-1, 3)
        pixels.append(planes[protocol.generator(photo.name, "commonest").integers(0, len(planes), PIXELS)])
    every = np.concatenate(pixels)
    bands = np.minimum(every[:, 0] // BAND, 100.0 / BAND - 1.0)
    tables: list[Array] = []
    for band in range(round(100.0 / BAND)):
        near = np.rint(every[bands == band, 1:] / STEP) * STEP
        if not len(near):
            near = np.zeros((1, 2))
        ab, mass = np.unique(near, axis=0, return_counts=True)
        colors = np.concatenate([np.full((len(ab), 1), BAND * (band + 0.5)), ab], axis=1)
        tables.append(ab[[number for number, _ in cover(colors, mass / mass.sum(), count)]])
    return tables


def found(true: Array, colors: Array) -> bool:
    """Is the LAB color [3] within RADIUS of one of colors [K, 3]?"""
    return bool((ciede2000(true[None], colors) <= RADIUS).any())


def score(
    colorizer: Colorizer, photo: EvalPhoto, tables: list[Array], places: int, count: int
) -> tuple[float, float, float]:
    """Shares of a photo's places: found by the suggestions, by the commonest colors; and the probability promised."""
    true = photo.to_lab()
    colorizer.set_image(without_color(true))
    rng = protocol.generator(photo.name, "suggestions")
    ours, theirs, promised = [], [], []
    for y, x in zip(*(rng.integers(0, side, places) for side in true.shape[:2]), strict=True):
        one = true[y, x]
        made = colorizer.suggest(x + 0.5, y + 0.5, count=count)
        ours.append(found(one, lab.rgb_to_lab(np.array([s.color for s in made], np.uint8))))
        promised.append(sum(s.probability for s in made))
        ab = tables[min(int(one[0] / BAND), len(tables) - 1)]
        colors = np.concatenate([np.full((len(ab), 1), one[0]), ab], axis=1)
        theirs.append(found(one, lab.rgb_to_lab(lab.lab_to_rgb(colors))))
    return float(np.mean(ours)), float(np.mean(theirs)), float(np.mean(promised))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--train", type=click.Path(path_type=Path), required=True, help="Photos for the baseline.")
@click.option("--train-limit", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--bundle", type=click.Path(path_type=Path), help="[default: the one that ships with gcolor]")
@click.option("--limit", type=click.IntRange(1), help="So many photos.")
@click.option("--places", type=click.IntRange(1), default=20, show_default=True, help="Of each photo.")
@click.option("--count", type=click.IntRange(1), default=6, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def command(
    photos: Path,
    train: Path,
    train_limit: int,
    bundle: Path | None,
    limit: int | None,
    places: int,
    count: int,
    as_json: bool,
) -> None:
    """Print the share of true colors among the suggestions, and among the commonest colors of their lightness."""
    colorizer = Colorizer(bundle, "cpu")
    tables = commonest(load_photos(train, train_limit), count)
    scored = np.array([score(colorizer, photo, tables, places, count) for photo in load_photos(photos, limit)])
    rows = {"suggestions": scored[:, 0], "commonest": scored[:, 1], "difference": scored[:, 0] - scored[:, 1]}
    rows["promised"] = scored[:, 2]
    error = np.sqrt(max(len(scored), 1))
    report: dict[str, Any] = {
        "bundle": colorizer.bundle.name,
        "photos": len(scored),
        "places": places,
        "count": count,
        "machine": describe(),
        "shares": {name: [round(float(v.mean()), 4), round(float(v.std() / error), 4)] for name, v in rows.items()},
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(f"{report['bundle']}, {len(scored)} photos, {places} places each, {count} colors")
    for name, (mean, deviation) in report["shares"].items():
        click.echo(f"{name:12} {mean:.3f} +- {deviation:.3f}")


if __name__ == "__main__":
    command()
