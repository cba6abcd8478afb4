"""Measuring: every engine in a process of its own, all of them in turns, speed and accuracy beside each other.

Report: {"gcolor", "machine", "load_before", "settings", "engines", "unavailable", "rows", "stages", "accuracy"}; rows
and stages name their engine by bundle, precision, backend and device.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ...color.errors import EngineError, GcolorError
from ...color.lab import Bytes
from ...version import __version__
from ..bundle import Bundle, load_bundle
from ..device import parse_device
from ..machine import cores, describe
from ..manifest import WEIGHTS
from ..pictures import Picture, write_picture
from . import accuracy
from .process import WorkerError, WorkerProcess
from .scenes import scene
from .stages import STAGES

DEVICES = {"torch": ("cpu", "cuda"), "onnx": ("cpu", "cuda"), "trt": ("cuda",), "trt-rtx": ("cuda",)}
"""Where each backend can run at all; the first is tried first."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is measured, and how long.

    backends: () for all that can be opened. device: "auto" for all there are, "cpu", "cuda" or "cuda:N". sizes: sides
    of the square pictures, pixels. rounds: turns of each configuration. seconds: of each configuration over all rounds.
    runs: calls in each round, in place of seconds. threads: of each call on a CPU. photos: by name, for the accuracy
    ({} for none), and in words where they come from. truth: uint8 [256, 256, 3] by name, or None. stage_runs: pictures
    from file to file for the stages, 0 for none.
    """

    backends: tuple[str, ...] = ()
    device: str = "auto"
    sizes: tuple[int, ...]
    batch_sizes: tuple[int, ...]
    rounds: int
    seconds: float
    runs: int | None = None
    threads: int = field(default_factory=cores)
    photos: dict[str, Bytes]
    photos_source: str
    truth: dict[str, Bytes] | None = None
    stage_runs: int


@dataclass(slots=True)
class _OpenEngine:
    """An engine that is open: its process, how the report calls it, and what it holds of the report."""

    process: WorkerProcess
    bundle: Bundle
    key: dict[str, str]
    entry: dict[str, Any]


def run_bench(bundles: dict[str, Path | None], settings: Settings, say: Say) -> dict[str, Any]:
    """Measure every bundle, by the name that stands in the report, with every engine; say gets a line for each part.

    Raises BundleError for a bundle that does not load, EngineError where an engine that was asked for cannot be opened,
    or none can.
    """
    loaded = {name: load_bundle(path) for name, path in bundles.items()}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gcolor-bench-")))
        engines, unavailable = _open_engines(stack, loaded, settings, say)
        rows = _measure(engines, settings, say)
        note = _compare(engines, settings, folder, say)
        if settings.truth:
            _score(engines, settings.truth, folder, say)
        stages = _measure_stages(engines, settings, folder, say) if settings.stage_runs else []
        return {
            "gcolor": __version__,
            "machine": describe(),
            "load_before": load,
            "settings": _recorded(settings, loaded),
            "engines": [engine.entry for engine in engines],
            "unavailable": unavailable,
            "rows": rows,
            "stages": stages,
            "accuracy": note,
        }


def _recorded(settings: Settings, bundles: dict[str, Bundle]) -> dict[str, Any]:
    return {
        "bundles": {name: {"path": str(bundle.path), "name": bundle.name} for name, bundle in bundles.items()},
        "threads": settings.threads,
        "device": settings.device,
        "sizes": list(settings.sizes),
        "batch_sizes": list(settings.batch_sizes),
        "rounds": settings.rounds,
        "seconds": None if settings.runs else settings.seconds,
        "runs": settings.runs,
        "stage_runs": settings.stage_runs,
    }


def _candidates(settings: Settings) -> list[tuple[str, str]]:
    """Every backend with every device that comes into question. Raises EngineError for one that none does."""
    kind = parse_device(settings.device).kind
    pairs = []
    for backend in settings.backends or DEVICES:
        devices = [settings.device if kind == d else d for d in DEVICES[backend] if kind in ("auto", d)]
        if not devices and settings.backends:
            raise EngineError(f"backend {backend} does not run on {settings.device}, only on {DEVICES[backend][0]}")
        pairs += [(backend, device) for device in devices]
    return pairs


def _open_engines(
    stack: ExitStack, bundles: dict[str, Bundle], settings: Settings, say: Say
) -> tuple[list[_OpenEngine], list[dict[str, str]]]:
    engines: list[_OpenEngine] = []
    missing: list[dict[str, str]] = []
    for backend, device in _candidates(settings):
        for name, bundle in bundles.items():
            say(f"opening {backend} on {device}: {name}")
            same = next((s for s in engines if backend == "torch" and _is_same_network(s, bundle, device)), None)
            if same:
                reason = f"the same weights as {same.key['bundle']}, measured there"
                missing.append({"bundle": name, "backend": backend, "device": device, "reason": reason})
                continue
            try:
                engines.append(_open(stack, name, bundle, backend, device, settings.threads))
            except WorkerError as error:
                # What the machine lacks, it lacks for every bundle; a reason that names the bundle is its own.
                lacking = error.exit_code == EngineError.exit_code and str(bundle.path) not in str(error)
                whose = "all" if lacking else name
                missing.append({"bundle": whose, "backend": backend, "device": device, "reason": str(error)})
                if lacking:
                    break
    _check_asked(engines, missing, settings)
    return engines, missing


def _is_same_network(engine: _OpenEngine, bundle: Bundle, device: str) -> bool:
    """PyTorch always runs the fp32 weights, which bundles of several precisions have in common."""
    mine, other = (b.manifest.files.get(WEIGHTS) for b in (bundle, engine.bundle))
    kinds = {parse_device(name).kind for name in (device, engine.key["device"])}
    return engine.key["backend"] == "torch" and len(kinds) == 1 and mine is not None and mine == other


def _check_asked(engines: list[_OpenEngine], missing: list[dict[str, str]], settings: Settings) -> None:
    opened = {engine.key["backend"] for engine in engines}
    for backend in settings.backends or ("",):
        if backend not in opened if backend else not engines:
            why = "; ".join(
                f"{m['backend']} on {m['device']}: {m['reason']}" for m in missing if backend in ("", m["backend"])
            )
            raise EngineError(f"{f'backend {backend} cannot' if backend else 'no engine can'} be measured here ({why})")


def _open(stack: ExitStack, name: str, bundle: Bundle, backend: str, device: str, threads: int) -> _OpenEngine:
    with ExitStack() as guard:
        process = guard.enter_context(WorkerProcess())
        entry = process.ask("open", bundle=str(bundle.path), backend=backend, device=device, threads=threads)
        stack.enter_context(guard.pop_all())
    key = {
        "bundle": name,
        "precision": "fp32" if backend == "torch" else bundle.manifest.precision,
        "backend": backend,
        "device": str(entry.pop("device")),
    }
    return _OpenEngine(process, bundle, key, key | entry)


def _configurations(settings: Settings) -> list[tuple[int, int]]:
    """(size, batch) from little work to much, so that the peak of memory up to each is its own."""
    pairs = [(size, batch) for size in settings.sizes for batch in settings.batch_sizes]
    return sorted(pairs, key=lambda pair: (pair[0] ** 2 * pair[1], pair))


def _measure(engines: list[_OpenEngine], settings: Settings, say: Say) -> list[dict[str, Any]]:
    rows: list[tuple[_OpenEngine, dict[str, Any]]] = []
    for engine in engines:
        for number, (size, batch) in enumerate(_configurations(settings)):
            say(f"warming up {_label(engine)}, {batch} x {size}")
            row: dict[str, Any] = {**engine.key, "size": size, "batch": batch, "rounds": []}
            row |= _ask(engine, row, "prepare", size=size, batch=batch)
            if number == 0 and "error" not in row:
                engine.entry["first_picture_ms"] = engine.entry["load_ms"] + row["first_call_ms"]
            rows.append((engine, row))
    for turn in range(settings.rounds):
        say(f"round {turn + 1} of {settings.rounds}")
        # To and fro, so that nobody always works behind the same neighbour.
        for engine, row in rows if turn % 2 == 0 else rows[::-1]:
            if "error" not in row:
                share = settings.seconds / settings.rounds
                given = {"size": row["size"], "batch": row["batch"], "seconds": share, "runs": settings.runs}
                row["rounds"].append(_ask(engine, row, "measure", **given).get("calls_ms", []))
    return [_summarise(row) for _, row in rows]


def _ask(engine: _OpenEngine, row: dict[str, Any], do: str, **given: object) -> dict[str, Any]:
    """The answer; {} where it failed, and the row says so."""
    try:
        return engine.process.ask(do, **given)
    except WorkerError as error:
        row["error"] = str(error)
        return {}


def _summarise(row: dict[str, Any]) -> dict[str, Any]:
    """Calls to percentiles, and the median of each round, which shows whether the machine held its pace."""
    rounds: list[list[float]] = row.pop("rounds")
    calls = [call for turn in rounds for call in turn]
    if "error" in row or not calls:
        return row
    p50, p90, p99 = (float(p) for p in np.percentile(calls, (50, 90, 99)))
    rate = row["batch"] / p50 * 1e3
    return row | {
        "p50_ms": p50,
        "p90_ms": p90,
        "p99_ms": p99,
        "calls": len(calls),
        "round_p50_ms": [median(turn) for turn in rounds],
        "pictures_per_second": rate,
        "megapixels_per_second": rate * row["size"] ** 2 / 1e6,
    }


def _compare(engines: list[_OpenEngine], settings: Settings, folder: Path, say: Say) -> dict[str, Any] | None:
    """Put "accuracy" into the engines' entries, or why there is none; says over what, None where it is not wanted."""
    if not settings.photos:
        return None
    accuracy.write_tasks(accuracy.parity_tasks(settings.photos), folder / "parity.npz")
    references: dict[str | None, list[accuracy.Made]] = {}
    for engine in engines:
        weights = engine.bundle.manifest.files.get(WEIGHTS)
        say(f"accuracy of {_label(engine)}")
        try:
            if weights not in references:
                references[weights] = _reference(engines, engine.bundle, folder)
            engine.entry["accuracy"] = accuracy.compare(_color(engine.process, folder, "parity"), references[weights])
        except GcolorError as error:
            engine.entry |= {"accuracy": None, "accuracy_missing": str(error)}
    return {
        "photos": len(settings.photos),
        "source": settings.photos_source,
        "hints": list(accuracy.COUNTS),
        "reference": "PyTorch fp32 on the CPU",
    }


