"""What painting costs, and how near a whole picture comes to its floor: reading and writing it, and nothing else.

    python benchmarks/painting.py [PHOTOS] [--sizes 0.3,2,12] [--color] [--rounds 7] [--bundle B] [--json]

CPU nanoseconds a pixel on one thread, medians of rounds in which all take turns. "floor" is `read_picture` and
`save_picture`; "native" and "graph" are the same file to file through the network and either painter; "paint native"
and "paint graph" are painting alone, "paint baseline" the kernel's form for processors without AVX2. "floor / native"
is what share of the floor's speed a picture reaches, "apart" how many levels the outputs of both are apart at most.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from gcolor.color.lab import Bytes
from gcolor.runtime.colorizer import Colorizer
from gcolor.runtime.machine import describe
from gcolor.runtime.memory import keep_freed_memory
from gcolor.runtime.painting.kernel import BASELINE, Kernel
from gcolor.runtime.pictures import read_picture, save_picture
from peers.files import make_files
from rich.console import Console
from rich.table import Table

TILE = 512


def copy(source: Path, out: Path) -> None:
    save_picture(out, read_picture(source))


def color(colorizer: Colorizer, source: Path, out: Path) -> None:
    picture = read_picture(source)
    colorizer.set_image(picture.pixels)
    save_picture(out, replace(picture, pixels=colorizer.color(padded=True)))


def paint_by_graph(colorizer: Colorizer, rgb: Bytes, ab: np.ndarray) -> None:
    height, width = rgb.shape[:2]
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            tile = np.ascontiguousarray(rgb[top : top + TILE, left : left + TILE])
            colorizer.engine.paint(tile[None], ab, (top, left, height, width))


def measure(source: Path, native: Colorizer, graph: Colorizer, rounds: int) -> dict[str, float]:
    """CPU ns a pixel of each, in turns."""
    picture = read_picture(source)
    native.set_image(picture.pixels)
    ab = native.chroma()
    height, width = picture.pixels.shape[:2]
    place, out = (0, 0, height, width), np.empty((height, width, 4), np.uint8)
    assert native.engine.kernel
    folder = source.parent
    work: dict[str, Callable[[], object]] = {
        "floor": partial(copy, source, folder / "floor.jpg"),
        "native": partial(color, native, source, folder / "native.jpg"),
        "graph": partial(color, graph, source, folder / "graph.jpg"),
        "paint native": partial(native.engine.kernel.paint, picture.pixels, ab, place, out),
        "paint baseline": partial(Kernel(form=BASELINE).paint, picture.pixels, ab, place, out),
        "paint graph": partial(paint_by_graph, graph, picture.rgb, ab),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds + 1):
        for name, call in work.items():
            begun = time.process_time()
            call()
            times[name].append(time.process_time() - begun)
    found = {name: 1e9 * statistics.median(spent[1:]) / (height * width) for name, spent in times.items()}
    found["floor / native"] = found["floor"] / found["native"]
    found["floor / graph"] = found["floor"] / found["graph"]
    found["paint graph / native"] = found["paint graph"] / found["paint native"]
    for colorizer in (native, graph):
        colorizer.set_image(picture.pixels)
    found["apart"] = float(cv2.absdiff(native.color(), graph.color()).max())
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("photos", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--sizes", default="0.3,2,12", show_default=True, help="Megapixels.")
@click.option("--color", "colored", is_flag=True, help="JPEGs in color in place of gray ones.")
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True)
@click.option("--bundle", type=click.Path(path_type=Path), help="[default: the one that ships with gcolor]")
@click.option("--json", "as_json", is_flag=True)
def command(photos: Path | None, sizes: str, colored: bool, rounds: int, bundle: Path | None, as_json: bool) -> None:
    """Time the painting kernel, the graph in whose place it is, and whole pictures by either."""
    keep_freed_memory(one_arena=True)
    cv2.setNumThreads(1)
    native, graph = (Colorizer(bundle, "cpu", 1, "onnx", painter=painter) for painter in ("native", "onnx"))
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(photos, list(map(float, sizes.split(","))), 1, not colored, Path(folder))
        rows = {name: measure(paths[0], native, graph, rounds) for name, paths in files.items()}
    report: dict[str, Any] = {"about": native.engine.about, "machine": describe(), "rows": rows}
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    table = Table("CPU ns a pixel", *rows, title=f"{native.engine.about}, one thread, {rounds} rounds")
    for name in next(iter(rows.values())):
        table.add_row(name, *(f"{row[name]:.2f}" for row in rows.values()))
    Console().print(table)
    click.echo(", ".join(f"{name} {value}" for name, value in report["machine"].items()))


if __name__ == "__main__":
    command()
