"""Checkpoint to bundle: export, measure, and only then let it appear under its name."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch

from ..color import bins
from ..color.errors import UsageError
from ..models import Network
from ..models.fused import FusedColorizer
from ..models.weights import load_model, pack
from ..runtime.bundle import FORMAT, MODEL, MODEL_TRT, PAINT, PAINT_TRT, WEIGHTS, Bundle, load_bundle, sha256
from ..runtime.device import Device
from ..runtime.engines.onnx_engine import OnnxEngine
from ..runtime.engines.torch_engine import TorchEngine
from ..version import __version__
from .onnx_file import OPSET, describe, export_fused, export_paint
from .parity import Parity, choose_photos, hinted, measure_parity
from .precision import heavy_nodes, to_fp16
from .quantize import measure_ranges, quantized_nodes, to_int8

CALIBRATION_PHOTOS = 8


def export_bundle(
    run: Path,
    output: Path,
    photos: list[Path] | None = None,
    tolerance: float = 1.0,
    precision: str = "fp32",
    calibration: list[Path] | None = None,
    *,
    trt: bool = False,
    temperature: float | None = None,
) -> Parity:
    """Write the bundle of a training run and return the parity that was measured.

    photos: folders for the parity gate, by default the few of its own that the run has kept. precision: one of
    runtime.PRECISIONS; calibration: folders of photos for int8, by default those of the parity gate. trt: also the form
    that TensorRT takes (int8 always has it), which passes the same gate. temperature: see ModelConfig, by default the
    run's. Raises UsageError (no run, an output that is
    not a bundle), BundleError (parity; nothing is written then), NothingToDoError (no photo).
    """
    network, info = load_model(run)
    if temperature is not None:
        if network.config.variant != "hintunet":
            raise UsageError(f"{run}: its network ({network.config.variant}) has no temperature; leave it out")
        network.config = replace(network.config, temperature=temperature)
    if output.exists() and not (output / "manifest.json").exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output}: exists and is not a bundle; choose another folder")
    folders = photos or [run / "photos"]
    weights = pack(network)
    model = FusedColorizer(network).eval()
    output.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        manifest = _manifest(info, network) | {"precision": precision}
        forms = [False, True] if trt or precision == "int8" else [False]
        for dense in forms:
            export_fused(model, work / (MODEL_TRT if dense else MODEL), dense=dense)
            export_paint(model.paint, network.output_stride, work / (PAINT_TRT if dense else PAINT), dense=dense)
        match precision:
            case "fp16":
                manifest |= _convert_to_fp16(model.network, sorted(work.glob("model.*")))
            case "int8":
                manifest |= _convert_to_int8(model.network, work, calibration or folders)
        for path in work.glob("*.onnx"):
            describe(path, manifest)
        (work / WEIGHTS).write_bytes(weights)
        files = {path.name: path.read_bytes() for path in sorted(work.iterdir())}
        manifest["files"] = {name: sha256(data) for name, data in files.items()}
        bundle = Bundle(work, manifest, {name: files[name] for name in (MODEL, PAINT)})
        parity = _measure(bundle, folders)
        parity.check(precision, tolerance)
        manifest["parity"] = asdict(parity)
        if MODEL_TRT in files:
            other = _measure(replace(bundle, graphs={MODEL: files[MODEL_TRT], PAINT: files[PAINT_TRT]}), folders)
            other.check(precision, tolerance)
            manifest["parity_trt"] = asdict(other)
        (work / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
        load_bundle(work)
        work.chmod(0o755)
        if output.exists():
            shutil.rmtree(output)
        work.rename(output)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return parity


def _convert_to_fp16(network: Network, paths: list[Path]) -> dict[str, Any]:
    """Convert the exported models in place; returns the manifest's part."""
    for path in paths:
        graph = onnx.load(str(path))
        changed = heavy_nodes(graph, network)
        onnx.save(to_fp16(graph, network), str(path))
    return {"converted": dict(Counter(node.op_type for node in changed))}


def _convert_to_int8(network: Network, work: Path, folders: list[Path]) -> dict[str, Any]:
    """Convert both forms in place, each as its engines want it; returns the manifest's part."""
    photos = choose_photos(folders, CALIBRATION_PHOTOS)
    for name, symmetric in ((MODEL_TRT, True), (MODEL, False)):
        graph = onnx.load(str(work / name))
        changed = quantized_nodes(graph, network)
        ranges = measure_ranges(graph, hinted(photos))
        onnx.save(to_int8(graph, changed, ranges, symmetric), str(work / name))
    listed = sha256("\n".join(sha256(photo.read_bytes()) for photo in photos).encode())
    return {
        "converted": dict(Counter(node.op_type for node in changed)),
        "calibration": {"method": "MinMax", "photos": len(photos), "sha256_of_sha256s": listed},
    }


def _measure(bundle: Bundle, folders: list[Path]) -> Parity:
    return measure_parity(TorchEngine(bundle, Device("cpu")), OnnxEngine(bundle, Device("cpu")), folders)


def _manifest(info: dict[str, Any], network: Network) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "gcolor": __version__,
        "model": network.config.to_dict(),
        "bins": {"count": bins.COUNT, "width": bins.WIDTH, "lowest": bins.LOWEST},
        "decode": "expectation",
        "grid": {"multiple": 16, "short_side": 256, "output_stride": network.output_stride},
        "opset": OPSET,
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        "training": {"steps": info["step"], "seconds": info["seconds"], "scores": info["scores"]},
    }
