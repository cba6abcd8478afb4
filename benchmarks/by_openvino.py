"""The default model in OpenVINO beside ONNX Runtime on the CPU: what OpenVINO would bring as an engine.

    pip install openvino
    python benchmarks/by_openvino.py [--threads 1] [--rounds 10] [--precision bf16] [--json]

Opening: CPU seconds to read and compile the graph, cold and from OpenVINO's own cache, and of ONNX Runtime. Distance:
ab against ONNX Runtime's for a picture without hints and one with 20, in both orders, each order by a model compiled
anew, at several grids. Calls: CPU and wall milliseconds at 256 x 256, in turns of five, the first of which is not
counted.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnxruntime
import openvino
from gcolor.color.protocol import grid_hints
from gcolor.runtime.bench.scenes import scene
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.engines.engine import feeds
from gcolor.runtime.engines.onnx_cpu import open_session
from gcolor.runtime.machine import describe
from gcolor.runtime.memory import keep_freed_memory
from gcolor.runtime.onnx_form import keep_outputs
from numpy.typing import NDArray

GRIDS = ((256, 256), (256, 384), (384, 256))
HINTS = (0, 20)
IN_A_TURN = 5
Given = dict[str, NDArray[Any]]
Model = Callable[[Given], NDArray[np.float32]]


def given(grid: tuple[int, int], hints: int) -> Given:
    """What the graph takes: a picture made in code and so many hints of its own colors."""
    rgb = scene(*grid)
    return feeds(("vividness",), rgb[None], grid_hints(rgb, "scene", hints, grid)[None], 1.0)


def in_onnx_runtime(graph: bytes, threads: int) -> Model:
    session = open_session(onnxruntime, graph, threads)
    return lambda given: session.run(["ab"], given)[0]


def in_openvino(graph: bytes, threads: int, precision: str, cache: Path | None = None) -> Model:
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
    settings |= {"CACHE_DIR": str(cache)} if cache else {}
    request = core.compile_model(core.read_model(graph), "CPU", settings).create_infer_request()
    return lambda given: np.array(request.infer(given)["ab"])


def cpu_seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return round(time.process_time() - begun, 2)


def distances(model: Model, reference: Model, order: tuple[int, ...]) -> dict[str, float]:
    """The greatest difference of ab for each grid and number of hints, asked for in this order."""
    found = {}
    for grid, hints in itertools.product(GRIDS, order):
        inputs = given(grid, hints)
        found[f"{grid[0]} x {grid[1]}, {hints} hints"] = float(np.abs(model(inputs) - reference(inputs)).max())
    return found


def turns(models: dict[str, Model], hints: int, rounds: int) -> dict[str, dict[str, float]]:
    """Median CPU and wall milliseconds of a call."""
    inputs = given(GRIDS[0], hints)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    for _, (name, model), call in itertools.product(range(rounds), models.items(), range(IN_A_TURN)):
        cpu, wall = time.process_time(), time.perf_counter()
        model(inputs)
        if call:
            times[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    medians = {name: map(statistics.median, zip(*calls, strict=True)) for name, calls in times.items()}
    return {
        name: {key: round(1e3 * s, 1) for key, s in zip(("cpu_ms", "wall_ms"), both, strict=True)}
        for name, both in medians.items()
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True)
@click.option("--precision", type=click.Choice(["f32", "bf16", "f16"]), default="f32", show_default=True)
@click.option("--json", "as_json", is_flag=True)
def command(threads: int, rounds: int, precision: str, as_json: bool) -> None:
    """Compare OpenVINO with ONNX Runtime."""
    keep_freed_memory()
    graph = keep_outputs(load_bundle().model, ("ab",))
    report: dict[str, Any] = {"machine": describe() | {"openvino": openvino.__version__}, "threads": threads}
    with tempfile.TemporaryDirectory() as folder:
        report["opening_cpu_s"] = {
            name: cpu_seconds(lambda: in_openvino(graph, threads, precision, Path(folder)))
            for name in ("openvino, cold", "openvino, cached")
        } | {"onnxruntime": cpu_seconds(lambda: in_onnx_runtime(graph, threads))}
    reference = in_onnx_runtime(graph, threads)
    report["greatest_difference_of_ab"] = {
        f"hints {order}": distances(in_openvino(graph, threads, precision), reference, order)
        for order in (HINTS, HINTS[::-1])
    }
    models = {"onnxruntime": reference, f"openvino {precision}": in_openvino(graph, threads, precision)}
    report["calls"] = {f"{hints} hints": turns(models, hints, rounds) for hints in reversed(HINTS)}
    if as_json:
        click.echo(json.dumps(report))
        return
    for part, found in report.items():
        click.echo(f"{part}: {json.dumps(found, indent=2)}")


if __name__ == "__main__":
    command()