def _score(engines: list[_OpenEngine], photos: dict[str, Bytes], folder: Path, say: Say) -> None:
    """Put "truth", the scores against the true colours, into the engines' entries, or why there are none."""
    tasks = accuracy.truth_tasks(photos)
    accuracy.write_tasks(tasks, folder / "truth.npz")
    for engine in engines:
        say(f"scores of {_label(engine)}")
        try:
            engine.entry["truth"] = accuracy.score_truth(_color(engine.process, folder, "truth"), tasks, photos)
        except WorkerError as error:
            engine.entry |= {"truth": None, "truth_missing": str(error)}


def _reference(engines: list[_OpenEngine], bundle: Bundle, folder: Path) -> list[accuracy.Made]:
    """What PyTorch on the CPU makes of the photos: by the engine that is measured, else by one opened for this."""
    weights = bundle.manifest.files.get(WEIGHTS)
    for engine in engines:
        mine = engine.bundle.manifest.files.get(WEIGHTS)
        if (engine.key["backend"], engine.key["device"]) == ("torch", "cpu") and mine == weights:
            return _color(engine.process, folder, "parity")
    with WorkerProcess() as process:
        process.ask("open", bundle=str(bundle.path), backend="torch", device="cpu", threads=cores())
        return _color(process, folder, "parity")


