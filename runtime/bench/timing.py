"""How long calls take, all engines in turns, and where the time of a picture from file to file goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ..pictures import Picture, write_picture
from .opening import OpenEngine
from .process import WorkerError
from .scenes import scene
from .settings import Say, Settings
from .stages import STAGES


def _configurations(settings: Settings) -> list[tuple[int, int]]:
    """(size, batch) from little work to much, so that the peak of memory up to each is its own."""
    pairs = [(size, batch) for size in settings.sizes for batch in settings.batch_sizes]
    return sorted(pairs, key=lambda pair: (pair[0] ** 2 * pair[1], pair))


def measure_calls(engines: list[OpenEngine], settings: Settings, say: Say) -> list[dict[str, Any]]:
    rows: list[tuple[OpenEngine, dict[str, Any]]] = []
    for engine in engines:
        for number, (size, batch) in enumerate(_configurations(settings)):
            say(f"warming up {engine.label}, {batch} x {size}")
            row: dict[str, Any] = {**engine.key, "size": size, "batch": batch, "rounds": []}
            row |= _ask(engine, row, "prepare", size=size, batch=batch)
            if number == 0 and "error" not in row:
                engine.entry["first_picture_ms"] = engine.entry["load_ms"] + row["first_call_ms"]
            rows.append((engine, row))
    for turn in range(settings.rounds):
        say(f"round {turn + 1} of {settings.rounds}")
        # To and fro, so that nobody always works behind the same neighbor.
        for engine, row in rows if turn % 2 == 0 else rows[::-1]:
            if "error" not in row:
                share = settings.seconds / settings.rounds
                given = {"size": row["size"], "batch": row["batch"], "seconds": share, "runs": settings.runs}
                row["rounds"].append(_ask(engine, row, "measure", **given).get("calls_ms", []))
    return [_summarize(row) for _, row in rows]


def _ask(engine: OpenEngine, row: dict[str, Any], do: str, **given: object) -> dict[str, Any]:
    """The answer; {} where it failed, and the row says so."""
    try:
        return engine.process.ask(do, **given)
    except WorkerError as error:
        row["error"] = str(error)
        return {}


def _summarize(row: dict[str, Any]) -> dict[str, Any]:
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


def measure_stages(engines: list[OpenEngine], settings: Settings, folder: Path, say: Say) -> list[dict[str, Any]]:
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


def _stage_rows(engine: OpenEngine, files: dict[int, Path], failed: str | None) -> Iterator[dict[str, Any]]:
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
