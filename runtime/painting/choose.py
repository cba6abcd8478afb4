"""Whether the kernel paints here: there is a library for the platform, and it paints what the bundle's graph paints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...color.errors import EngineError
from ...color.lab import Bytes
from .. import PAINTERS
from ..cache import keep, recall
from ..machine import processor_key
from ..manifest import sha256
from .kernel import Kernel, Place, library_path, platform_name

Paint = Callable[[Bytes, NDArray[np.float32], Place], Bytes]

# What the self-test lets pass, in levels. Most bundles' graphs look colors up in tables, which beside white are up to
# two levels from the formulas that the tables are of.
MOST_APART, MEAN_APART = 2, 0.02


def open_kernel(wanted: str, graph: Paint, digest: str) -> Kernel | None:
    """The kernel, or None where the bundle's graph is to paint.

    wanted: one of PAINTERS. graph: how the bundle's own graph paints a tile [1, H, W, 3]; digest: of its file. They are
    compared once for each library, processor and graph; what was found is kept in the cache folder. Raises EngineError
    where "native" is asked for and cannot be had.
    """
    if wanted not in PAINTERS:
        raise EngineError(f"painter {wanted!r} is not known; use {', '.join(PAINTERS)}")
    if wanted == "onnx":
        return None
    try:
        kernel = _open()
        found = _tested(kernel, graph, digest)
        if found:
            raise EngineError(
                f"painter native: {kernel.library.name} paints otherwise than the bundle's graph: {found}"
            )
    except EngineError:
        if wanted == "native":
            raise
        return None
    return kernel


def _open() -> Kernel:
    if not library_path().is_file():
        raise EngineError(
            f"painter native: there is no library for {platform_name()} here; in a checkout `make kernel` builds it, "
            "or leave --painter out"
        )
    return Kernel()


def _tested(kernel: Kernel, graph: Paint, digest: str) -> str:
    """What is wrong, "" for nothing."""
    library = sha256(kernel.library.read_bytes())
    key = f"painter-{sha256(f'{library} {kernel.form} {processor_key()} {digest}'.encode())[:32]}"
    known = recall(key)
    if known is None:
        known = self_test(kernel, graph).encode()
        keep(key, known)
    return known.decode()


def self_test(kernel: Kernel, graph: Paint) -> str:
    """Paint part of a gray and of a colored picture with all kinds of ab by both; what is wrong, "" for nothing."""
    rng = np.random.default_rng(0)
    height, width = 48, 300
    gray = np.repeat(np.arange(width) * 256 // width, 3).astype(np.uint8).reshape(1, width, 3).repeat(height, axis=0)
    colored = rng.integers(0, 256, gray.shape, np.uint8)
    place: Place = (20.0, 30.0, 100.0, 400.0)
    for pixels, strength in ((gray, 15.0), (gray, 60.0), (colored, 30.0)):
        ab = rng.normal(0.0, strength, (1, 2, 16, 24)).astype(np.float32)
        expected = graph(pixels[None], ab, place)[0].astype(np.int16)
        apart = np.abs(kernel.paint(pixels, ab, place) - expected)
        if apart.max() > MOST_APART or apart.mean() > MEAN_APART:
            return f"up to {apart.max()} levels apart, {apart.mean():.3f} in the mean"
    return ""
