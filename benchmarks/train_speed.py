"""How fast training is: loader alone, step alone, both together, against a plain loop; photos per second.

    python benchmarks/train_speed.py PHOTOS [--size 256] [--batch-size 8] [--steps 6] [--rounds 3] [--device cpu]

Every part runs in a process of its own, one after the other and round by round, so that all see the same machine; the
figures are medians over the rounds. "same network" is gcolor's trainer with the network of the plain loop (the paper's
ResUNet), "default" with the network that ships. FLOPs are those of the convolutions and matrix products, forward and
backward.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import torch
from gcolor.runtime.machine import describe
from gcolor.runtime.memory import keep_freed_memory
from gcolor.runtime.pictures import find_pictures
from gcolor.trainer.config import Precision, Stage, TrainConfig, preset
from gcolor.trainer.data.loader import has_dali, make_loader
from gcolor.trainer.data.prepare import PrepareOptions, prepare
from gcolor.trainer.data.shards import open_shards
from gcolor.trainer.denormals import denormals_flushed
from gcolor.trainer.distributed import World
from gcolor.trainer.loss import class_weights
from gcolor.trainer.session import begin
from gcolor.trainer.step import optimize
from plain_trainer import PlainTrainer
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

WARM_UP = 2
PARTS = ("plain loop", "same network", "default")


def timed(work: Callable[[], object], steps: int, device: torch.device) -> float:
    """Seconds per call, after a warm-up; on a GPU the queue is emptied before and after."""

    def finish() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    for _ in range(WARM_UP):
        work()
    finish()
    start = time.perf_counter()
    for _ in range(steps):
        work()
    finish()
    return (time.perf_counter() - start) / steps


def measure_plain(photos: Path, size: int, batch_size: int, steps: int, device: torch.device) -> dict[str, float]:
    trainer = PlainTrainer(find_pictures(photos), size, batch_size, device)
    return {
        "loader": batch_size / timed(trainer.read, steps, device),
        "together": batch_size / timed(trainer.step, steps, device),
    }


def measure_ours(
    part: str, shards_folder: Path, size: int, batch_size: int, steps: int, device: torch.device, config: TrainConfig
) -> dict[str, float]:
    if device.type == "cpu":
        keep_freed_memory()
    shards = open_shards(shards_folder)
    stage = Stage(until=1.0, size=size, batch_size=batch_size)
    loader = make_loader(shards, stage, (0, 0), config, World(), None)
    alone = timed(loader.next, 4 * steps, device)
    state = begin(config, device, None)
    network = torch.compile(state.model) if config.compile else state.model
    weights = class_weights(shards.counts, config.rebalance).to(device)
    number = 0

    def learn(batch: torch.Tensor) -> None:
        nonlocal number
        optimize(network, state, batch, weights, number, stage, config, World(), measure=False)  # type: ignore[arg-type]
        number += 1

    batch = loader.next().to(device)
    step = timed(lambda: learn(batch), steps, device)
    waited = 0.0

    def both() -> None:
        nonlocal waited
        asked = time.perf_counter()
        ready = loader.next().to(device, non_blocking=True)
        waited += time.perf_counter() - asked
        learn(ready)

    together = timed(both, steps, device)
    with FlopCounterMode(display=False) as counter:
        learn(batch)
    flops = counter.get_total_flops()
    out = {
        "loader": batch_size / alone,
        "step": batch_size / step,
        "together": batch_size / together,
        "loader_cost": together / step - 1.0,
        "waiting": waited / (WARM_UP + steps) / together,
        "gflop_per_photo": flops / batch_size / 1e9,
        "gflops": flops / step / 1e9,
    }
    if device.type == "cuda":
        out["memory_gb"] = torch.cuda.max_memory_allocated(device) / 1e9
    loader.close()
    return out


def peak_gflops(device: torch.device, precision: str) -> float:
    """What a large matrix product reaches: the practical ceiling."""
    kind = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    n = 2048 if device.type == "cpu" else 8192
    a, b = torch.randn(n, n, device=device, dtype=kind), torch.randn(n, n, device=device, dtype=kind)
    return 2 * n**3 / timed(lambda: a @ b, 5, device) / 1e9


def median(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}


def show(report: dict[str, Any]) -> None:
    machine = " ".join(f"{k}={v}" for k, v in {**report["machine"], **report["settings"]}.items())
    table = Table(
        "photos/s", "loader alone", "step alone", "together", "x plain loop", "loader costs", "waits", "of peak"
    )
    plain = report["parts"]["plain loop"]
    for name, part in report["parts"].items():
        cells = [f"{part['loader']:.0f}", f"{part['step']:.2f}" if "step" in part else "", f"{part['together']:.2f}"]
        cells.append(f"{part['together'] / plain['together']:.2f}")
        if "step" in part:
            share = part["gflops"] / report["peak_gflops"]
            cells += [f"{part['loader_cost']:+.1%}", f"{part['waiting']:.1%}", f"{share:.0%}"]
        table.add_row(name, *cells)
    console = Console(width=None if sys.stdout.isatty() else 132)
    console.print(table)
    console.print(machine, markup=False, highlight=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("photos", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--size", type=click.IntRange(32), default=256, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=8, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=6, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--limit", type=click.IntRange(1), default=400, show_default=True, help="Photos that are prepared.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--precision", type=click.Choice(["fp32", "bf16", "fp16"]), default="fp32", show_default=True)
@click.option("--compile/--no-compile", "compiled", default=False, show_default=True)
@click.option("--loader", type=click.Choice(["dali", "torch"]), default="dali" if has_dali() else "torch")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True)
@click.option("--part", type=click.Choice(PARTS), hidden=True)
@click.option("--shards", type=click.Path(path_type=Path), hidden=True)
def command(
    photos: Path,
    size: int,
    batch_size: int,
    steps: int,
    rounds: int,
    limit: int,
    device: str,
    precision: Precision,
    compiled: bool,
    loader: Any,
    workers: int,
    as_json: bool,
    part: str | None,
    shards: Path | None,
) -> None:
    """Time training on PHOTOS."""
    where = torch.device(device)
    if part == "plain loop":
        click.echo(json.dumps(measure_plain(photos, size, batch_size, steps, where)))
        return
    if part:
        assert shards
        config = preset("default" if part == "default" else "paper")
        config = replace(config, device=device, precision=precision, compile=compiled, loader=loader, workers=workers)
        with denormals_flushed():
            click.echo(json.dumps(measure_ours(part, shards, size, batch_size, steps, where, config)))
        return
    with tempfile.TemporaryDirectory() as folder:
        some = Path(folder, "photos")
        some.mkdir()
        for number, path in enumerate(find_pictures(photos)[:limit]):
            (some / f"{number:05d}{path.suffix}").symlink_to(path.resolve())
        prepare([some], Path(folder, "shards"), PrepareOptions(max_grey=1.0), progress=None, report=lambda _: None)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in PARTS}
        for _ in range(rounds):
            for name in PARTS:
                arguments = [str(some), "--part", name, "--shards", str(Path(folder, "shards")), "--size", str(size)]
                arguments += ["--batch-size", str(batch_size), "--steps", str(steps), "--device", device]
                arguments += ["--precision", precision, "--loader", loader, "--workers", str(workers)]
                arguments += ["--compile"] if compiled else []
                done = subprocess.run([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, check=True)
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
    settings = {"size": size, "batch": batch_size, "device": device, "precision": precision, "loader": loader}
    report = {
        "machine": describe(),
        "settings": {**settings, "workers": workers, "compile": compiled, "rounds": rounds},
        "peak_gflops": peak_gflops(where, precision),
        "parts": {name: median(rounds_) for name, rounds_ in found.items()},
    }
    click.echo(json.dumps(report, indent=2)) if as_json else show(report)


if __name__ == "__main__":
    command()
