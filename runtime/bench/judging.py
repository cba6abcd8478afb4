"""How near the engines' pictures come to PyTorch's, and to the truth: into their entries of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...color.errors import GcolorError
from ...color.lab import Bytes
from ..bundle import Bundle
from ..machine import cores
from ..manifest import WEIGHTS
from . import accuracy
from .opening import OpenEngine
from .process import WorkerError, WorkerProcess
from .settings import Say, Settings


def compare_engines(engines: list[OpenEngine], settings: Settings, folder: Path, say: Say) -> dict[str, Any] | None:
    """Put "accuracy" into the engines' entries, or why there is none; says over what, None where it is not wanted."""
    if not settings.photos:
        return None
    accuracy.write_tasks(accuracy.parity_tasks(settings.photos), folder / "parity.npz")
    references: dict[str | None, list[accuracy.Made]] = {}
    for engine in engines:
        weights = engine.bundle.manifest.files.get(WEIGHTS)
        say(f"accuracy of {engine.label}")
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


def score_engines(engines: list[OpenEngine], photos: dict[str, Bytes], folder: Path, say: Say) -> None:
    """Put "truth", the scores against the true colors, into the engines' entries, or why there are none."""
    tasks = accuracy.truth_tasks(photos)
    accuracy.write_tasks(tasks, folder / "truth.npz")
    for engine in engines:
        say(f"scores of {engine.label}")
        try:
            engine.entry["truth"] = accuracy.score_truth(_color(engine.process, folder, "truth"), tasks, photos)
        except WorkerError as error:
            engine.entry |= {"truth": None, "truth_missing": str(error)}


def _reference(engines: list[OpenEngine], bundle: Bundle, folder: Path) -> list[accuracy.Made]:
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
