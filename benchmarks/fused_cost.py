"""What the color mathematics in the fused graph costs, against OpenCV's float LAB round trip and the whole graph.

    python benchmarks/fused_cost.py [--threads 1] [--rounds 9] [--json]

Five things take turns on one picture, at 512 and 2048 pixels: "color" is the fused graph with a network that does
nothing (bytes to L, shrink, hint bytes to ab, ab enlarged, gamut, bytes); "opencv" is the same work by OpenCV and NumPy
in float32 (RGB to LAB, INTER_AREA, INTER_CUBIC, LAB to RGB, bytes; it clips what is out of gamut and has no hints);
"graph" is the whole fused graph. "color_as_run" and "as_run" are the two as gcolor runs them: from 1 megapixel on, the
network sees the picture shrunk and the color is painted in tiles. Medians of the rounds.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import cv2
import gcolor
import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from gcolor.color.lab import Array, Bytes
from gcolor.export.onnx_file import export_fused, export_paint
from gcolor.models import ModelConfig, Network, Prediction
from gcolor.models.fused import FusedColorizer
from gcolor.runtime.bench.scenes import scene
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.engines.engine import feeds
from gcolor.runtime.machine import describe
from gcolor.runtime.manifest import MODEL, PAINT
from gcolor.runtime.memory import keep_freed_memory
from rich.console import Console
from rich.table import Table

GRID = 256
SIZES = (512, 2048)


class Nothing(Network):
    """Hands the hints' chroma on: what is left of the fused graph is its color mathematics."""

    output_stride = 2
    config = ModelConfig()

    def forward(
        self,
        lightness: torch.Tensor,
        hint_ab: torch.Tensor,
        hint_mask: torch.Tensor,
        vividness: torch.Tensor | None = None,
    ) -> Prediction:
        ab = F.avg_pool2d(hint_ab + 0.0 * (lightness + hint_mask), 2)
        return Prediction(ab, ab)


def opencv(rgb: Bytes, ab: Array) -> Bytes:
    lab = cv2.cvtColor(rgb.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_RGB2LAB)
    cv2.resize(lab[..., 0], (GRID, GRID), interpolation=cv2.INTER_AREA)
    lab[..., 1:] = cv2.resize(ab, rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    out = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return (np.clip(out, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def nothing_bundle(folder: Path) -> Path:
    """A bundle of the network that does nothing."""
    model = FusedColorizer(Nothing())
    export_fused(model, folder / MODEL)
    export_paint(model.paint, Nothing.output_stride, folder / PAINT)
    load_bundle().manifest.with_files({name: (folder / name).read_bytes() for name in (MODEL, PAINT)}).write(folder)
    return folder


def measure(
    size: int, sessions: dict[str, Any], colorizers: dict[str, gcolor.Colorizer], rounds: int
) -> dict[str, float]:
    """Milliseconds of each, in turns."""
    rgb = scene(size, size)
    hints = np.zeros((GRID, GRID, 4), np.uint8)
    hints[60:63, 60:63] = hints[150:153, 190:193] = (200, 80, 60, 255)
    ab = np.random.default_rng(0).normal(0.0, 20.0, (GRID // 4, GRID // 4, 2)).astype(np.float32)

    def run(colorizer: gcolor.Colorizer) -> None:
        colorizer.set_image(rgb, (GRID, GRID))
        colorizer.color(hints)

    work: dict[str, Callable[[], object]] = {"opencv": lambda: opencv(rgb, ab)}
    for name, session in sessions.items():
        inputs = {entry.name for entry in session.get_inputs()}
        work[name] = partial(session.run, None, feeds(inputs, rgb[None], hints[None], 1.0))
    work |= {name: partial(run, colorizer) for name, colorizer in colorizers.items()}
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds + 1):
        for name, call in work.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: 1e3 * statistics.median(values[1:]) for name, values in times.items()}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=9, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def command(threads: int, rounds: int, as_json: bool) -> None:
    """Time the fused graph's color mathematics."""
    cv2.setNumThreads(threads)
    keep_freed_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    # Threads that go on spinning would slow down whoever's turn it is next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    with tempfile.TemporaryDirectory() as folder:
        nothing = load_bundle(nothing_bundle(Path(folder)))
        bundles = {"color_as_run": nothing.path, "as_run": None}
        colorizers = {name: gcolor.Colorizer(path, "cpu", threads) for name, path in bundles.items()}
    graphs = {"color": nothing.model, "graph": load_bundle().model}
    sessions = {name: onnxruntime.InferenceSession(graph, options) for name, graph in graphs.items()}
    found = {size: measure(size, sessions, colorizers, rounds) for size in SIZES}
    rows = [
        {
            "size": size,
            **{name: round(value, 1) for name, value in ms.items()},
            "color_to_opencv": round(ms["color"] / ms["opencv"], 2),
            "as_run_to_opencv": round(ms["color_as_run"] / ms["opencv"], 2),
            "color_share_of_graph": round(ms["color"] / ms["graph"], 2),
        }
        for size, ms in found.items()
    ]
    report: dict[str, Any] = {"threads": threads, "rounds": rounds, "machine": describe(), "rows": rows}
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    table = Table(
        "", *(f"{row['size']} px" for row in rows), title=f"ms, {threads} threads, medians of {rounds} rounds"
    )
    for name in list(rows[0])[1:]:
        table.add_row(name, *(str(row[name]) for row in rows))
    Console().print(table)
    click.echo(", ".join(f"{name} {value}" for name, value in report["machine"].items()))


if __name__ == "__main__":
    command()
