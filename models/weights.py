"""Trained weights from a run's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load

from ..color.errors import UsageError
from .build import build
from .config import ModelConfig
from .prediction import Network


def model_of(config: dict[str, Any], weights: bytes) -> Network:
    """The network of a configuration as a dictionary, in evaluation mode, with the bytes of a safetensors file.

    Raises TypeError, ValueError or RuntimeError where the two do not fit.
    """
    model = build(ModelConfig.from_dict(config))
    model.load_state_dict(load(weights))
    return model.eval()


def load_model(run: Path, file: str = "model.safetensors") -> tuple[Network, dict[str, Any]]:
    """The trained network of a run's folder (averaged weights, evaluation mode) and its run.json.

    file: "best.safetensors" for those with the best validation scores.

    Raises UsageError where the folder holds no run or the weights do not belong to the configuration.
    """
    try:
        info = json.loads((run / "run.json").read_text())
        model = model_of(info["config"]["model"], (run / file).read_bytes())
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise UsageError(
            f"{run}: not a usable training run ({error}); give the folder that `gcolor train` wrote"
        ) from error
    return model, info
