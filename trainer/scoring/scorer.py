"""What can be evaluated: a training run or a bundle, behind one small face. Only a run needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ...color.errors import UsageError
from ...runtime.colorizer import Colorizer
from ...runtime.manifest import is_bundle
from .held_out import EvalPhoto, Scores, score_bundle


class Scorer(Protocol):
    """about: what is scored, for the report; versions: of the library that it runs in."""

    about: dict[str, Any]
    versions: dict[str, str]

    def score(self, photos: list[EvalPhoto], counts: Sequence[int]) -> dict[int, list[Scores]]:
        """For each number of hints the scores of each photo."""
        ...

    def draw(self, folder: Path, photos: list[EvalPhoto]) -> None:
        """Figures of how it colors the photos."""
        ...


def is_run(path: Path) -> bool:
    """Does the folder hold a training run?"""
    return (path / "run.json").is_file()


def open_scorer(path: Path, weights: str, device: str) -> Scorer:
    """The run or bundle in a folder; of a run, weights: "last" or "best" (by validation). device: see `gcolor batch`.

    Raises UsageError where the folder is neither, BundleError where a bundle is damaged, EngineError where the device
    cannot run it.
    """
    if is_run(path):
        from .of_run import RunScorer

        return RunScorer(path, weights, device)
    if is_bundle(path):
        return BundleScorer(path, device)
    raise UsageError(f"{path}: neither a training run (run.json) nor a bundle (manifest.json)")


class BundleScorer:
    """Scores the pictures that a bundle paints in ONNX Runtime."""

    def __init__(self, folder: Path, device: str) -> None:
        self.colorizer = Colorizer(folder, device=device)
        import onnxruntime

        self.versions = {"onnxruntime": onnxruntime.__version__}
        manifest = self.colorizer.bundle.manifest
        self.about = {"path": str(folder), "kind": "bundle", "variant": manifest.variant}
        self.about |= {"sha256": manifest.files["model.onnx"], "device": self.colorizer.engine.device}

    def score(self, photos: list[EvalPhoto], counts: Sequence[int]) -> dict[int, list[Scores]]:
        return score_bundle(self.colorizer, photos, counts)

    def draw(self, folder: Path, photos: list[EvalPhoto]) -> None:
        raise UsageError("--figures: only a training run has logits to draw; give its folder")
