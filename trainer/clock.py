"""When things are due in a run: its wall clock, the same for all processes."""

from __future__ import annotations

import time
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
    begun: float = field(default_factory=time.monotonic)

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
