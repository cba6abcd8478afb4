"""Which rows there are, in the order of their worth, and what each is trained with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import gcd
from typing import Any, Literal

from gcolor.color.errors import UsageError
from gcolor.models import PRESETS
from gcolor.trainer.config import PAPER, Stage, TrainConfig

# What the paper's task is, whoever trains for it: whole photos stretched to squares, 3x3 patches of their own pixels as
# hints, nothing recolored or made old.
TASK: dict[str, Any] = {name: PAPER[name] for name in ("crop", "hints", "recolor", "age", "frame", "max_grey")}

# The two recipes, as changes of TrainConfig, and how a network is told its hints.
RECIPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "default": (TASK, {"hints": "scaled"}),
    "paper": ({name: value for name, value in PAPER.items() if name != "stages"}, {"hints": "bins"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What every row of a table gets alike."""

    size: int
    """Side of the squares, in pixels."""
    batch_size: int
    steps: int
    tests: int
    """Points of the test curve."""

    @property
    def every(self) -> int:
        """Steps from one test to the next."""
        return self.steps // self.tests

    @property
    def passes(self) -> int:
        return self.steps * self.batch_size


FULL = Budget(size=128, batch_size=16, steps=6250, tests=10)
SHORT = Budget(size=64, batch_size=8, steps=600, tests=12)
"""For the rows that only explain: a hundredth of the full rows' pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table: a network of the paper, a recipe, and what is changed of either."""

    title: str
    preset: str = "paper"
    recipe: str = "default"
    changes: dict[str, Any] = field(default_factory=dict)
    """Of TrainConfig."""
    network: dict[str, Any] = field(default_factory=dict)
    """Of ModelConfig."""
    seeds: int = 1
    hinted: bool = True
    """Are hints shown, in training and in the test?"""
    table: Literal["networks", "patch", "why"] = "networks"
    """Where it stands; those of the last, which only explain, get a short budget."""
    paper: tuple[float | None, float | None, float | None, float | None] = (None,) * 4
    """The published accuracy in training and test, and loss in training and test (tables 1 and 2)."""


_UNET = (0.4716, 0.4883, 3.0272, 3.5171)
_RESUNET = (0.5505, 0.6074, 2.3735, 3.1884)
_TRANSUNET = (0.3412, 0.3564, 4.1615, 4.6785)
_BLIND = (None, 0.3006, None, 4.4610)
# Without hints there is no patch for eq. 3 to count.
_NO_HINTS: dict[str, Any] = {"hints": "none", "patch_weight": 0.0}

ROWS: dict[str, Row] = {
    "resunet": Row(title="ResUNet", seeds=3, paper=_RESUNET),
    "no-hints": Row(title="ResUNet without hints", changes=_NO_HINTS, hinted=False, seeds=3, paper=_BLIND),
    "unet": Row(title="Simple UNet", preset="paper-unet", paper=_UNET),
    "transunet": Row(title="TransUNet", preset="paper-transunet", paper=_TRANSUNET),
    "paper-resunet": Row(title="ResUNet", recipe="paper", paper=_RESUNET),
    "paper-no-hints": Row(title="ResUNet without hints", recipe="paper", changes=_NO_HINTS, hinted=False, paper=_BLIND),
    "paper-unet": Row(title="Simple UNet", preset="paper-unet", recipe="paper", paper=_UNET),
    "paper-transunet": Row(title="TransUNet", preset="paper-transunet", recipe="paper", paper=_TRANSUNET),
    "no-patch-term": Row(title="no patch term", changes={"patch_weight": 0.0}, table="patch"),
    "whole-patch-term": Row(title="λ = 1, as eq. 4 has it", changes={"patch_weight": 0.25}, table="patch"),
    "paper-no-patch-term": Row(title="no patch term", recipe="paper", changes={"patch_weight": 0.0}, table="patch"),
}

# Why the paper's recipe stays at the constant answer: one thing changed at a time, from either end.
ROWS |= {
    f"why-{name}": replace(row, table="why")
    for name, row in {
        "paper": Row(title="the paper's recipe", recipe="paper"),
        "paper-weights": Row(title="its weights smoothed", recipe="paper", changes={"rebalance": "smoothed"}),
        "paper-rate": Row(title="its learning rate 1e-3", recipe="paper", changes={"learning_rate": 1e-3}),
        "paper-inputs": Row(title="its inputs scaled, with a mask", recipe="paper", network={"hints": "scaled"}),
        "paper-features": Row(title="its features 32 wide", recipe="paper", network={"features": 32}),
        "default": Row(title="the default's recipe"),
        "default-weights": Row(title="its weights raw 1/f", changes={"rebalance": "paper"}),
        "default-rate": Row(title="its learning rate 1e-2", changes={"learning_rate": 1e-2}),
        "default-inputs": Row(title="its inputs raw, without a mask", network={"hints": "bins"}),
        "default-features": Row(title="its features 32 wide", network={"features": 32}),
        "default-even": Row(title="no class weights", changes={"rebalance": "none"}),
    }.items()
}


def queue(names: list[str] | None = None) -> list[tuple[str, int]]:
    """Rows with their seeds in the order of their worth: every row once, then the further seeds.

    Raises UsageError for a name that is no row's.
    """
    for name in names or ():
        if name not in ROWS:
            raise UsageError(f"{name!r} is no row; there are {', '.join(ROWS)}")
    chosen = [(name, seed) for name in names or ROWS for seed in range(ROWS[name].seeds)]
    return sorted(chosen, key=lambda row: row[1])


def budget_of(name: str, full: Budget = FULL) -> Budget:
    """What a row gets, where the others get a full budget."""
    return SHORT if ROWS[name].table == "why" else full


def configuration(name: str, seed: int, budget: Budget, threads: int = 1) -> TrainConfig:
    """What a row is trained with."""
    row = ROWS[name]
    recipe, network = RECIPES[row.recipe]
    return TrainConfig(
        model=replace(PRESETS[row.preset], **network | row.network),
        steps=budget.steps,
        stages=[Stage(until=1.0, size=budget.size, batch_size=budget.batch_size)],
        # Plain torch gives the same batches on every machine.
        loader="torch",
        threads=threads,
        seed=seed,
        # Every test comes right after a logged step, by which the run is stopped for it.
        log_every=gcd(budget.every, 25),
        save_minutes=2.0,
        keep=1,
        **recipe | row.changes,
    )
