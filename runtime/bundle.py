"""The bundle: a folder with manifest.json and the files that it lists, each checked before it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..color.errors import BundleError
from . import PRECISIONS, Precision
from .files import save_json
from .grid import CELL, SHORT_SIDE
from .onnx_form import has_external_data

if TYPE_CHECKING:
    from ..models import Network

FORMAT = 1
DEFAULT = Path(__file__).parent / "default"
MODEL, PAINT, WEIGHTS = "model.onnx", "paint.onnx", "weights.safetensors"
# The graphs in the form that TensorRT takes, where that is another one.
MODEL_TRT, PAINT_TRT = "model.trt.onnx", "paint.trt.onnx"
TRT_FORMS = {MODEL: MODEL_TRT, PAINT: PAINT_TRT}
FILE = "manifest.json"


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What gcolor goes by (the fields), and what it only hands on to people (`record`: versions, training, parity)."""

    model: dict[str, Any]
    """The network's ModelConfig as a dictionary."""
    output_stride: int
    """Grid cells of one value of the graph's `ab`."""
    files: dict[str, str] = field(default_factory=dict)
    """Of each file of the bundle, its SHA-256."""
    precision: Precision = "fp32"
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def variant(self) -> str:
        """The network's family."""
        return str(self.model.get("variant", "?"))

    @property
    def fingerprint(self) -> str:
        """Of what the bundle paints: its two graphs. Engines that are built beside them later change nothing."""
        return sha256("".join(self.files[name] for name in (MODEL, PAINT)).encode())[:32]

    def source(self, graph: str) -> str:
        """The file that a graph's TensorRT engine is built from."""
        form = TRT_FORMS[graph]
        return form if form in self.files else graph

    def with_files(self, files: dict[str, bytes]) -> Manifest:
        """The same, listing these files too."""
        return replace(self, files=self.files | {name: sha256(data) for name, data in files.items()})

    def recording(self, **more: Any) -> Manifest:
        """The same with more to tell people."""
        return replace(self, record=self.record | more)

    def write(self, folder: Path) -> None:
        """As manifest.json of a folder, whole or not at all."""
        save_json(self.to_dict(), folder / FILE)

    def to_dict(self) -> dict[str, Any]:
        """As manifest.json has it."""
        grid = {"multiple": CELL, "short_side": SHORT_SIDE, "output_stride": self.output_stride}
        own = {"format": FORMAT, "model": self.model, "grid": grid, "precision": self.precision, "files": self.files}
        return own | self.record


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle. `model` and `paint` are the bytes that were hashed, so nothing can change in between."""

    path: Path
    manifest: Manifest
    model: bytes
    paint: bytes

    @property
    def name(self) -> str:
        """Variant and the first digits of the model's hash."""
        return f"{self.manifest.variant}-{self.manifest.files[MODEL][:8]}"

    def network(self) -> Network:
        """The PyTorch network that the graphs were made from, in evaluation mode; needs torch.

        Raises BundleError where the bundle has no weights, TypeError, ValueError or RuntimeError where they do not fit.
        """
        from ..models.weights import model_of

        return model_of(self.manifest.model, self.read(WEIGHTS))

    def read(self, name: str) -> bytes:
        """Another file of the bundle. Raises BundleError where the manifest has none or its hash differs."""
        digest = self.manifest.files.get(name)
        if digest is None:
            raise BundleError(f"{self.path}: has no {name}; export the bundle again")
        return (_read_graph if name.endswith(".onnx") else _read)(self.path / name, digest)


def read_manifest(path: Path | None = None) -> Manifest:
    """The manifest of a bundle, None being the default model; no other file of it is read.

    Raises BundleError: no manifest, one of an unknown format version, or one for another grid than this gcolor's.
    """
    folder = path or DEFAULT
    try:
        values: dict[str, Any] = json.loads((folder / FILE).read_bytes())
        version = values.pop("format")
        if version != FORMAT:
            raise BundleError(f"{folder}: bundle format {version!r}, this gcolor reads {FORMAT}; export it again")
        model, files, grid = (_object(values, name) for name in ("model", "files", "grid"))
        _check_hashes(files, (MODEL, PAINT))
        precision = values.pop("precision", "fp32")
        if precision not in PRECISIONS:
            raise ValueError(f"precision {precision!r} is unknown")
        if (grid["multiple"], grid["short_side"]) != (CELL, SHORT_SIDE):
            raise ValueError(f"its grid is not of {SHORT_SIDE} in steps of {CELL}")
        return Manifest(model, int(grid["output_stride"]), files, precision, values)
    except FileNotFoundError:
        raise BundleError(f"{folder}: no bundle here ({FILE} is missing); `gcolor export` writes one") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(f"{folder / FILE}: not a bundle manifest ({error}); export the bundle again") from error


def load_bundle(path: Path | None = None) -> Bundle:
    """Load and check a bundle; None is the default model that ships with gcolor.

    Raises BundleError: see `read_manifest`, a file missing or with another hash, a graph that refers to other files.
    """
    folder, manifest = path or DEFAULT, read_manifest(path)
    return Bundle(folder, manifest, *(_read_graph(folder / name, manifest.files[name]) for name in (MODEL, PAINT)))


def _read_graph(path: Path, digest: str) -> bytes:
    graph = _read(path, digest)
    try:
        external = has_external_data(graph)
    except (IndexError, ValueError) as error:
        raise BundleError(f"{path}: is no ONNX graph; export the bundle again") from error
    if external:
        raise BundleError(f"{path}: refers to data in other files, which no hash guards; export the bundle again")
    return graph


def _read(path: Path, digest: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror or error}; export the bundle again") from error
    if sha256(data) != digest:
        raise BundleError(
            f"{path}: does not have the hash in manifest.json, the file was changed; export the bundle again"
        )
    return data


def _object(values: dict[str, Any], name: str) -> dict[str, Any]:
    value = values.pop(name)
    if not isinstance(value, dict):
        raise TypeError(f"{name} is not an object")
    return value


def _check_hashes(files: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if not isinstance(files[name], str):
            raise TypeError(f"the hash of {name} is not text")
