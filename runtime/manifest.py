"""manifest.json of a bundle: what its files are, which network made them, and what was measured of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..color.errors import BundleError
from . import PRECISIONS, Precision
from .files import save_json
from .grid import CELL, SHORT_SIDE

FORMAT = 1
FILE = "manifest.json"
DEFAULT = Path(__file__).parent / "default"
MODEL, PAINT, WEIGHTS = "model.onnx", "paint.onnx", "weights.safetensors"
# The graphs in the form that TensorRT takes, where that is another one.
MODEL_TRT, PAINT_TRT = "model.trt.onnx", "paint.trt.onnx"
TRT_FORMS = {MODEL: MODEL_TRT, PAINT: PAINT_TRT}


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


def is_bundle(folder: Path) -> bool:
    """Whether a folder says of itself that it is a bundle; nothing is read."""
    return (folder / FILE).is_file()


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


def _object(values: dict[str, Any], name: str) -> dict[str, Any]:
    value = values.pop(name)
    if not isinstance(value, dict):
        raise TypeError(f"{name} is not an object")
    return value


def _check_hashes(files: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if not isinstance(files[name], str):
            raise TypeError(f"the hash of {name} is not text")
