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
# What the extras are for, and the distributions that tell whether one is installed.
EXTRAS = {
    "archive": ("rarer kinds of TIFF and JPEG", ("tifffile", "imagecodecs")),
    "heif": ("HEIC pictures", ("pillow-heif",)),
    "raw": ("camera raw files", ("rawpy",)),
    "studio": ("the page for hints", ("starlette", "uvicorn")),
    "train": ("training and export", ("torch", "onnx", "onnxscript", "safetensors")),
    "ray": ("clusters, and folders at s3:// and the like", ("ray", "fsspec", "pyarrow")),
}
DALI = "nvidia-dali-cuda130"
TWICE = {
    ("onnxruntime", "onnxruntime-gpu"): "pip uninstall -y onnxruntime onnxruntime-gpu, then install one: 'gcolor[cpu]' "
    "or 'gcolor[gpu]'",
    ("opencv-python", "opencv-python-headless"): "pip uninstall -y opencv-python opencv-python-headless, then pip "
    "install opencv-python-headless",
}


def examine() -> dict[str, Any]:
    """A report: parts (name, state, what to do), whether gcolor can color here (usable), and in short: the machine,
    the engines that run, what is missing, and the one thing to do about it ("" for nothing)."""
    machine = describe()
    parts = [{"part": name.replace("_", " "), "state": state, "do": ""} for name, state in machine.items()]
    if "gpu" not in machine:
        do = "an NVIDIA driver brings nvidia-smi, which lists them"
        parts.append({"part": "gpu", "state": "none found", "do": do})
    twice = [pair for pair in TWICE if all(map(_version, pair))]
    for pair in twice:
        state = "both installed, one spoils the other"
        parts.append({"part": " and ".join(pair), "state": state, "do": TWICE[pair]})
    lacking = [name for name, (_, packages) in EXTRAS.items() if not all(map(_version, packages))]
    for name, (what, packages) in EXTRAS.items():
        found = ", ".join(f"{package} {version}" for package in packages if (version := _version(package)))
        do = f"pip install 'gcolor[{name}]'" if name in lacking else ""
        parts.append({"part": f"{name}: {what}", "state": found if not do else "not installed", "do": do})
    dali = _version(DALI)
    do = "" if dali else "pip install 'gcolor[train]' for the fast loader (Linux)"
    parts.append({"part": DALI, "state": dali or "not installed", "do": do})
    states = {pair: _try(*pair) for pair in ENGINES}
    for (backend, device), state in states.items():
        do = "" if state == "runs" else ENGINES[backend, device]
        parts.append({"part": f"engine {backend} on {device}", "state": state, "do": do})
    state = _try("onnx", "cpu", "native")
    do = "" if state == "runs" else "the bundle's graph paints instead, slower; in a checkout `make kernel` builds it"
    parts.append({"part": "painter native", "state": state, "do": do})
    runs = [f"{backend} on {device}" for (backend, device), state in states.items() if state == "runs"]
    missing, do = _in_short(runs, "gpu" in machine, [TWICE[pair] for pair in twice], lacking)
    if state != "runs" and "onnx on cpu" in runs:
        missing.insert(0, "the native painter, so the bundle's graph paints instead, slower (-v says why)")
    return {
        "gcolor": __version__,
        "usable": bool(runs),
        "machine": _machine(machine),
        "runs": runs,
        "missing": missing,
        "do": do,
        "parts": parts,
    }


def _in_short(runs: list[str], has_gpu: bool, spoiled: list[str], lacking: list[str]) -> tuple[list[str], str]:
    """What is missing, and the one thing to do: what keeps gcolor from running first, then what makes it more."""
    missing = [f"{EXTRAS[name][0]} ({name})" for name in lacking]
    if has_gpu and not any(run.endswith("cuda") for run in runs):
        missing.insert(0, "an engine on the GPU")
    if not runs:
        missing.insert(0, "an engine: nothing can be colored")
    if spoiled:
        return missing, spoiled[0]
    extras = ",".join(lacking)
    if not runs:
        return missing, f"pip install 'gcolor[{'gpu' if has_gpu else 'cpu'}]'"
    if "an engine on the GPU" in missing:
        return missing, ENGINES["onnx", "cuda"]
    return missing, f"pip install 'gcolor[{extras}]'" if extras else ""


def _machine(machine: dict[str, str]) -> str:
    gpu = machine.get("gpu", "no GPU found")
    memory = f", {machine['memory_gb']} GB" if "memory_gb" in machine else ""
    return f"{machine['processor']}, {machine['usable_cores']} cores{memory}; {gpu}; Python {machine['python']}"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _try(backend: str, device: str, painter: str = "auto") -> str:
    """Color a picture by the model that ships. TensorRT engines belong to a GPU, so there it has none to run."""
    import numpy as np

    from .colorizer import Colorizer

    try:
        colorizer = Colorizer(device=device, backend=backend, painter=painter)
        colorizer.set_image(np.zeros((64, 64, 3), np.uint8))
        colorizer.color()
    except GcolorError as error:
        return f"does not run: {one_line(error)}"
    return "runs"
