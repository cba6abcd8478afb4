"""The bundle: a folder with manifest.json and the files that it lists, each checked before it is used."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..color.errors import BundleError, one_line
from .cache import keep, recall
from .files import RECENT_NS
from .manifest import DEFAULT, MODEL, PAINT, WEIGHTS, Manifest, read_manifest, sha256
from .onnx_form import has_external_data

if TYPE_CHECKING:
    from ..models import Network

# Graphs of which is remembered that they were right.
NOTES = 32


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle. Whatever is read of it is hashed when it is read, so nothing can change in between.

    graphs: those that need not be read, by their names.
    """

    path: Path
    manifest: Manifest
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
        return sha256(self.graphs[name]) if name in self.graphs else self.manifest.files[name]

    @property
    def name(self) -> str:
        """Variant and the first digits of the model's hash."""
        return f"{self.manifest.variant}-{self.manifest.files[MODEL][:8]}"

    def network(self) -> Network:
        """The PyTorch network that the graphs were made from, in evaluation mode; needs torch.

        Raises BundleError where the bundle has no weights, or such as do not fit.
        """
        from ..models.weights import model_of

        weights = self.read(WEIGHTS)
        try:
            return model_of(self.manifest.model, weights)
        except (TypeError, ValueError, RuntimeError) as error:
            raise BundleError(f"{self.path}: the weights do not fit the model: {one_line(error)}") from error

    def read(self, name: str) -> bytes:
        """Another file of the bundle. Raises BundleError where the manifest has none or its hash differs."""
        digest = self.manifest.files.get(name)
        if digest is None:
            raise BundleError(f"{self.path}: has no {name}; export the bundle again")
        return (_read_graph if name.endswith(".onnx") else _read)(self.path / name, digest)


def load_bundle(path: Path | None = None) -> Bundle:
    """Load and check a bundle; None is the default model that ships with gcolor.

    Raises BundleError: see `read_manifest`, a file missing or with another hash, a graph that refers to other files.
    """
    folder, manifest = path or DEFAULT, read_manifest(path)
    found = {name: _check_graph(folder / name, manifest.files[name]) for name in (MODEL, PAINT)}
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
