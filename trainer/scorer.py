"""What can be evaluated: a training run or a bundle, behind one small face."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from ..color.errors import UsageError
from ..models.weights import load_model
from ..runtime.bundle import sha256
from ..runtime.colorizer import Colorizer
from .evaluate import EvalPhoto, Scores, score_bundle, score_network
from .figures import draw
from .loss import class_weights


class Scorer(Protocol):
    """about: what is scored, for the report."""

    about: dict[str, Any]

    def score(self, photos: list[EvalPhoto], count: int) -> list[Scores]:
        """The scores of each photo with so many hints."""
        ...

    def draw(self, folder: Path, photos: list[EvalPhoto]) -> None:
        """Figures of how it colours the photos."""
        ...


def open_scorer(path: Path, weights: str, device: torch.device) -> Scorer:
    """The run or bundle in a folder; of a run, weights: "last" or "best" (by validation).

    Raises UsageError where the folder is neither, BundleError where a bundle is damaged, EngineError where the device
    cannot run it.
    """
    if (path / "run.json").is_file():
        return RunScorer(path, "model.safetensors" if weights == "last" else "best.safetensors", device)
    if (path / "manifest.json").is_file():
        return BundleScorer(path, device)
    raise UsageError(f"{path}: neither a training run (run.json) nor a bundle (manifest.json)")


class RunScorer:
    """Scores a run's weights in PyTorch, with the logits and the run's class weights, too."""

    def __init__(self, run: Path, file: str, device: torch.device) -> None:
        self.model, info = load_model(run, file)
        self.model.to(device)
        self.device = device
        counts = info.get("bin_counts")
        self.weights = None
        if counts:
            self.weights = class_weights(np.array(counts), info["config"]["rebalance"]).to(device)
        self.about = {"path": str(run), "kind": "run", "variant": info["config"]["model"]["variant"]}
        self.about |= {"step": info["step"], "sha256": sha256((run / file).read_bytes())}

    def score(self, photos: list[EvalPhoto], count: int) -> list[Scores]:
        return score_network(self.model, photos, self.device, count, self.weights)

    def draw(self, folder: Path, photos: list[EvalPhoto]) -> None:
        draw(folder, self.model, photos, self.device)


class BundleScorer:
    """Scores the pictures that a bundle paints in ONNX Runtime."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.colorizer = Colorizer(folder, device=str(device))
        manifest = self.colorizer.bundle.manifest
        self.about = {"path": str(folder), "kind": "bundle", "variant": manifest["model"]["variant"]}
        self.about |= {"sha256": manifest["files"]["model.onnx"]}

    def score(self, photos: list[EvalPhoto], count: int) -> list[Scores]:
        return score_bundle(self.colorizer, photos, count)

    def draw(self, folder: Path, photos: list[EvalPhoto]) -> None:
        raise UsageError("--figures: only a training run has logits to draw; give its folder")
