"""Checkpoint to bundle: export, measure, and only then let it appear under its name."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from safetensors.torch import save

from .. import __version__
from ..color import bins
from ..color.errors import UsageError
from ..models.fused import FusedColorizer
from ..models.weights import load_model
from ..runtime.bundle import FORMAT, MODEL, PAINT, WEIGHTS, Bundle, load_bundle, sha256
from .onnx_file import OPSET, export_fused, export_paint
from .parity import Parity, measure_parity


def export_bundle(run: Path, output: Path, photos: list[Path] | None = None, tolerance: float = 1.0) -> Parity:
    """Write the bundle of a training run and return the parity that was measured.

    photos: folders for the parity gate, by default the few of its own that the run has kept. Raises UsageError (no
    run, an output that is not a bundle), BundleError (parity; nothing is written then), NothingToDoError (no photo).
    """
    network, info = load_model(run)
    if output.exists() and not (output / "manifest.json").exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output}: exists and is not a bundle; choose another folder")
    folders = photos or [run / "photos"]
    model = FusedColorizer(network).eval()
    output.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        export_fused(model, work / MODEL)
        export_paint(model.paint, network.output_stride, work / PAINT)
        (work / WEIGHTS).write_bytes(save(network.state_dict()))
        files = {name: (work / name).read_bytes() for name in (MODEL, PAINT, WEIGHTS)}
        manifest = _manifest(info, network.output_stride) | {"files": {k: sha256(v) for k, v in files.items()}}
        parity = measure_parity(model, Bundle(work, manifest, files[MODEL], files[PAINT]), folders)
        parity.check(tolerance)
        manifest["parity"] = asdict(parity)
        (work / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
        load_bundle(work)
        work.chmod(0o755)
        if output.exists():
            shutil.rmtree(output)
        work.rename(output)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return parity


def _manifest(info: dict[str, Any], stride: int) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "gcolor": __version__,
        "model": info["config"]["model"],
        "bins": {"count": bins.COUNT, "width": bins.WIDTH, "lowest": bins.LOWEST},
        "decode": "expectation",
        "grid": {"multiple": 16, "short_side": 256, "output_stride": stride},
        "precision": "fp32",
        "opset": OPSET,
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        "training": {"steps": info["step"], "seconds": info["seconds"], "scores": info["scores"]},
    }
