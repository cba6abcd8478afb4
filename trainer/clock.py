"""The time of a run: its wall clock, the same for all processes, what is due when, and how fast it trains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from .distributed import World


@dataclass(slots=True)
class Clock:
    """A run's wall clock over all its sessions; all processes go by rank 0's, which they hear of when they log."""

    world: World
    device: torch.device
    before: float
    heard: float = 0.0
    begun: float = field(default_factory=lambda: time.monotonic())

    def listen(self) -> float:
        self.heard = self.world.agree(self.before + time.monotonic() - self.begun, self.device)
        return self.heard


@dataclass(slots=True)
class Due:
    """Something done after every so many steps or minutes."""

    steps: int
    minutes: float
    last: float

    def now(self, step: int, seconds: float) -> bool:
        by_clock = self.minutes > 0 and seconds - self.last >= 60.0 * self.minutes
        if not by_clock and not (self.steps and step % self.steps == 0):
            return False
        self.last = seconds
        return True


@dataclass(slots=True)
class Pace:
    """Photos per second, and the share of the time that went by waiting for data, since `restart`.

    Only training counts: the seconds within `paused` (validation, checkpoints) do not.
    """

    device: torch.device
    photos: int = 0
    waited: float = 0.0
    begun: float = field(default_factory=lambda: time.monotonic())

    def restart(self) -> None:
        """Begin to count anew."""
        self.photos, self.waited, self.begun = 0, 0.0, time.monotonic()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the seconds within as waiting for data."""
        asked = time.monotonic()
        yield
        self.waited += time.monotonic() - asked

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the seconds within, but not those that a GPU still needs for steps before it."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        stopped = time.monotonic()
        yield
        self.begun += time.monotonic() - stopped

    def row(self) -> dict[str, float]:
        """The figures as they are logged."""
        seconds = time.monotonic() - self.begun
        return {
            "photos_per_second": round(self.photos / seconds, 2),
            "waiting": round(self.waited / seconds, 4),
        }
