"""The machine and the versions that stand with every figure, and the memory that a process has taken."""

from __future__ import annotations

import itertools
import os
import platform
import sys
from functools import cache
from pathlib import Path

PACKAGES = (
    "gcolor",
    "numpy",
    "opencv-python-headless",
    "opencv-python",
    "pillow",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-ep-nv-tensorrt-rtx-cu13",
    "tensorrt",
    "torch",
)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe() -> dict[str, str]:
    """Processor, cores, memory, GPUs and the versions of what runs."""
    import importlib.metadata  # costs as much as a batch that finds nothing to do may

    out = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "usable_cores": str(cores()),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    if hasattr(os, "sysconf"):
        out["memory_gb"] = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.1f}"
    gpus = _ask_gpus("name,driver_version,memory.total")
    if gpus:
        out["gpu"] = "; ".join(gpus)
    for name in PACKAGES:
        try:
            out[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return out


def peak_memory_mb() -> float | None:
    """The most memory that this process has had resident since it started, in MB; None where nobody counts it."""
    try:
        # getrusage also counts what the parent had when it forked; VmHWM is this program's own.
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def gpu_memory_mb() -> float | None:
    """Memory in use on all GPUs together, by whomever, in MB; None without an NVIDIA driver."""
    used = _ask_gpus("memory.used")
    return sum(float(text.split()[0]) for text in used) if used else None


def _ask_gpus(what: str) -> list[str]:
    import subprocess  # for reports alone

    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def processor_key() -> str:
    """What tells processors apart whose vector instructions may differ."""
    about = _about_processor()
    return " ".join((platform.machine(), _processor(), about.get("flags") or about.get("Features", "")))


def _processor() -> str:
    return _about_processor().get("model name") or platform.processor() or platform.machine()


@cache
def _about_processor() -> dict[str, str]:
    """What Linux says of the first processor, by its names; empty elsewhere."""
    try:
        with open("/proc/cpuinfo") as file:
            lines = [line.partition(":") for line in itertools.takewhile(str.strip, file)]
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in lines}
