"""Measuring: every engine in a process of its own, all of them in turns, speed and accuracy beside each other.

Report: {"gcolor", "machine", "load_before", "settings", "engines", "unavailable", "rows", "stages", "accuracy"}; rows
and stages name their engine by bundle, precision, backend and device.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ...version import __version__
from ..bundle import load_bundle
from ..machine import describe
from .judging import compare_engines, score_engines
from .opening import open_engines
from .settings import Say, Settings
from .timing import measure_calls, measure_stages


def run_bench(bundles: dict[str, Path | None], settings: Settings, say: Say) -> dict[str, Any]:
    """Measure every bundle, by the name that stands in the report, with every engine; say gets a line for each part.

    Raises BundleError for a bundle that does not load, EngineError where an engine that was asked for cannot be opened,
    or none can.
    """
    loaded = {name: load_bundle(path) for name, path in bundles.items()}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gcolor-bench-")))
        engines, unavailable = open_engines(stack, loaded, settings, say)
        rows = measure_calls(engines, settings, say)
        note = compare_engines(engines, settings, folder, say)
        if settings.truth:
            score_engines(engines, settings.truth, folder, say)
        stages = measure_stages(engines, settings, folder, say) if settings.stage_runs else []
        return {
            "gcolor": __version__,
            "machine": describe(),
            "load_before": load,
            "settings": settings.recorded(loaded),
            "engines": [engine.entry for engine in engines],
            "unavailable": unavailable,
            "rows": rows,
            "stages": stages,
            "accuracy": note,
        }
