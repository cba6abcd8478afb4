"""A bundle's weights in PyTorch, fp32: the reference that every other engine is measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...color.errors import EngineError, PictureError, one_line
from ...color.lab import Bytes
from ..bundle import Bundle
from ..device import AUTO, Device
from ..painting.kernel import Kernel, Place
from .engine import no_suggestions

if TYPE_CHECKING:
    from torch import Tensor


class TorchEngine:
    """See `engine.Engine`. The number of threads is one for the whole process, as PyTorch has it.

    Raises EngineError where PyTorch is missing or the device cannot be used, BundleError where the bundle has no
    weights for it.
    """

    backend = "torch"
    parallel_tiles = 1
    kernel: Kernel | None = None

    def __init__(self, bundle: Bundle, device: Device = AUTO, threads: int = 0) -> None:
        try:
            import torch

            from ...models.fused import FusedColorizer
        except ImportError as error:
            raise EngineError(
                f"backend torch: {error.name} is not installed; pip install 'gcolor[train]', or use --backend onnx"
            ) from error

        if device.kind == "cuda" and not torch.cuda.is_available():
            raise EngineError(f"device {device}: PyTorch {torch.__version__} finds no CUDA device here")
        wanted = ("cuda" if torch.cuda.is_available() else "cpu") if device.kind == "auto" else str(device)
        self._torch, self._device = torch, torch.device(wanted)
        self.about = f"torch {torch.__version__}"
        self._model = FusedColorizer(bundle.network()).eval().to(self._device)
        if threads:
            torch.set_num_threads(threads)
        number = self._device.index or 0
        self.device = f"cuda:{number}" if self._device.type == "cuda" else "cpu"

    def color(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> tuple[Bytes, NDArray[np.float32]]:
        strength = self._tensor(np.full((len(rgb), 1, 1, 1), vividness, np.float32))
        colored, ab = self._run(self._model, self._tensor(rgb), self._tensor(hints), strength)[:2]
        return colored, ab

    def chroma(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> NDArray[np.float32]:
        return self.color(rgb, hints, vividness)[1]

    def joint(self, rgb: Bytes, hints: Bytes) -> NDArray[np.float32]:
        if "joint" not in self._model.outputs:
            raise no_suggestions()
        joint: NDArray[np.float32] = self._run(self._model, self._tensor(rgb), self._tensor(hints))[2]
        return joint

    def paint(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        where = self._torch.tensor(place, dtype=self._torch.float32, device=self._device)
        return self._run(self._model.paint, self._tensor(tile), self._tensor(ab), where)[0]

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        if not array.flags.writeable:
            array = array.copy()  # PyTorch warns of memory that it must not write
        return self._torch.from_numpy(array).to(self._device)

    def _run(self, module: object, *inputs: Tensor) -> list[Any]:
        try:
            with self._torch.inference_mode():
                found = module(*inputs)  # type: ignore[operator]
        except RuntimeError as error:  # out of memory, say
            raise PictureError(f"PyTorch failed on it: {one_line(error)}") from error
        return [t.cpu().numpy() for t in (found if isinstance(found, tuple) else (found,))]
