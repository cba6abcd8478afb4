"""gcolor beside its peers: the same files, the same cores, one run; and the limit of decoding and encoding alone.

    python benchmarks/peers.py [FOLDER] [--sizes 0.3,2,12] [--count 4] [--rounds 3] [--bundle INT8]

Every contestant has a process of its own that opens its model once; then they take turns, size by size and round by
round, so that all see the same machine. Times are per picture from file to file. Contestants that take one picture at
a time have for the mixed sizes the sum of the single ones; those with workers are timed on the mixture. The files go
to the folder for temporary files (TMPDIR).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.machine import cores, describe
from gcolor.runtime.pictures import read_picture
from peers.files import make_files
from peers.process import Process, serve
from peers.tables import markdown, show

OURS, LIMIT, BARE = "gcolor", "limit", "bare limit"
ONE_BY_ONE = ("plain loop", "SIGGRAPH17", "unfused")
SAME_NETWORK = ("plain loop", "unfused")
MIXED = "mixed"
SHARE = 0.6

Answers = dict[str, dict[str, list[dict[str, Any]]]]
"""What each contestant answered for each size, one for each round."""


def start(stack: ExitStack, folder: Path, bundles: list[Path]) -> dict[str, Process]:
    """The processes of all contestants, in the order of the table."""
    network = folder / "network.onnx"
    export = [sys.executable, __file__, "--contestant", "export", "--path", str(network)]
    # The exporter's notes about itself matter only where it fails.
    done = subprocess.run(export, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    wanted: dict[str, tuple[str, Path | None]] = {OURS: ("gcolor", None)}
    for path in bundles:
        precision = load_bundle(path).manifest.precision
        wanted[f"{OURS} {precision} ({path.name})"] = ("gcolor", path)
    wanted |= {name: (name, network if name == "unfused" else None) for name in (*ONE_BY_ONE, LIMIT, BARE)}
    return {
        name: stack.enter_context(Process(Path(__file__), kind, path, folder / f"out{number}"))
        for number, (name, (kind, path)) in enumerate(wanted.items())
    }


def take_turns(processes: dict[str, Process], files: dict[str, list[Path]], rounds: int, quality: int) -> Answers:
    """Every contestant colors every size in every round; one small picture before, to warm up."""
    found: Answers = {name: {size: [] for size in files} for name in processes}
    for process in processes.values():
        process.color(next(iter(files.values()))[:1], quality)
    mixture = [path for together in zip(*files.values(), strict=True) for path in together]
    for number in range(rounds):
        for size, paths in files.items():
            for name, process in processes.items():
                click.echo(f"round {number + 1} of {rounds}, {size}: {name}", err=True)
                found[name][size].append(process.color(paths, quality))
        for name, process in processes.items():
            if name in ONE_BY_ONE:
                parts = [found[name][size][number] for size in files]
                answer = {key: sum(part[key] for part in parts) for key in ("seconds", "cpu_seconds")}
                answer["peak_memory_mb"] = parts[-1]["peak_memory_mb"]
            else:
                click.echo(f"round {number + 1} of {rounds}, {MIXED}: {name}", err=True)
                answer = process.color(mixture, quality)
            found[name].setdefault(MIXED, []).append(answer)
    return found


def summarize(answers: dict[str, list[dict[str, Any]]], pictures: dict[str, int], pixels: int) -> dict[str, Any]:
    """Medians per picture; pictures and megapixels per second are those of the mixture."""

    def median(key: str) -> dict[str, float]:
        return {size: statistics.median(a[key] for a in found) / pictures[size] for size, found in answers.items()}

    seconds = median("seconds")
    return {
        "seconds": seconds,
        "cpu_seconds": median("cpu_seconds"),
        "pictures_per_second": 1.0 / seconds[MIXED],
        "megapixels_per_second": pixels / 1e6 / (seconds[MIXED] * pictures[MIXED]),
        "peak_memory_mb": max(a["peak_memory_mb"] for found in answers.values() for a in found),
    }


def difference(one: Process, other: Process, files: dict[str, list[Path]]) -> float:
    """Mean |difference| in levels between what two contestants made of the first picture of each size."""
    pairs = [(read_picture(p.output(paths[0])).rgb for p in (one, other)) for paths in files.values()]
    return float(np.mean([np.mean(cv2.absdiff(*pair)) for pair in pairs]))


def weigh_limit(contestants: dict[str, dict[str, Any]], stages: dict[str, float], size: str) -> dict[str, Any]:
    """gcolor's share of the decode and encode limit, and what all other stages may cost for a share of 60 %."""
    edges = stages["decode"] + stages["encode"]
    now, allowed = sum(stages.values()) - edges, edges / SHARE - edges
    ours = contestants[OURS]["seconds"][size]
    return {
        "size": size,
        "share": contestants[LIMIT]["seconds"][size] / ours,
        "share_of_bare": contestants[BARE]["seconds"][size] / ours,
        "stages_cpu_seconds": stages,
        "for_60_percent": {"now_ms": now * 1e3, "allowed_ms": allowed * 1e3, "times_faster": now / allowed},
    }


