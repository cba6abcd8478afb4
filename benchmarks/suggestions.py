"""How often is a place's true color among six suggestions, and among the six commonest of its lightness?

    python benchmarks/suggestions.py PHOTOS --train DIR [--bundle DIR] [--limit N] [--places 20] [--count 6] [--json]

Photos are stretched to 256 x 256 and given without colors and without hints; places are random pixels. A true color is
found where it is within CIEDE2000 10 of one of the colors. There are two baselines, both of training photos in a band
of lightness: the commonest colors (cells of 8 x 8 in a and b, most of them almost gray), and as many distinct ones,
chosen to cover the most pixels by the rule that chooses suggestions; the second is much the harder one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from gcolor import Colorizer
from gcolor.color import bins, lab, protocol
from gcolor.color.lab import Array
from gcolor.color.scores import ciede2000
from gcolor.runtime.machine import describe
from gcolor.runtime.suggestions import RADIUS, STEP, cover
from gcolor.trainer.scoring.held_out import EvalPhoto, load_photos, without_color

BAND = 5.0
"""Of lightness."""
PIXELS = 2000
"""Of each training photo, at random."""

Choose = Callable[[Array, float, int], Array]
"""Pixels' ab [N, 2], their lightness, how many: the ab [count, 2] that stand for them."""


def counted(ab: Array, step: float, begin: float) -> tuple[Array, Array]:
    """The middles [K, 2] of the cells of a grid that hold any of the pixels, and how many they hold."""
    cells, counts = np.unique(np.floor((ab - begin) / step), axis=0, return_counts=True)
    return begin + (cells + 0.5) * step, counts.astype(np.float64)


def commonest(ab: Array, lightness: float, count: int) -> Array:
    """The classification's bins that hold the most pixels."""
    middles, counts = counted(ab, bins.WIDTH, bins.LOWEST)
    return middles[np.argsort(-counts, kind="stable")[:count]]


def distinct(ab: Array, lightness: float, count: int) -> Array:
    """Colors that cover the most pixels, none within RADIUS of another."""
    middles, counts = counted(ab, STEP, -STEP / 2)
    colors = np.concatenate([np.full((len(middles), 1), lightness), middles], axis=1)
    return middles[[number for number, _ in cover(colors, counts / counts.sum(), count)]]


BASELINES: dict[str, Choose] = {"commonest": commonest, "distinct": distinct}


def of_each_band(photos: list[EvalPhoto], count: int) -> dict[str, list[Array]]:
    """For each baseline and band of lightness its colors, ab [count, 2]."""
    pixels = []
    for photo in photos:
        planes = photo.to_lab().reshape(-1, 3)
        pixels.append(planes[protocol.generator(photo.name, "commonest").integers(0, len(planes), PIXELS)])
    every = np.concatenate(pixels)
    bands = np.minimum(every[:, 0] // BAND, 100.0 / BAND - 1.0)
    tables: dict[str, list[Array]] = {name: [] for name in BASELINES}
    for band in range(round(100.0 / BAND)):
        near = every[bands == band, 1:] if (bands == band).any() else np.zeros((1, 2))
        for name, choose in BASELINES.items():
            tables[name].append(choose(near, BAND * (band + 0.5), count))
    return tables


def found(true: Array, colors: Array) -> bool:
    """Is the LAB color [3] within RADIUS of one of colors [K, 3], moved into the gamut?"""
    real = lab.rgb_to_lab(lab.lab_to_rgb(colors))
    return bool((ciede2000(true[None], real) <= RADIUS).any())


def score(
    colorizer: Colorizer, photo: EvalPhoto, tables: dict[str, list[Array]], places: int, count: int
) -> dict[str, float]:
    """Shares of a photo's places that suggestions find, and each baseline; and the probability promised."""
    true = photo.to_lab()
    colorizer.set_image(without_color(true))
    rng = protocol.generator(photo.name, "suggestions")
    rows: list[dict[str, float]] = []
    for y, x in zip(*(rng.integers(0, side, places) for side in true.shape[:2]), strict=True):
        one = true[y, x]
        made = colorizer.suggest(x + 0.5, y + 0.5, count=count)
        shown = lab.rgb_to_lab(np.array([s.color for s in made], np.uint8))
        row: dict[str, float] = {"suggestions": found(one, shown), "promised": sum(s.probability for s in made)}
        for name, table in tables.items():
            ab = table[min(int(one[0] / BAND), len(table) - 1)]
            row[name] = found(one, np.concatenate([np.full((len(ab), 1), one[0]), ab], axis=1))
        rows.append(row)
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--train", type=click.Path(path_type=Path), required=True, help="Photos for the baselines.")
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
    tables = of_each_band(load_photos(train, train_limit), count)
    scored = [score(colorizer, photo, tables, places, count) for photo in load_photos(photos, limit)]
    rows = {name: np.array([one[name] for one in scored]) for name in scored[0]}
    rows |= {f"above {name}": rows["suggestions"] - rows[name] for name in BASELINES}
    error = np.sqrt(len(scored))
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
        click.echo(f"{name:16} {mean:.3f} +- {deviation:.3f}")


if __name__ == "__main__":
    command()
