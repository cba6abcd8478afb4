"""Engines to be measured: each in a process of its own, and the reasons of those that cannot be opened."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ...color.errors import EngineError
from ..bundle import Bundle
from ..device import parse_device
from ..manifest import WEIGHTS
from .process import WorkerError, WorkerProcess
from .settings import Say, Settings

DEVICES = {"torch": ("cpu", "cuda"), "onnx": ("cpu", "cuda"), "trt": ("cuda",), "trt-rtx": ("cuda",)}
"""Where each backend can run at all; the first is tried first."""


@dataclass(slots=True)
class OpenEngine:
    """An engine that is open: its process, how the report calls it, and what it holds of the report."""

    process: WorkerProcess
    bundle: Bundle
    key: dict[str, str]
    entry: dict[str, Any]

    @property
    def label(self) -> str:
        return f"{self.key['backend']} on {self.key['device']} ({self.key['bundle']})"


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


def open_engines(
    stack: ExitStack, bundles: dict[str, Bundle], settings: Settings, say: Say
) -> tuple[list[OpenEngine], list[dict[str, str]]]:
    engines: list[OpenEngine] = []
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


def _is_same_network(engine: OpenEngine, bundle: Bundle, device: str) -> bool:
    """PyTorch always runs the fp32 weights, which bundles of several precisions have in common."""
    mine, other = (b.manifest.files.get(WEIGHTS) for b in (bundle, engine.bundle))
    kinds = {parse_device(name).kind for name in (device, engine.key["device"])}
    return engine.key["backend"] == "torch" and len(kinds) == 1 and mine is not None and mine == other


def _check_asked(engines: list[OpenEngine], missing: list[dict[str, str]], settings: Settings) -> None:
    opened = {engine.key["backend"] for engine in engines}
    for backend in settings.backends or ("",):
        if backend not in opened if backend else not engines:
            why = "; ".join(
                f"{m['backend']} on {m['device']}: {m['reason']}" for m in missing if backend in ("", m["backend"])
            )
            raise EngineError(f"{f'backend {backend} cannot' if backend else 'no engine can'} be measured here ({why})")


def _open(stack: ExitStack, name: str, bundle: Bundle, backend: str, device: str, threads: int) -> OpenEngine:
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
    return OpenEngine(process, bundle, key, key | entry)
