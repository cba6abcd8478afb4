"""The trained network of a run's folder, as `gcolor train` leaves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from ..color.errors import UsageError
from .prediction import Network
from .weights import model_of


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
