"""What is installed and what really runs, found by trying it."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

from .. import __version__
from ..color.errors import GcolorError
from .engine import cores

EXTRAS = {
    "torch": "pip install 'gcolor[train]' for training and export",
    "onnx": "pip install 'gcolor[train]' for export",
}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def examine() -> dict[str, Any]:
    """A report: parts (name, state, what to do) and whether gcolor can colour here."""
    parts: list[dict[str, str]] = []

    def add(part: str, state: str, do: str = "") -> None:
        parts.append({"part": part, "state": state, "do": do})

    add("processor", f"{platform.machine()}, {cores()} cores")
    for name in ("numpy", "pillow", "click", "rich"):
        add(name, _version(name) or "missing")
    opencv = [n for n in ("opencv-python", "opencv-python-headless") if _version(n)]
    add("opencv", ", ".join(f"{n} {_version(n)}" for n in opencv) or "missing")
    installed = [n for n in ("onnxruntime", "onnxruntime-gpu") if _version(n)]
    if len(installed) == 2:
        add(
            "onnxruntime",
            "installed twice, one spoils the other",
            "pip uninstall -y onnxruntime onnxruntime-gpu, then install one",
        )
    elif installed:
        add(installed[0], str(_version(installed[0])))
    else:
        add("onnxruntime", "missing", "pip install 'gcolor[cpu]', or 'gcolor[gpu]' with CUDA")
    usable = False
    for device in ("cpu", "cuda"):
        state, do = _try(device)
        usable = usable or state == "runs"
        add(f"engine {device}", state, do)
    for name, do in EXTRAS.items():
        version = _version(name)
        add(name, version or "not installed", "" if version else do)
    return {"gcolor": __version__, "python": platform.python_version(), "usable": usable, "parts": parts}


def _try(device: str) -> tuple[str, str]:
    import numpy as np

    from .colorizer import Colorizer

    try:
        colorizer = Colorizer(device=device)
        colorizer.set_image(np.zeros((64, 64, 3), np.uint8))
        colorizer.color()
    except GcolorError as error:
        do = (
            "pip install 'gcolor[gpu]' in place of 'gcolor[cpu]', on a machine with an NVIDIA driver"
            if device == "cuda"
            else ""
        )
        return f"does not run: {error}", do
    return "runs", ""
