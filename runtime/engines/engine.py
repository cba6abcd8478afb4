"""What runs a bundle: one small interface. `open.py` says which engine is behind it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...color.errors import BundleError
from ...color.lab import Bytes
from ..painting.kernel import Kernel, Place


class Engine(Protocol):
    """The two graphs of a bundle, loaded. Safe to call from several threads at once.

    backend: its name in BACKENDS; device: what really runs it, "cpu" or "cuda:N"; about: the library and its version;
    parallel_tiles: how many calls of `paint` at once make the best of it; kernel: what paints in place of the bundle's
    graph, None for the graph.
    """

    backend: str
    device: str
    about: str
    parallel_tiles: int
    kernel: Kernel | None

    def color(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> tuple[Bytes, NDArray[np.float32]]:
        """rgb uint8 [N, H, W, 3] and hints uint8 [N, h, w, 4] to the colored pictures and their ab [N, 2, g, k].

        vividness: multiplies the chroma that the network makes up, not what hints say. Raises PictureError where the
        engine fails on them (out of memory, say); the next call may work. Raises BundleError for a vividness other than
        1 where the bundle is from before there was one.
        """
        ...

    def chroma(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> NDArray[np.float32]:
        """As `color`, the ab alone: nothing is painted."""
        ...

    def joint(self, rgb: Bytes, hints: Bytes) -> NDArray[np.float32]:
        """The same pictures to the probabilities [N, 140, m, n] of the nodes bins.JOINT in each cell.

        Raises PictureError as `color`, BundleError where the bundle has no such output.
        """
        ...

    def paint(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        """A tile [1, H, W, 3] of a picture, colored by the whole picture's ab [1, 2, g, k]."""
        ...


def feeds(inputs: Collection[str], rgb: Bytes, hints: Bytes, vividness: float) -> dict[str, NDArray[Any]]:
    """What a graph with such inputs is given. Raises BundleError for a vividness that it does not take."""
    given: dict[str, NDArray[Any]] = {"rgb": rgb, "hints": hints}
    if "vividness" in inputs:
        return given | {"vividness": np.full((len(rgb), 1, 1, 1), vividness, np.float32)}
    check_vividness(inputs, vividness)
    return given


def check_vividness(inputs: Collection[str], vividness: float) -> None:
    """Raise BundleError for a vividness other than 1 where a graph with such inputs takes none."""
    if vividness != 1.0 and "vividness" not in inputs:
        raise BundleError(f"vividness {vividness:g}: the bundle is from before there was one; export its run again")


def no_suggestions() -> BundleError:
    """What asking a graph without the output `joint` raises."""
    return BundleError(
        "the bundle has no suggestions; `gcolor export RUN` of a network with a joint head (`gcolor train --set "
        "joint=true`, or the preset default) writes one that has"
    )
