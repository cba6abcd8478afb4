"""What a TensorRT engine was built for, and which part of that no longer holds. Needs no TensorRT.

An engine lies in BUNDLE/engines/ as GRAPH.engine, with GRAPH.json beside it: its key and its own hash.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ...color.errors import BundleError
from ..bundle import Bundle
from ..files import replace_file, save_json
from ..manifest import sha256

FORMAT = 1
FOLDER = "engines"
# Of a machine without a CUDA device; and of TensorRT-RTX, which compiles for the device when an engine is loaded.
NO_GPU, ANY_GPU = "none", "any"
# Least, best and greatest shape of each input.
Profile = dict[str, list[list[int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineKey:
    """Everything that an engine depends on.

    onnx: SHA-256 of the graph. library: "tensorrt" or "tensorrt_rtx", and its version. gpu: "sm_90" and the like,
    NO_GPU, ANY_GPU. precision: of the bundle. profiles: the shapes that it takes. version_compatible: also runs under
    later versions of the same major one. hardware_compatible: "none", "same_compute_capability" or "ampere_plus".
    """

    onnx: str
    library: str
    version: str
    gpu: str
    precision: str
    profiles: list[Profile]
    version_compatible: bool = False
    hardware_compatible: str = "none"

    def misfit(self, wanted: EngineKey) -> str | None:
        """Which part of the engine's key does not serve what is wanted, with both values; None where it fits."""
        if self.onnx != wanted.onnx:
            return f"the graph (built from {self.onnx[:12]}, the bundle has {wanted.onnx[:12]})"
        if (self.library, self.version) != (wanted.library, wanted.version) and not self._spans(wanted):
            return (
                f"the TensorRT version (built with {self.library} {self.version}, "
                f"here is {wanted.library} {wanted.version})"
            )
        if self.gpu not in (wanted.gpu, ANY_GPU) and not (
            self.hardware_compatible == "ampere_plus" and min(_capability(self.gpu), _capability(wanted.gpu)) >= 80
        ):
            return f"the GPU architecture (built for {self.gpu}, here is {wanted.gpu})"
        if self.precision != wanted.precision:
            return f"the precision (built for {self.precision}, the bundle has {wanted.precision})"
        if self.profiles != wanted.profiles:
            return "the profile (built for other shapes)"
        for name in ("version_compatible", "hardware_compatible"):
            if getattr(self, name) != getattr(wanted, name):
                return f"the option {name} (built with {getattr(self, name)}, wanted {getattr(wanted, name)})"
        return None

    def _spans(self, wanted: EngineKey) -> bool:
        built, here = _numbers(self.version), _numbers(wanted.version)
        return (
            self.version_compatible
            and self.library == wanted.library
            and built[:1] == here[:1]
            and here[1:] > built[1:]
        )

    def at(self, bundle: Bundle, graph: str, version: str, gpu: str) -> EngineKey:
        """What this engine would have to be to run the bundle here: its own shapes and options, the rest as it is."""
        return replace(
            self,
            onnx=bundle.manifest.files[bundle.manifest.source(graph)],
            version=version,
            gpu=gpu,
            precision=bundle.manifest.precision,
        )


def rebuild_hint(bundle: Bundle) -> str:
    """The command that builds a bundle's engines."""
    return f"build it with `gcolor export {bundle.path} --trt`"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _capability(gpu: str) -> int:
    """ "sm_90" to 90; 0 for what is no architecture."""
    digits = gpu.removeprefix("sm_")
    return int(digits) if digits.isdigit() else 0


def engine_path(bundle: Bundle, graph: str) -> Path:
    """Where the engine of a graph (MODEL, PAINT) lies."""
    return bundle.path / FOLDER / Path(graph).with_suffix(".engine").name


def has_engines(bundle: Bundle, graphs: tuple[str, ...]) -> bool:
    """Whether there is an engine for each of these graphs, fitting or not."""
    return all(engine_path(bundle, graph).with_suffix(".json").is_file() for graph in graphs)


def read_key(bundle: Bundle, graph: str) -> EngineKey | None:
    """The key of a graph's engine, None where it has no engine. Raises BundleError where the file is no key."""
    return _read(bundle, graph)[0]


def _read(bundle: Bundle, graph: str) -> tuple[EngineKey | None, str]:
    path = engine_path(bundle, graph).with_suffix(".json")
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']!r}, this gcolor reads {FORMAT}")
        key = EngineKey(**record["key"])
        wrong = [f.name for f in fields(key) if type(getattr(key, f.name)).__name__ != str(f.type).split("[")[0]]
        if wrong:
            raise TypeError(f"{wrong[0]} is of the wrong type")
        return key, str(record["sha256"])
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(f"{path}: not an engine's key ({error}); {rebuild_hint(bundle)}") from error


def read_engine(bundle: Bundle, graph: str) -> tuple[EngineKey, bytes] | None:
    """Key and bytes of a graph's engine, None where it has none.

    Raises BundleError where a file is damaged: the hash is checked before TensorRT, which trusts its engines, sees one.
    """
    key, digest = _read(bundle, graph)
    if key is None:
        return None
    path = engine_path(bundle, graph)
    try:
        plan = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror or error}; {rebuild_hint(bundle)}") from error
    if sha256(plan) != digest:
        raise BundleError(f"{path}: does not have the hash in its key, the file was changed; {rebuild_hint(bundle)}")
    return key, plan


def write_engine(bundle: Bundle, graph: str, key: EngineKey, plan: bytes, seconds: float) -> None:
    """Write an engine and its key; a crash in between leaves a hash that does not fit, never a wrong engine."""
    path = engine_path(bundle, graph)
    path.parent.mkdir(exist_ok=True)
    replace_file(path, lambda temporary: temporary.write_bytes(plan), durable=True)
    record = {"format": FORMAT, "sha256": sha256(plan), "seconds": round(seconds, 1), "key": asdict(key)}
    save_json(record, path.with_suffix(".json"))
