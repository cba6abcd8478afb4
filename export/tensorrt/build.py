"""An ONNX graph to a TensorRT engine, by TensorRT 10.13 or later, 11, or TensorRT-RTX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...color.errors import BundleError, EngineError, one_line
from ...runtime.engines.trt_key import Profile
from ...runtime.engines.trt_library import make_log
from ...runtime.files import replace_file

HARDWARE = {"same_compute_capability": "SAME_COMPUTE_CAPABILITY", "ampere_plus": "AMPERE_PLUS"}
# Phase of the build, steps done, steps in all; a phase ends when they are equal.
Step = Callable[[str, int, int], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """How to build.

    workspace: MiB that TensorRT may use beside the weights, None for all of the device. level: 0 (quick to build) to
    5 (quick to run), None for TensorRT's own. timing_cache: file that makes the next build quicker.
    version_compatible, hardware_compatible: see `EngineKey`.
    """

    workspace: int | None = None
    level: int | None = None
    timing_cache: Path | None = None
    version_compatible: bool = False
    hardware_compatible: str = "none"


def build_engine(
    trt: Any,
    onnx: bytes,
    profiles: list[Profile],
    options: BuildOptions,
    step: Step | None = None,
    report: Callable[[str], object] | None = None,
) -> bytes:
    """Parse a graph and build its engine. report is told, in a sentence, what of the options TensorRT does not do.

    Raises BundleError where the parser refuses the graph, EngineError where TensorRT cannot build it or does not
    know an option.
    """
    log = make_log(trt)
    try:
        builder = trt.Builder(log)
    except (TypeError, RuntimeError) as error:
        raise EngineError(f"TensorRT {trt.__version__} does not start: {log.reason()}") from error
    # Always strongly typed: the graph says what is computed in which precision. TensorRT 11 knows nothing else.
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    _parse(trt, network, onnx, log)
    config = _configure(trt, builder, options)
    _add_profiles(builder, network, config, profiles, log)
    cache = options.timing_cache and _load_timing_cache(config, options.timing_cache, report)
    monitor = _make_monitor(trt, step)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if monitor.stopped_by is not None:
        raise monitor.stopped_by
    if plan is None:
        raise EngineError(f"TensorRT {trt.__version__} cannot build the engine: {log.reason()}")
    if cache and options.timing_cache:
        data = bytes(memoryview(config.get_timing_cache().serialize()))
        replace_file(options.timing_cache, lambda temporary: temporary.write_bytes(data))
    return bytes(memoryview(plan))


def _parse(trt: Any, network: Any, onnx: bytes, log: Any) -> None:
    parser = trt.OnnxParser(network, log)
    if parser.parse(onnx):
        return
    errors = [parser.get_error(i) for i in range(parser.num_errors)]
    said = [f"{error.node_name()} ({error.node_operator()}): {error.desc()}" for error in errors]
    raise BundleError(f"TensorRT's parser refuses the graph: {' '.join('; '.join(said).split()) or log.reason()}")


def _configure(trt: Any, builder: Any, options: BuildOptions) -> Any:
    config = builder.create_builder_config()
    # On by default, and ten bits of mantissa are too few for the LAB arithmetic.
    config.clear_flag(trt.BuilderFlag.TF32)
    if options.workspace is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace << 20)
    if options.level is not None:
        config.builder_optimization_level = options.level
    if options.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if options.hardware_compatible != "none":
        level = getattr(trt.HardwareCompatibilityLevel, HARDWARE[options.hardware_compatible])
        config.hardware_compatibility_level = level
        if config.hardware_compatibility_level != level:
            raise EngineError(
                f"{trt.__name__} {trt.__version__} builds no engines with the hardware compatibility "
                f"{options.hardware_compatible}; leave --trt-hardware-compatible out"
            )
    return config


def _add_profiles(builder: Any, network: Any, config: Any, profiles: list[Profile], log: Any) -> None:
    for shapes in profiles:
        profile = builder.create_optimization_profile()
        try:
            for name, (least, best, greatest) in shapes.items():
                profile.set_shape(name, tuple(least), tuple(best), tuple(greatest))
        except (TypeError, ValueError) as error:
            raise EngineError(f"TensorRT refuses the profile {shapes}: {one_line(error)}") from error
        if config.add_optimization_profile(profile) < 0:
            raise EngineError(f"TensorRT refuses the profile {shapes}: {log.reason()}")


def _load_timing_cache(config: Any, path: Path, report: Callable[[str], object] | None) -> bool:
    """Whether TensorRT works with a timing cache; one that it refuses (of another GPU or version) is begun anew."""
    blobs = [path.read_bytes()] if path.exists() else []
    for blob in (*blobs, b""):
        cache = config.create_timing_cache(blob)
        if cache is not None and config.set_timing_cache(cache, False):
            return True
    if report:
        report(f"{path}: this TensorRT takes no timing cache; building without it")
    return False


def _make_monitor(trt: Any, step: Step | None) -> Any:
    class Monitor(trt.IProgressMonitor):
        """Tells `step` how far the build is. An exception must not cross TensorRT: it stops the build first."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}
            self.stopped_by: BaseException | None = None

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self.steps[phase_name] = num_steps
            self._tell(phase_name, 0)

        def step_complete(self, phase_name: str, step: int) -> bool:
            self._tell(phase_name, step + 1)
            return self.stopped_by is None

        def phase_finish(self, phase_name: str) -> None:
            self._tell(phase_name, self.steps[phase_name])

        def _tell(self, phase: str, done: int) -> None:
            try:
                if step and self.stopped_by is None:
                    step(phase, done, self.steps[phase])
            except BaseException as error:  # Ctrl-C among them
                self.stopped_by = error

    return Monitor()
