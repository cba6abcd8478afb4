"""Scores of a training run's weights, in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ...color.errors import UsageError
from ...models.run_folder import load_model
from ...runtime.manifest import sha256
from ..loss import class_weights
from ..session import usable_device
from .figures import draw
from .held_out import EvalPhoto, Scores
from .of_network import score_network

FILES = {"last": "model.safetensors", "best": "best.safetensors"}


class RunScorer:
    """Scores a run's weights, "last" or "best", with the logits and the run's class weights, too.

    Raises UsageError where they are not there, EngineError where the device is not.
    """

    def __init__(self, run: Path, weights: str, device: str) -> None:
        file = FILES[weights]
        if weights == "best" and not (run / file).is_file():
            raise UsageError(f"{run}: no {file}, which a run writes at each validation; take --weights last")
        self.device = usable_device(device)
        self.model, info = load_model(run, file)
        self.model.to(self.device)
        counts = info.get("bin_counts")
        self.weights = None
        if counts:
            self.weights = class_weights(np.array(counts), info["config"]["rebalance"]).to(self.device)
        self.versions = {"torch": str(torch.__version__)}
        self.about = {"path": str(run), "kind": "run", "variant": info["config"]["model"]["variant"]}
        self.about |= {"weights": weights, "sha256": sha256((run / file).read_bytes()), "device": str(self.device)}
        if weights == "last":
            # run.json knows only this step; the best weights may be much older.
            self.about["step"] = info["step"]

    def score(self, photos: list[EvalPhoto], counts: Sequence[int]) -> dict[int, list[Scores]]:
        return score_network(self.model, photos, self.device, counts, self.weights)

    def draw(self, folder: Path, photos: list[EvalPhoto]) -> None:
        draw(folder, self.model, photos, self.device)
