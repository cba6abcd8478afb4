"""What is installed and what really runs, found by trying it."""

from __future__ import annotations

import importlib.metadata
from typing import Any

from ..color.errors import GcolorError, one_line
from ..version import __version__
from .machine import describe

# What brings each engine, and what else has a version worth knowing: distribution, and what to install for it.
ENGINES = {
    ("onnx", "cpu"): "pip install 'gcolor[cpu]'",
    ("onnx", "cuda"): "pip install 'gcolor[gpu]' in place of 'gcolor[cpu]', on a machine with an NVIDIA driver",
    ("torch", "cpu"): "pip install 'gcolor[train]'",
    ("torch", "cuda"): "pip install 'gcolor[train]' with a CUDA build of PyTorch, on a machine with an NVIDIA driver",
    ("trt", "cuda"): "pip install 'gcolor[trt]', then `gcolor export BUNDLE --trt` on the machine with the GPU",
    ("trt-rtx", "cuda"): "pip install 'gcolor[cpu,trt-rtx]', on a machine with a GeForce or RTX GPU and its driver",
}
OPTIONAL = {
    "onnx": "pip install 'gcolor[train]' for export",
    "nvidia-dali-cuda130": "pip install 'gcolor[train]' for the fast loader (Linux)",
    "ray": "pip install 'gcolor[ray]' for clusters, and for folders at s3:// and the like",
}
TWICE = "pip uninstall -y onnxruntime onnxruntime-gpu, then install one: 'gcolor[cpu]' or 'gcolor[gpu]'"


def examine() -> dict[str, Any]:
    """A report: parts (name, state, what to do) and whether gcolor can colour here."""
    machine = describe()
    parts = [{"part": name.replace("_", " "), "state": state, "do": ""} for name, state in machine.items()]
    if "gpu" not in machine:
        do = "an NVIDIA driver brings nvidia-smi, which lists them"
        parts.append({"part": "gpu", "state": "none found", "do": do})
    for pair in (("onnxruntime", "onnxruntime-gpu"), ("opencv-python", "opencv-python-headless")):
        if all(map(_version, pair)):
            do = TWICE if pair[0] == "onnxruntime" else f"pip uninstall -y {' '.join(pair)}, then install one"
            parts.append({"part": " and ".join(pair), "state": "both installed, one spoils the other", "do": do})
    for name, do in OPTIONAL.items():
        version = _version(name)
        parts.append({"part": name, "state": version or "not installed", "do": "" if version else do})
    usable = False
    for (backend, device), do in ENGINES.items():
        state = _try(backend, device)
        usable = usable or state == "runs"
        parts.append({"part": f"engine {backend} on {device}", "state": state, "do": "" if state == "runs" else do})
    state = _try("onnx", "cpu", "native")
    do = "" if state == "runs" else "the bundle's graph paints instead, slower; in a checkout `make kernel` builds it"
    parts.append({"part": "painter native", "state": state, "do": do})
    return {"gcolor": __version__, "usable": usable, "parts": parts}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _try(backend: str, device: str, painter: str = "auto") -> str:
    """Colour a picture by the model that ships. TensorRT engines belong to a GPU, so there it has none to run."""
    import numpy as np

    from .colorizer import Colorizer

    try:
        colorizer = Colorizer(device=device, backend=backend, painter=painter)
        colorizer.set_image(np.zeros((64, 64, 3), np.uint8))
        colorizer.color()
    except GcolorError as error:
        return f"does not run: {one_line(error)}"
    return "runs"
