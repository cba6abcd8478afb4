"""The engines of a bundle: those that are missing or no longer fit are built."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ...color.errors import BundleError, UsageError
from ...runtime.bundle import Bundle
from ...runtime.engines.trt_key import FOLDER, EngineKey, read_engine, write_engine
from ...runtime.engines.trt_library import architecture, import_tensorrt
from ...runtime.manifest import MODEL, PAINT, sha256
from .build import BuildOptions, Step, build_engine
from .form import with_trt_form
from .lint import lint
from .profiles import make_profiles

TIMING_CACHE = "timing.cache"


def build_engines(
    bundle: Bundle,
    options: BuildOptions,
    shapes: tuple[str, ...] = (),
    step: Step | None = None,
    report: Callable[[str], object] = print,
) -> list[str]:
    """Build the engines of a bundle that are missing or stale; returns the graphs that were built.

    shapes: see `make_profiles`. report gets a line for what is built, and why. The timing cache lies beside the engines
    unless the options name one. Raises what `build_engine` and `import_tensorrt` raise, BundleError where the graph
    has what TensorRT refuses, UsageError where the bundle cannot be written.
    """
    profiles = make_profiles(bundle, shapes)
    try:
        (bundle.path / FOLDER).mkdir(exist_ok=True)
        # First, since the ONNX Runtime plugin can use it where TensorRT is not installed.
        bundle = with_trt_form(bundle, report)
    except OSError as error:
        raise UsageError(f"{bundle.path / FOLDER}: {error.strerror}; -o builds in a copy of the bundle") from error
    trt = import_tensorrt()
    options = replace(options, timing_cache=options.timing_cache or bundle.path / FOLDER / TIMING_CACHE)
    built = []
    for graph in (MODEL, PAINT):
        onnx = bundle.read(bundle.manifest.source(graph))
        key = EngineKey(
            onnx=sha256(onnx),
            library=trt.__name__,
            version=trt.__version__,
            gpu=architecture(trt.__name__),
            precision=bundle.manifest.precision,
            profiles=profiles[graph],
            version_compatible=options.version_compatible,
            hardware_compatible=options.hardware_compatible,
        )
        why = stale(bundle, graph, key)
        if why is None:
            report(f"{graph}: its engine fits, nothing to build")
            continue
        report(f"{graph}: {why}; building for {trt.__name__} {trt.__version__}, GPU {key.gpu}")
        refused = lint(onnx)
        if refused:
            raise BundleError(
                f"{bundle.path / bundle.manifest.source(graph)}: TensorRT cannot take it: {'; '.join(refused[:3])}"
            )
        started = time.perf_counter()
        plan = build_engine(trt, onnx, profiles[graph], options, step, report)
        seconds = time.perf_counter() - started
        write_engine(bundle, graph, key, plan, seconds)
        report(f"{graph}: engine of {len(plan) / 1e6:.1f} MB in {seconds:.1f} s")
        built.append(graph)
    return built


def stale(bundle: Bundle, graph: str, wanted: EngineKey) -> str | None:
    """Why a graph's engine must be built, in words; None where the one that is there serves."""
    try:
        found = read_engine(bundle, graph)
    except BundleError as error:
        return str(error)
    if found is None:
        return "has no engine"
    misfit = found[0].misfit(wanted)
    return misfit and f"its engine is stale in {misfit}"
