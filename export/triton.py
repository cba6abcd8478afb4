"""A model repository for NVIDIA's Triton Inference Server: the two graphs of a bundle, each with its configuration.

REPOSITORY/gcolor/config.pbtxt              rgb, hints, vividness -> colored, ab, joint
REPOSITORY/gcolor/1/model.onnx              or model.plan
REPOSITORY/gcolor_paint/config.pbtxt        a tile of a large picture: rgb, ab, place -> colored
REPOSITORY/gcolor_paint/1/model.onnx        or model.plan
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..color.errors import BundleError, UsageError
from ..runtime.bundle import Bundle
from ..runtime.engines.trt_key import EngineKey, has_engines, read_engine, rebuild_hint
from ..runtime.files import storage_error
from ..runtime.grid import GPU_BATCH
from ..runtime.manifest import MODEL, PAINT
from ..runtime.onnx_form import ends
from ..version import __version__

TritonBackend = Literal["onnxruntime", "tensorrt"]

NAMES = {MODEL: "gcolor", PAINT: "gcolor_paint"}
FILES: dict[TritonBackend, str] = {"onnxruntime": "model.onnx", "tensorrt": "model.plan"}
CONFIGURATION = "config.pbtxt"
# The first line of a configuration tells ours from what somebody else has put there.
OURS = "# Written by gcolor "


@dataclass(frozen=True, slots=True)
class Tensor:
    """Name, type and shape of an input or output; -1 is any size, and the first dimension is the batch."""

    name: str
    kind: str
    shape: tuple[int, ...]


# As onnx_file.py exports them.
_RGB, _COLORED = Tensor("rgb", "TYPE_UINT8", (-1, -1, -1, 3)), Tensor("colored", "TYPE_UINT8", (-1, -1, -1, 3))
_AB = Tensor("ab", "TYPE_FP32", (-1, 2, -1, -1))
_VIVIDNESS, _JOINT = Tensor("vividness", "TYPE_FP32", (-1, 1, 1, 1)), Tensor("joint", "TYPE_FP32", (-1, 140, -1, -1))
INPUTS = {
    MODEL: (_RGB, Tensor("hints", "TYPE_UINT8", (-1, -1, -1, 4)), _VIVIDNESS),
    PAINT: (_RGB, _AB, Tensor("place", "TYPE_FP32", (4,))),
}
OUTPUTS = {MODEL: (_COLORED, _AB, _JOINT), PAINT: (_COLORED,)}
# What the server colors once before it says that it is ready, unless an engine was made for other shapes.
USUAL = {"rgb": [683, 1024, 3], "hints": [256, 384, 4], "vividness": [1, 1, 1]}


def write_repository(bundle: Bundle, repository: Path, backend: TritonBackend | None = None) -> TritonBackend:
    """Write a bundle's models into a repository, new or not; models of other names in it stay. Returns the backend.

    backend: "tensorrt" takes the bundle's engines, "onnxruntime" its graphs; None is "tensorrt" where it has engines.
    A model appears whole or not at all. Raises UsageError where a model of our name is not ours or the repository
    cannot be written, BundleError where engines are missing, damaged, or not of the bundle's graphs.
    """
    backend = backend or ("tensorrt" if has_engines(bundle, (MODEL, PAINT)) else "onnxruntime")
    for name in NAMES.values():
        _check_ours(repository / name)
    made = {graph: _model(bundle, graph, backend) for graph in NAMES}
    try:
        repository.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".gcolor-", dir=repository) as work:
            for graph, (configuration, data) in made.items():
                new, place = Path(work, "new"), repository / NAMES[graph]
                (new / "1").mkdir(parents=True)
                (new / CONFIGURATION).write_text(configuration, encoding="utf-8")
                (new / "1" / FILES[backend]).write_bytes(data)
                if place.exists():
                    place.rename(Path(work, f"old {NAMES[graph]}"))
                new.rename(place)
    except OSError as error:
        raise storage_error(error, repository, "make room, or choose another --triton") from error
    return backend


def _check_ours(folder: Path) -> None:
    if not folder.exists():
        return
    try:
        if (folder / CONFIGURATION).read_text(encoding="utf-8").startswith(OURS):
            return
    except (OSError, UnicodeDecodeError):
        pass
    raise UsageError(f"{folder}: is not a model that gcolor has written; choose another repository, or remove it")


def _model(bundle: Bundle, graph: str, backend: TritonBackend) -> tuple[str, bytes]:
    """The configuration of a graph and what runs it."""
    if backend == "onnxruntime":
        return configuration(bundle, graph, GPU_BATCH), bundle.model if graph == MODEL else bundle.paint
    found = read_engine(bundle, graph)
    if found is None:
        raise BundleError(f"{bundle.path}: has no TensorRT engine of {graph}; {rebuild_hint(bundle)}")
    key, plan = found
    if key.library != "tensorrt":
        raise BundleError(f"{bundle.path}: the engine of {graph} is one of {key.library}, which Triton does not run")
    misfit = key.misfit(key.at(bundle, graph, key.version, key.gpu))
    if misfit:
        raise BundleError(f"{bundle.path}: the engine of {graph} is stale in {misfit}; {rebuild_hint(bundle)}")
    most, profiles = largest_batch(key)
    usual = {name: shapes[1][1:] for name, shapes in key.profiles[profiles[0]].items()}
    return configuration(bundle, graph, most, usual, profiles), plan


def largest_batch(key: EngineKey) -> tuple[int, list[int]]:
    """The most pictures that an engine takes at once, and the profiles that take them.

    Triton makes batches up to one size for all shapes; in a profile for fewer, a batch would fail.
    """
    sizes = [profile["rgb"][2][0] for profile in key.profiles]
    return max(sizes), [number for number, size in enumerate(sizes) if size == max(sizes)]


def configuration(
    bundle: Bundle,
    graph: str,
    most: int,
    usual: dict[str, list[int]] = USUAL,
    profiles: list[int] | None = None,
) -> str:
    """The config.pbtxt of a graph.

    most: pictures in a batch. usual: shapes of the inputs of MODEL, without the batch, that the server starts with.
    profiles: of a TensorRT engine; None is ONNX Runtime.
    """
    batched = graph == MODEL  # each tile has a place of its own
    inputs, outputs = _ends(bundle, graph, served=graph if profiles is None else bundle.manifest.source(graph))
    parts = [
        f"{OURS}{__version__} from {bundle.name}. The model's name is its folder's.",
        f'backend: "{"onnxruntime" if profiles is None else "tensorrt"}"',
        f"max_batch_size: {most if batched else 0}",
        *(_tensor("input", tensor, batched) for tensor in inputs),
        *(_tensor("output", tensor, batched) for tensor in outputs),
        "version_policy { latest { num_versions: 1 } }",
        _ONNXRUNTIME if profiles is None else _TENSORRT % ", ".join(f'"{number}"' for number in profiles),
    ]
    if batched:
        parts += [_BATCHING, _warm_up(inputs, usual)]
    return "\n".join(parts) + "\n"


_BATCHING = """\
# Pictures that wait while the model works, and have one size, are colored together; nobody waits for others to come.
# Answers may overtake each other.
dynamic_batching { }"""
_ONNXRUNTIME = """\
# On each GPU where there are any, else on the CPU.
instance_group { count: 1 kind: KIND_AUTO }
# TF32 would cost the LAB mathematics its last digits; an exhaustive search would hold up every new size.
optimization { execution_accelerators { gpu_execution_accelerator {
  name: "cuda"
  parameters { key: "use_tf32" value: "0" }
  parameters { key: "cudnn_conv_algo_search" value: "HEURISTIC" }
} } }
# Pictures of many sizes pass through; a growing arena would keep the sum of the largest of each.
parameters { key: "enable_mem_arena" value { string_value: "0" } }"""
_TENSORRT = """\
# Two on each GPU, so that one picture is copied while another is computed.
instance_group { count: 2 kind: KIND_GPU profile: [ %s ] }"""


def _tensor(field: str, tensor: Tensor, batched: bool) -> str:
    shape = ", ".join(map(str, tensor.shape[1:] if batched else tensor.shape))
    return f'{field} {{ name: "{tensor.name}" data_type: {tensor.kind} dims: [ {shape} ] }}'


def _ends(bundle: Bundle, graph: str, served: str) -> tuple[list[Tensor], list[Tensor]]:
    """What the file that is served takes and gives: not every bundle has a vividness and suggestions."""
    taken, given = ends(bundle.read(served))
    inputs = [tensor for tensor in INPUTS[graph] if tensor.name in taken]
    return inputs, [tensor for tensor in OUTPUTS[graph] if tensor.name in given]


def _warm_up(inputs: list[Tensor], usual: dict[str, list[int]]) -> str:
    entries = "".join(
        f'  inputs {{ key: "{tensor.name}" value {{ data_type: {tensor.kind} dims: {usual[tensor.name]} '
        "zero_data: true } }\n"
        for tensor in inputs
    )
    return f'model_warmup {{\n  name: "usual"\n  batch_size: 1\n{entries}}}'
