"""The bundle: a folder with manifest.json and the files that it lists, each checked before it is used."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..color.errors import BundleError
from .batch.fingerprint import RECENT_NS
from .cache import keep, recall
from .onnx_form import has_external_data

FORMAT = 1
# Graphs of which is remembered that they were right.
NOTES = 32
DEFAULT = Path(__file__).parent / "default"
MODEL, PAINT, WEIGHTS = "model.onnx", "paint.onnx", "weights.safetensors"
# The graphs in the form that TensorRT takes, where that is another one.
MODEL_TRT, PAINT_TRT = "model.trt.onnx", "paint.trt.onnx"
TRT_FORMS = {MODEL: MODEL_TRT, PAINT: PAINT_TRT}


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle. Whatever is read of it is hashed when it is read, so nothing can change in between.

    graphs: those that need not be read, by their names.
    """

    path: Path
    manifest: dict[str, Any]
    graphs: dict[str, bytes] = field(default_factory=dict)

    @property
    def model(self) -> bytes:
        """The fused graph. Raises BundleError as `read`."""
        return self.graphs[MODEL] if MODEL in self.graphs else self.read(MODEL)

    @property
    def paint(self) -> bytes:
        """The graph that paints. Raises BundleError as `read`."""
        return self.graphs[PAINT] if PAINT in self.graphs else self.read(PAINT)

    def digest(self, name: str) -> str:
        """The hash of one of its two graphs, as it is."""
        return sha256(self.graphs[name]) if name in self.graphs else str(self.manifest["files"][name])

    @property
    def name(self) -> str:
        """Variant and the first digits of the model's hash."""
        return f"{self.manifest['model'].get('variant', '?')}-{self.manifest['files'][MODEL][:8]}"

    def read(self, name: str) -> bytes:
        """Another file of the bundle. Raises BundleError where the manifest has none or its hash differs."""
        digest = self.manifest["files"].get(name)
        if digest is None:
            raise BundleError(f"{self.path}: has no {name}; export the bundle again")
        return (_read_graph if name.endswith(".onnx") else _read)(self.path / name, digest)


def precision(bundle: Bundle) -> str:
    """The bundle's precision, as its manifest has it."""
    return str(bundle.manifest.get("precision", "fp32"))


def source(bundle: Bundle, graph: str) -> str:
    """The bundle's file that a graph's engine is built from."""
    form = TRT_FORMS[graph]
    return form if form in bundle.manifest["files"] else graph


def read_manifest(path: Path | None = None) -> dict[str, Any]:
    """The manifest of a bundle, None being the default model; no other file of it is read.

    Raises BundleError: no manifest, or one of an unknown format version.
    """
    folder = path or DEFAULT
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
        version, files = manifest["format"], manifest["files"]
        if not isinstance(manifest["model"], dict):
            raise TypeError("model is not an object")
        for name in (MODEL, PAINT):
            if not isinstance(files[name], str):
                raise TypeError(f"the hash of {name} is not text")
    except FileNotFoundError:
        raise BundleError(f"{folder}: no bundle here (manifest.json is missing); `gcolor export` writes one") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(
            f"{folder / 'manifest.json'}: not a bundle manifest ({error}); export the bundle again"
        ) from error
    if version != FORMAT:
        raise BundleError(f"{folder}: bundle format {version!r}, this gcolor reads {FORMAT}; export it again")
    return manifest


def fingerprint(manifest: dict[str, Any]) -> str:
    """Of what a bundle paints: its two graphs. Engines that are built beside them later change nothing."""
    return sha256("".join(manifest["files"][name] for name in (MODEL, PAINT)).encode())[:32]


def load_bundle(path: Path | None = None) -> Bundle:
    """Load and check a bundle; None is the default model that ships with gcolor.

    Raises BundleError: see `read_manifest`, a file missing or with another hash, a graph that refers to other files.
    """
    folder, manifest = path or DEFAULT, read_manifest(path)
    found = {name: _check_graph(folder / name, manifest["files"][name]) for name in (MODEL, PAINT)}
    return Bundle(folder, manifest, {name: graph for name, graph in found.items() if graph is not None})


def _check_graph(path: Path, digest: str) -> bytes | None:
    """A graph; None where it was right when it was read last, and has not changed since."""
    stamp = _stamp(path)
    about = f"{stamp} {digest}".encode()
    note = f"bundle-{sha256(os.fsencode(path.absolute()))[:32]}"
    if stamp and recall(note) == about:
        return None
    graph = _read_graph(path, digest)
    if stamp and stamp == _stamp(path):
        keep(note, about, most=NOTES)
    return graph


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What changes with a file's content; None where it proves nothing."""
    try:
        status = path.stat()
    except OSError:
        return None
    old = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > RECENT_NS
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino) if old else None


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
