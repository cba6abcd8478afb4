"""What is kept of a row that is complete: RESULTS/<row>-<seed>.json, small enough to be committed.

The tables and figures are made of these files alone, so a row that was trained on one machine needs no other to do so
again.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from gcolor.color.errors import UsageError
from gcolor.color.scores import mean_and_error
from gcolor.models import ModelConfig
from gcolor.runtime.files import replace_file
from gcolor.runtime.machine import describe
from gcolor.trainer.data.shards import ShardSet
from numpy.typing import NDArray

from .examine import Scores

FOLDER = Path(__file__).parent / "results"
COSTS = "costs.json"
COMPACT = (",", ":")
# How a run is made, not what it is.
ELSEWHERE = ("threads", "workers", "device", "save_minutes", "keep")


@dataclass(slots=True, kw_only=True)
class Result:
    """A row as it was trained and tested."""

    row: str
    seed: int = 0
    passes: int = 0
    """Photos seen in training, each as often as it was."""
    minutes: float = 0.0
    """Wall clock of the training, tests not counted."""
    commit: str = ""
    machine: dict[str, str] = field(default_factory=dict)
    photos: dict[str, Any] = field(default_factory=dict)
    """How many photos the row was trained with and tested on, and the digests that name them."""
    config: dict[str, Any] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)
    """Per test: step, means over the steps since the last one ("train_…"), means over the photos with their errors."""
    test: dict[str, list[float | None]] = field(default_factory=dict)
    """Of the last test, each score of each photo, in the photos' order."""

    def column(self, score: str) -> NDArray[np.float64]:
        """A score of all photos, NaN where a photo has none."""
        return np.array(self.test[score], np.float64)

    def mean(self, score: str) -> dict[str, float]:
        """Mean and standard error of a score over the photos that have it."""
        values = self.column(score)
        return mean_and_error(values[~np.isnan(values)])

    def above(self, other: Result, score: str = "accuracy") -> dict[str, float]:
        """Mean and standard error of how much better this row is than another on the same photo.

        Raises UsageError where the two were tested on different photos.
        """
        if self.photos["test_digest"] != other.photos["test_digest"]:
            raise UsageError(f"{self.row} and {other.row} were tested on different photos; make one of them again")
        away = self.column(score) - other.column(score)
        return mean_and_error(away[~np.isnan(away)])


def columns(scores: list[Scores]) -> dict[str, list[float | None]]:
    """Scores photo by photo to what a result keeps."""
    return {name: [None if (v := s[name]) is None else round(v, 3) for s in scores] for name in scores[0]}


def made_with(train: ShardSet, test: ShardSet) -> dict[str, Any]:
    """What a result says of its photos."""
    return {
        "train": train.photos,
        "train_digest": train.digest,
        "test": test.photos,
        "test_digest": test.digest,
    }


def path_of(folder: Path, row: str, seed: int) -> Path:
    return folder / f"{row}-{seed}.json"


def save(folder: Path, result: Result) -> None:
    """Write a result whole or not at all, a line for each of its parts."""
    parts = [f"{json.dumps(name)}: {json.dumps(value, separators=COMPACT)}" for name, value in asdict(result).items()]
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(path_of(folder, result.row, result.seed), lambda temporary: temporary.write_text(text), durable=True)


def load(folder: Path, row: str, seed: int) -> Result | None:
    """A result, None where the row is not complete. Raises UsageError where the file is damaged."""
    path = path_of(folder, row, seed)
    try:
        return Result(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: damaged ({error}); take it from the repository again, or remove it") from error


def is_complete(folder: Path, row: str, seed: int, config: dict[str, Any], photos: dict[str, Any]) -> bool:
    """Whether a row has its result. Raises UsageError where that was made by another configuration or of other photos.

    photos: see `made_with`.
    """
    found = load(folder, row, seed)
    if found is None:
        return False
    kept, wanted = _decisive(found.config), _decisive(json.loads(json.dumps(config)))
    # What a configuration has come to say since does not make the row another.
    differing = sorted(k for k in kept.keys() & wanted.keys() if kept[k] != wanted[k])
    if differing or found.photos != photos:
        how = f"made with another {', '.join(differing)}" if differing else "made of other photos"
        raise UsageError(f"{path_of(folder, row, seed)}: {how}; give other --results, or remove it")
    return True


def _decisive(config: dict[str, Any]) -> dict[str, Any]:
    """What makes a row what it is, of a training configuration as it is kept."""
    decisive = {name: value for name, value in config.items() if name not in ELSEWHERE}
    return decisive | {"model": ModelConfig.from_dict(config["model"]).decisive()}


def machine() -> dict[str, str]:
    """What a result says of the machine."""
    about = describe()
    return {name: about[name] for name in ("processor", "usable_cores", "gpu", "torch") if name in about}


@cache
def commit() -> str:
    """The repository's commit when first asked for, "-dirty" where files differ from it; empty outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
