"""Which engine a batch asks for, and how much of the machine it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..machine import cores

if TYPE_CHECKING:
    from ..colorizer import Colorizer

# Pictures of a folder that fills up.
UNKNOWN_COUNT = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What each process that colors opens. bundle, backend, batch_size, painter: see `Colorizer`.

    jobs: pictures in work at one time; by default one for each core, and two on a GPU, where their threads mostly read
    and write. pictures: about how many there will be. processes: so many share the cores.
    """

    bundle: Path | None = None
    backend: str = "auto"
    batch_size: int = 0
    painter: str = "auto"
    jobs: int | None = None
    pictures: int = UNKNOWN_COUNT
    processes: int = 1

    def open(self, device: str) -> tuple[Colorizer, int]:
        """A colorizer on a device, and the number of workers: the threads of both together use each core once.

        Sets how this process's OpenCV and allocator behave. Raises BundleError and EngineError.
        """
        import cv2

        from ..colorizer import Colorizer
        from ..memory import keep_freed_memory

        share = max(1, cores() // self.processes)
        workers = min(self.jobs or share, self.pictures)
        # A worker is a thread; OpenCV's own threads would only get in their way.
        cv2.setNumThreads(1)
        keep_freed_memory(one_arena=True)
        colorizer = Colorizer(
            self.bundle, device, max(1, share // workers), self.backend, self.batch_size, self.painter
        )
        if colorizer.engine.device != "cpu":
            workers = min(self.jobs or 2 * share, self.pictures)
        return colorizer, workers
