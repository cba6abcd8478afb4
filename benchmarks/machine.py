"""The machine and the versions that stand with every figure."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = ("gcolor", "numpy", "opencv-python-headless", "pillow", "onnxruntime", "onnxruntime-gpu", "torch")


def describe() -> dict[str, str]:
    """Processor, cores, memory and the versions of what runs."""
    out = {"processor": _processor(), "cores": str(os.cpu_count()), "python": platform.python_version()}
    if hasattr(os, "sysconf"):
        out["memory_gb"] = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.1f}"
    for name in PACKAGES:
        try:
            out[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return out


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
