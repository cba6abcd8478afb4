"""What is measured, and how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...color.lab import Bytes
from ..bundle import Bundle
from ..machine import cores

Say = Callable[[str], None]
"""Takes a line for each part of the work as it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Of a whole bench.

    backends: () for all that can be opened. device: "auto" for all there are, "cpu", "cuda" or "cuda:N". sizes: sides
    of the square pictures, pixels. rounds: turns of each configuration. seconds: of each configuration over all rounds.
    runs: calls in each round, in place of seconds. threads: of each call on a CPU. photos: by name, for the accuracy
    ({} for none), and in words where they come from. truth: uint8 [256, 256, 3] by name, or None. stage_runs: pictures
    from file to file for the stages, 0 for none.
    """

    backends: tuple[str, ...] = ()
    device: str = "auto"
    sizes: tuple[int, ...]
    batch_sizes: tuple[int, ...]
    rounds: int
    seconds: float
    runs: int | None = None
    threads: int = field(default_factory=cores)
    photos: dict[str, Bytes]
    photos_source: str
    truth: dict[str, Bytes] | None = None
    stage_runs: int

    def recorded(self, bundles: dict[str, Bundle]) -> dict[str, Any]:
        """What stands in the report."""
        return {
            "bundles": {name: {"path": str(bundle.path), "name": bundle.name} for name, bundle in bundles.items()},
            "threads": self.threads,
            "device": self.device,
            "sizes": list(self.sizes),
            "batch_sizes": list(self.batch_sizes),
            "rounds": self.rounds,
            "seconds": None if self.runs else self.seconds,
            "runs": self.runs,
            "stage_runs": self.stage_runs,
        }
