"""Everything that a training run is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ..models import PRESETS, ModelConfig


@dataclass(kw_only=True, slots=True)
class Stage:
    """One part of a run: until this share of the budget, crops of this size in batches of this many."""

    until: float
    size: int
    batch_size: int


@dataclass(kw_only=True, slots=True)
class TrainConfig:
    """A training run; saved beside its checkpoints."""

    model: ModelConfig = field(default_factory=lambda: PRESETS["default"])
    """The network."""
    steps: int = 20_000
    """Optimizer steps of the whole run."""
    minutes: float = 0.0
    """Wall-clock budget; when above 0 the schedule follows whichever of steps and minutes is nearer its end."""
    stages: list[Stage] = field(
        default_factory=lambda: [
            Stage(until=0.55, size=128, batch_size=32),
            Stage(until=0.8, size=192, batch_size=16),
            Stage(until=1.0, size=256, batch_size=12),
        ]
    )
    """Small crops first, the working grid last: four times as many photos for the same time."""
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup_steps: int = 200
    clip_norm: float = 1.0
    ema: float = 0.998
    """Decay of the averaged weights, which are what is exported."""
    rebalance: Literal["smoothed", "paper", "none"] = "smoothed"
    """Class weights: Zhang et al. 2016 (prior mixed half with uniform), the paper's raw 1/f (eq. 1), or none."""
    classification_weight: float = 0.25
    """Weight of the cross-entropy over both heads (eq. 2)."""
    patch_weight: float = 0.1
    """lambda_patch, the extra weight of the cross-entropy at hinted cells (eq. 3)."""
    regression_weight: float = 0.1
    """Weight of the smooth L1 distance of the decoded ab, in ab units."""
    max_grey: float = 0.97
    """Photos with a larger share of near-grey pixels are left out (the paper: 0.7, which drops two of three)."""
    max_hints: int = 100
    recolor: float = 0.4
    """Share of photos in which one colour is replaced by a foreign one, so that hints outweigh habit."""
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    """Threads for arithmetic on the CPU; 0 leaves the choice to torch."""
    log_every: int = 20
    save_minutes: float = 5.0
    evaluate_minutes: float = 15.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        values = dict(values)
        values["model"] = ModelConfig.from_dict(values["model"])
        values["stages"] = [Stage(**s) for s in values["stages"]]
        return cls(**values)
