"""What an engine paints beside what PyTorch in fp32 paints of the same pictures, and beside the truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import lab, protocol, scores
from ...color.distance import Comparison
from ...color.errors import EngineError
from ...color.lab import Array, Bytes
from ..grid import choose_grid
from .scenes import scene

COUNTS = (0, 10)
"""Hints that each picture is colored with."""
SCENE = (320, 480)
FIGURES = ("mean_ciede2000", "p99_9_ciede2000", "psnr", "max_levels", "share_beyond_one_level", "bin_agreement")


@dataclass(frozen=True, slots=True)
class Task:
    """A picture uint8 [H, W, 3] to color with a raster of hints uint8 [h, w, 4], and how many hints it holds."""

    name: str
    rgb: Bytes
    hints: Bytes
    count: int


@dataclass(frozen=True, slots=True)
class Made:
    """What an engine made of a task: uint8 [H, W, 3] and its ab [2, g, k]."""

    colored: Bytes
    ab: NDArray[np.float32]


def made_photos(count: int) -> dict[str, Bytes]:
    """Pictures made in code, for where no photos are named."""
    return {f"scene {number}": scene(*SCENE, number) for number in range(count)}


def parity_tasks(photos: dict[str, Bytes]) -> list[Task]:
    """Each photo with each number of hints, which show its own colors, at the grid that the product chooses."""
    return [
        Task(name, rgb, protocol.grid_hints(rgb, Path(name).name, count, choose_grid(*rgb.shape[:2])), count)
        for name, rgb in photos.items()
        for count in COUNTS
    ]


def truth_tasks(photos: dict[str, Bytes]) -> list[Task]:
    """Grey versions of photos uint8 [256, 256, 3] with hints as `gcolor evaluate` gives them."""
    return [
        Task(
            name,
            lab.lab_to_rgb(lab.rgb_to_lab(rgb) * (1.0, 0.0, 0.0)),
            protocol.true_hints(rgb, Path(name).name, count),
            count,
        )
        for name, rgb in photos.items()
        for count in COUNTS
    ]


def write_tasks(tasks: list[Task], path: Path) -> None:
    """Save tasks as a worker reads them."""
    arrays: dict[str, Any] = {}
    for number, task in enumerate(tasks):
        arrays |= {f"rgb{number}": task.rgb, f"hints{number}": task.hints}
    np.savez(path, **arrays)


def read_made(path: Path) -> list[Made]:
    """What a worker made of the tasks, in their order."""
    with np.load(path) as arrays:
        return [Made(arrays[f"colored{n}"], arrays[f"ab{n}"]) for n in range(len(arrays.files) // 2)]


def compare(found: list[Made], wanted: list[Made]) -> dict[str, float]:
    """FIGURES over all pixels of all pictures. Raises EngineError where an engine's colors are not numbers."""
    comparison = Comparison()
    for f, w in zip(found, wanted, strict=True):
        comparison.add(f.colored, w.colored, f.ab, w.ab)
    figures = asdict(comparison.result())
    if not np.isfinite(figures["mean_ciede2000"]):
        raise EngineError("its colors are not numbers; the bundle is damaged or the engine cannot run it")
    return {name: figures[name] for name in FIGURES}


def score_truth(found: list[Made], tasks: list[Task], photos: dict[str, Bytes]) -> list[dict[str, Any]]:
    """Scores against the true photos: one row for each number of hints, as `gcolor evaluate` has them."""
    labs: dict[str, Array] = {name: lab.rgb_to_lab(rgb) for name, rgb in photos.items()}
    rows = []
    for count in COUNTS:
        each = [
            scores.picture_scores(made.colored, photos[task.name], labs[task.name])
            for made, task in zip(found, tasks, strict=True)
            if task.count == count
        ]
        rows.append({"hints": count, "photos": len(each)} | scores.summarize(each))
    return rows