def _color(process: WorkerProcess, folder: Path, what: str) -> list[accuracy.Made]:
    process.ask("color", source=str(folder / f"{what}.npz"), target=str(folder / "made.npz"))
    return accuracy.read_made(folder / "made.npz")


def _measure_stages(engines: list[_OpenEngine], settings: Settings, folder: Path, say: Say) -> list[dict[str, Any]]:
    """One row for each engine and size: milliseconds of STAGES and of the whole, medians over the runs."""
    files = {}
    for size in sorted(settings.sizes):
        files[size] = folder / f"{size}.jpg"
        write_picture(files[size], Picture(scene(size, size), None, None))
    failed: dict[int, str] = {}
    for turn in range(settings.stage_runs):
        say(f"stages, run {turn + 1} of {settings.stage_runs}")
        for number, engine in enumerate(engines):
            out = folder / f"stages{number}"
            out.mkdir(exist_ok=True)
            for path in files.values() if number not in failed else ():
                try:
                    # The first of two warms up: the threads of the engine before may still be spinning.
                    engine.process.ask("stages", source=str(path), folder=str(out), runs=2)
                except WorkerError as error:
                    failed[number] = str(error)
                    break
    rows: list[dict[str, Any]] = []
    for number, engine in enumerate(engines):
        rows += _stage_rows(engine, files, failed.get(number))
    return rows


def _stage_rows(engine: _OpenEngine, files: dict[int, Path], failed: str | None) -> Iterator[dict[str, Any]]:
    answer: dict[str, Any] = {}
    if failed is None:
        try:
            answer = engine.process.ask("stage_times")
        except WorkerError as error:
            failed = str(error)
    for size, path in files.items():
        row: dict[str, Any] = {**engine.key, "size": size}
        if failed:
            yield row | {"error": failed}
            continue
        runs = answer["times"][path.name][1::2]
        for name in (*STAGES, "whole"):
            values = [run[name] for run in runs]
            row[f"{name}_ms"] = None if None in values else median(values) * 1e3
        yield row | ({"not_told": answer["reason"]} if answer["reason"] else {})


def _label(engine: _OpenEngine) -> str:
    return f"{engine.key['backend']} on {engine.key['device']} ({engine.key['bundle']})"
