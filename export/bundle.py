"""Checkpoint to bundle: export, measure, and only then let it appear under its name."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import onnx
import onnxruntime
import torch

from ..color import bins
from ..color.errors import UsageError
from ..models import ModelConfig, Network
from ..models.fused import FusedColorizer
from ..models.prediction import Form
from ..models.run_folder import load_model
from ..models.weights import pack
from ..runtime import Precision
from ..runtime.bundle import Bundle, load_bundle
from ..runtime.device import Device
from ..runtime.engines.onnx_engine import OnnxEngine
from ..runtime.engines.torch_engine import TorchEngine
from ..runtime.manifest import MODEL, MODEL_TRT, PAINT, PAINT_TRT, WEIGHTS, Manifest, is_bundle, sha256
from ..version import __version__
from .compact import halve_weights
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
    precision: Precision = "fp32",
    calibration: list[Path] | None = None,
    *,
    trt: bool = False,
    decoding: Mapping[str, float] = MappingProxyType({}),
    progress: Callable[[str], None] = lambda _: None,
) -> Parity:
    """Write the bundle of a training run, or of another bundle's weights, and return the parity that was measured.

    photos: folders for the parity gate, by default the few of its own that a run has kept. calibration: folders of
    photos for int8, by default those of the parity gate. trt: also the form that TensorRT takes (int8 always has it),
    which passes the same gate. decoding: "temperature", "chroma" and "reserve" (see ModelConfig) in place of the run's.
    progress: takes what is done now, in words. Raises UsageError (no run, a bundle without photos, an output that is
    not another bundle), BundleError (a broken one; parity: nothing is written then), NothingToDoError (no photo).
    """
    progress("loading the network")
    network, training = _load(run, output, photos)
    if output.exists() and not is_bundle(output) and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output}: exists and is not a bundle; choose another folder")
    for name in decoding if network.config.variant != "hintunet" else ():
        raise UsageError(f"{run}: its network ({network.config.variant}) has no {name}; leave it out")
    settled: dict[str, Any] = dict(decoding)
    network.config = replace(network.config, **settled)
    folders = photos or [run / "photos"]
    weights = pack(network)
    output.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        manifest = _manifest(training, network, precision)
        forms: list[Form] = ["dynamic", "static"] if trt or precision == "int8" else ["dynamic"]
        for form in forms:
            model, static = FusedColorizer(network, form).eval(), form == "static"
            progress(f"writing the graph{' for TensorRT' if static else ''}")
            export_fused(model, work / (MODEL_TRT if static else MODEL))
            export_paint(model.paint, network.output_stride, work / (PAINT_TRT if static else PAINT))
        if precision != "fp32":
            progress(f"converting to {precision}")
        match precision:
            case "fp32":
                _halve(work / MODEL)
            case "fp16":
                manifest = manifest.recording(**_convert_to_fp16(network, sorted(work.glob("model.*"))))
            case "int8":
                manifest = manifest.recording(**_convert_to_int8(network, work, calibration or folders))
        for path in work.glob("*.onnx"):
            describe(path, manifest)
        (work / WEIGHTS).write_bytes(weights)
        files = {path.name: path.read_bytes() for path in sorted(work.iterdir())}
        manifest = manifest.with_files(files)
        bundle = Bundle(work, manifest, {name: files[name] for name in (MODEL, PAINT)})
        parity = _measure(bundle, folders, progress)
        parity.check(precision, tolerance)
        manifest = manifest.recording(parity=asdict(parity))
        if MODEL_TRT in files:
            for_trt = replace(bundle, graphs={MODEL: files[MODEL_TRT], PAINT: files[PAINT_TRT]})
            other = _measure(for_trt, folders, progress)
            other.check(precision, tolerance)
            manifest = manifest.recording(parity_trt=asdict(other))
        manifest.write(work)
        load_bundle(work)
        work.chmod(0o755)
        if output.exists():
            shutil.rmtree(output)
        work.rename(output)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return parity


def _load(source: Path, output: Path, photos: list[Path] | None) -> tuple[Network, dict[str, Any]]:
    """The network of a run or of a bundle, and what a manifest tells of its training."""
    if not is_bundle(source):
        network, info = load_model(source)
        return network, {"steps": info["step"], "seconds": info["seconds"], "scores": info["scores"]}
    if output.resolve() == source.resolve():
        raise UsageError(f"{output}: is the bundle that is to be exported anew; choose another folder")
    if not photos:
        raise UsageError(f"{source}: keeps no photos to measure parity on, as a run does; name a folder with --photos")
    bundle = load_bundle(source)
    return bundle.network(), bundle.manifest.record.get("training", {})


def _halve(path: Path) -> None:
    graph = onnx.load(str(path))
    halve_weights(graph)
    onnx.save(graph, str(path))


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


def _measure(bundle: Bundle, folders: list[Path], progress: Callable[[str], None]) -> Parity:
    def measured(done: int, total: int) -> None:
        progress(f"measuring the parity with PyTorch: photo {done} of {total}")

    cpu = Device("cpu")
    return measure_parity(TorchEngine(bundle, cpu), OnnxEngine(bundle, cpu), folders, progress=measured)


def _decoding(config: ModelConfig) -> str:
    if config.variant != "hintunet":
        return "expectation"
    factor = "" if config.chroma == 1.0 else f" times {config.chroma:g}"
    return f"annealed mean {config.temperature:g}{factor}"


def _manifest(training: dict[str, Any], network: Network, precision: Precision) -> Manifest:
    config = network.config
    record = {
        "gcolor": __version__,
        "bins": {"count": bins.COUNT, "width": bins.WIDTH, "lowest": bins.LOWEST},
        # Of the classifier's part of the color; the paper's networks take the expectation as it is.
        "decode": _decoding(config),
        "opset": OPSET,
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        "training": training,
    }
    return Manifest(config.to_dict(), network.output_stride, precision=precision, record=record)
