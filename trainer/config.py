"""Everything that a training run is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ..color.errors import UsageError
from ..models import PRESETS, ModelConfig

Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(kw_only=True, slots=True)
class Stage:
    """One part of a run: until this share of the budget, crops of this size in batches of this many."""

    until: float
    size: int
    batch_size: int
    """Photos per optimizer step, over all processes and micro-batches together."""


def _stages() -> list[Stage]:
    return [
        Stage(until=0.55, size=128, batch_size=32),
        Stage(until=0.8, size=192, batch_size=16),
        Stage(until=1.0, size=256, batch_size=12),
    ]


@dataclass(kw_only=True, slots=True)
class TrainConfig:
    """A training run; saved beside its checkpoints."""

    model: ModelConfig = field(default_factory=lambda: PRESETS["default"])
    """The network."""
    steps: int = 20_000
    """Optimizer steps of the whole run."""
    minutes: float = 0.0
    """Wall-clock budget; when above 0 the schedule follows whichever of steps and minutes is nearer its end."""
    stages: list[Stage] = field(default_factory=_stages)
    """Small crops first, the working grid last: four times as many photos for the same time."""
    crop: Literal["random", "stretch"] = "random"
    """A random part of each photo, half of them mirrored, or (the paper) the whole photo stretched to a square."""

    encoder_weights: str = "auto"
    """What a network's encoder begins with: a file of published weights, "auto" for those of the installed package, or
    "none" for random numbers; without an encoder, or with the weights of another run, it does not count."""
    encoder_training: Literal["frozen", "trained"] = "frozen"
    """Leave the encoder as it begins, which makes a photo cost a fraction of the time, or let it learn, too."""
    encoder_rate: float = 0.2
    """Learning rate of an encoder that learns, as a share of the others'."""

    optimizer: Literal["adamw", "adam"] = "adamw"
    learning_rate: float = 2e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    """After the warm-up: a cosine to 1 % over the budget, or (the paper) always the same."""
    weight_decay: float = 1e-2
    warmup_steps: int = 200
    clip_norm: float = 1.0
    """Largest norm of the gradient; 0 for any."""
    accumulate: int = 1
    """Micro-batches per optimizer step, where a batch does not fit the memory at once."""
    ema: float = 0.998
    """Decay of the averaged weights, which are what is scored and exported; 0 for the last weights themselves."""

    rebalance: Literal["smoothed", "paper", "none"] = "smoothed"
    """Class weights: Zhang et al. 2016 (prior mixed half with uniform), the paper's raw 1/f (eq. 1), or none."""
    labels: Literal["soft", "hard"] = "soft"
    """Truth shared between the two nearest bins, so that its expectation is unbiased, or (the paper) its bin alone."""
    classification_weight: float = 0.25
    """Weight of the cross-entropy over both heads (eq. 2)."""
    patch_weight: float = 0.1
    """lambda_patch, the extra weight of the cross-entropy at hinted cells (eq. 3)."""
    joint_weight: float = 0.1
    """Weight of the cross-entropy over a and b together, where the network has it; nothing else depends on it."""
    regression_weight: float = 0.1
    """Weight of the smooth L1 distance of the decoded ab, in ab units; 0 leaves it out (the paper has none)."""

    max_grey: float = 0.97
    """Of a plain folder, photos with this share of near-grey pixels are left out (the paper: 0.7, two of three)."""
    hints: Literal["simulated", "paper", "none"] = "simulated"
    """None to many of all sizes, the paper's 3x3 patches over 0.5 % of the picture, or none at all."""
    max_hints: int = 200
    hint_free: float = 0.15
    """Share of the photos that get no hint (simulated)."""
    recolor: float = 0.4
    """Share of photos in which one color is replaced by a foreign one, so that hints outweigh habit."""
    age: float = 0.5
    """Share of photos that are made old: tones, and of parts of them blur, grain, stains, dirt, compression."""
    frame: float = 0.05
    """Share of photos that get a frame without color, as scans of prints have it."""

    seed: int = 0
    device: str = "cpu"
    processes: int = 1
    """One process per GPU; on the CPU, processes that share it."""
    precision: Precision = "fp32"
    """Arithmetic of the network; color and loss are always fp32."""
    compile: bool = False
    """Run the network through torch.compile (pays on GPUs; minutes of compiling on a CPU, for nothing)."""
    loader: Literal["dali", "torch"] = "dali"
    workers: int = 1
    """Decoding threads of each training process."""
    threads: int = 0
    """Threads for arithmetic on the CPU; 0 leaves the choice to torch."""

    log_every: int = 10
    save_minutes: float = 5.0
    save_every: int = 0
    """Also save after every so many steps; 0 for never."""
    keep: int = 3
    """How many checkpoints stay, besides the best weights."""
    evaluate_minutes: float = 15.0
    evaluate_every: int = 0
    """Also score after every so many steps; 0 for never."""
    validation: str = ""
    """Folder of held-out photos to score on; empty for none."""
    evaluate_photos: int = 64
    """How many of the held-out photos are scored."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        """What `to_dict` gave. Raises UsageError for fields that this version does not know."""
        unknown = values.keys() - {f.name for f in fields(cls)}
        if unknown:
            raise UsageError(
                f"this run is of another version of gcolor, which knew {', '.join(sorted(unknown))}; "
                "begin a new one from its weights with --start"
            )
        values = dict(values)
        values["model"] = ModelConfig.from_dict(values["model"])
        values["stages"] = [Stage(**s) for s in values["stages"]]
        return cls(**values)


def choices_of(name: str, config: type = TrainConfig) -> tuple[str, ...]:
    """The words that a field of a configuration may be; none where it may be anything else."""
    kind = get_type_hints(config).get(name)
    return get_args(kind) if get_origin(kind) is Literal else ()


ENCODERS = choices_of("encoder", ModelConfig)
"""What may look at the photograph beside the network itself; "" for nothing."""


def parse_field(text: str) -> tuple[str, Any]:
    """A field of TrainConfig and its value from "NAME=VALUE", as the command line has them.

    Raises UsageError where there is no such field, it is no single value, or it cannot have this one.
    """
    name, equals, value = text.partition("=")
    kind = get_type_hints(TrainConfig).get(name)
    choices = choices_of(name)
    if not equals or kind is None or (kind not in (str, int, float, bool) and not choices):
        raise UsageError(f"--set {text}: write NAME=VALUE with a field of gcolor.trainer.config.TrainConfig")
    if choices and value not in choices:
        raise UsageError(f"--set {text}: must be one of {', '.join(choices)}")
    if choices or kind is str:
        return name, value
    try:
        return name, {"true": True, "false": False}[value.lower()] if kind is bool else kind(value)
    except (KeyError, ValueError) as error:
        raise UsageError(f"--set {text}: {value!r} is no {kind.__name__}") from error


# Section 5.1 and eq. 1-4 as written: Adam at a constant 1e-2, decay 1e-3, batches of 32, raw 1/f weights, hard labels,
# 36 patches of 3x3 on photos stretched to 256 x 256. The paper gives no lambda_patch; 1 counts a hinted pixel twice.
PAPER: dict[str, Any] = {
    "stages": [Stage(until=1.0, size=256, batch_size=32)],
    "crop": "stretch",
    "optimizer": "adam",
    "learning_rate": 1e-2,
    "schedule": "constant",
    "weight_decay": 1e-3,
    "warmup_steps": 0,
    "clip_norm": 0.0,
    "ema": 0.0,
    "rebalance": "paper",
    "labels": "hard",
    "classification_weight": 1.0,
    "patch_weight": 1.0,
    "regression_weight": 0.0,
    "max_grey": 0.7,
    "hints": "paper",
    "recolor": 0.0,
    "age": 0.0,
    "frame": 0.0,
}


RECIPES: dict[str, dict[str, Any]] = {"default": {}, "paper": PAPER}


def preset(name: str, recipe: str | None = None) -> TrainConfig:
    """A run of a network's preset (a key of models.PRESETS) by a recipe (a key of RECIPES).

    By default the paper's networks train as the paper has it.
    """
    if recipe is None:
        recipe = "paper" if name.startswith("paper") else "default"
    return TrainConfig(model=PRESETS[name], **RECIPES[recipe])