def compare(
    source: Path | None, sizes: list[float], count: int, rounds: int, bundles: list[Path], quality: int, grey: bool
) -> dict[str, Any]:
    """The whole report."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "in").mkdir()
        files = make_files(source, sizes, count, grey, folder / "in")
        processes = start(stack, folder, bundles)
        contestants: dict[str, dict[str, Any]] = {key: process.answer() for key, process in processes.items()}
        answers = take_turns(processes, files, rounds, quality)
        pictures = {**dict.fromkeys(files, count), MIXED: count * len(files)}
        pixels = sum(read_picture(path).rgb[..., 0].size for paths in files.values() for path in paths)
        for key, process in processes.items():
            contestants[key] |= summarize(answers[key], pictures, pixels)
            if key in SAME_NETWORK or key.startswith(f"{OURS} "):
                contestants[key]["difference"] = difference(process, processes[OURS], files)
        for found in contestants.values():
            ours = contestants[OURS]["seconds"]
            found["ratio_to_gcolor"] = {size: value / ours[size] for size, value in found["seconds"].items()}
        largest = list(files)[-1]
        with Process(Path(__file__), "stages", None, folder / "stages") as process:
            process.answer()
            process.color(files[largest][:1], quality)
            stages = process.color(files[largest], quality)
        return {
            "machine": describe(),
            "settings": {
                "sizes": list(files),
                "pictures_of_each": count,
                "rounds": rounds,
                "workers": cores(),
                "quality": quality,
                "pictures": f"{source.name} resized" if source else "made up",
                "input": "JPEG, one channel" if grey else "JPEG 4:2:0",
                "output": "JPEG 4:4:4",
            },
            "contestants": contestants,
            "limit": weigh_limit(contestants, stages, largest),
        }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@click.option("--sizes", default="0.3,2,12", show_default=True, help="Megapixels, from small to large.")
@click.option("--count", type=click.IntRange(1), default=4, show_default=True, help="Pictures of each size.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--bundle", "bundles", type=click.Path(exists=True, path_type=Path), multiple=True, help="One more.")
@click.option("--quality", type=click.IntRange(1, 100), default=92, show_default=True, help="Of the outputs.")
@click.option("--grey", is_flag=True, help="Input files of one channel, as scanners write them.")
@click.option("--json", "as_json", is_flag=True)
@click.option("--markdown", "as_markdown", is_flag=True, help="The table as README takes it.")
@click.option("--contestant", hidden=True)
@click.option("--path", type=click.Path(path_type=Path), hidden=True)
def command(
    folder: Path | None,
    sizes: str,
    count: int,
    rounds: int,
    bundles: tuple[Path, ...],
    quality: int,
    grey: bool,
    as_json: bool,
    as_markdown: bool,
    contestant: str | None,
    path: Path | None,
) -> None:
    """Time gcolor and its peers on FOLDER's photos, resized; without FOLDER on made-up pictures."""
    if contestant:
        serve(contestant, path, cores())
        return
    try:
        megapixels = sorted(float(size) for size in sizes.split(","))
    except ValueError:
        raise click.BadParameter("megapixels with commas between, such as 0.3,2,12", param_hint="--sizes") from None
    report = compare(folder, megapixels, count, rounds, list(bundles), quality, grey)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    elif as_markdown:
        click.echo(markdown(report))
    else:
        show(report)


if __name__ == "__main__":
    command()
