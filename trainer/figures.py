"""A run's figures: its curves (the paper's Fig. 2), coloured photos (Fig. 3) and the confusion of the ab bins."""

from __future__ import annotations

import json
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..color import bins, lab, protocol
from ..models import Network
from ..runtime.files import replace_file
from .evaluate import EvalPhoto, confusion_matrix, paint, predictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110
# Scores of which hints the curves show: the paper's 36 in full, the others thinner.
PAPER = protocol.PAPER_HINTS


def draw_curves(run: Path) -> None:
    """RUN/figures/curves.png; nothing without matplotlib."""
    if find_spec("matplotlib"):
        _save(curves(run), run / "figures" / "curves.png")


def draw(folder: Path, model: Network, photos: list[EvalPhoto], device: torch.device) -> None:
    """samples.png and confusion.png of a network on held-out photos; nothing without matplotlib."""
    if not find_spec("matplotlib"):
        return
    _save(samples(model, photos[:6], device), folder / "samples.png")
    _save(confusion(model, photos, device), folder / "confusion.png")


def curves(run: Path) -> Figure:
    """Accuracy and loss over the steps, in training and on held-out photos, from metrics.jsonl and validation.jsonl."""
    trained, held = _lines(run / "metrics.jsonl"), _lines(run / "validation.jsonl")
    figure = _figure(10, 6.5)
    panels = figure.subplots(2, 2, sharex=True)
    left = {"accuracy": "Accuracy", "loss": "Loss"}
    right = {"argmax_accuracy": "Accuracy", "weighted": "Cross-entropy, class weights"}
    for number, (ours, theirs) in enumerate(zip(left, right, strict=True)):
        steps = [line["step"] for line in trained]
        values = np.array([line[ours] for line in trained])
        panels[number, 0].plot(steps, values, color="#b9c7dd", linewidth=0.8, label="each logged step")
        if len(values) > 20:
            width = len(values) // 20
            smooth = np.convolve(values, np.ones(width) / width, "valid")
            panels[number, 0].plot(steps[width // 2 :][: len(smooth)], smooth, color="#1f4e8c", label="moving mean")
        panels[number, 0].set_title(f"{left[ours]}, training")
        for count in sorted({row["hints"] for line in held for row in line["rows"]}):
            points = [(line["step"], row[theirs]) for line in held for row in line["rows"] if row["hints"] == count]
            thick = 2.0 if count == PAPER else 1.0
            panels[number, 1].plot(*zip(*points, strict=True), marker=".", linewidth=thick, label=f"{count} hints")
        panels[number, 1].set_title(f"{right[theirs]}, held-out photos")
    for panel in panels.flat:
        panel.grid(alpha=0.3)
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize=8)
    for panel in panels[1]:
        panel.set_xlabel("optimizer step")
    return figure


def samples(model: Network, photos: list[EvalPhoto], device: torch.device, count: int = PAPER) -> Figure:
    """Rows of grey photo, hints, prediction and truth."""
    figure = _figure(8.4, 2.15 * max(1, len(photos)) + 0.3)
    panels = figure.subplots(max(1, len(photos)), 4, squeeze=False)
    made = [
        paint(photo, ab)
        for part, prediction, _ in predictions(model, photos, device, count)
        for photo, ab in zip(part, prediction.ab, strict=True)
    ]
    for row, photo, prediction in zip(panels, photos, made, strict=True):
        grey = lab.lab_to_rgb(photo.lab * (1.0, 0.0, 0.0))
        # Hints are drawn larger than they are, or nobody would see them.
        shown = grey.copy()
        for y, x in protocol.hint_centres(photo.name, count):
            shown[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5] = 255
            shown[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = photo.rgb[y, x]
        for panel, picture in zip(row, (grey, shown, prediction, photo.rgb), strict=True):
            panel.imshow(picture)
    for panel, title in zip(panels[0], ("Grey", f"{count} hints (enlarged)", "Prediction", "Truth"), strict=True):
        panel.set_title(title, fontsize=10)
    for panel in panels.flat:
        panel.set_axis_off()
    return figure


def confusion(model: Network, photos: list[EvalPhoto], device: torch.device, count: int = PAPER) -> Figure:
    """Which bin is predicted for which true bin, as shares of the true bin's cells, on a logarithmic scale."""
    from matplotlib.colors import LogNorm

    figure = _figure(10, 4.6)
    low, high = float(bins.LOWEST), float(bins.LOWEST + bins.COUNT * bins.WIDTH)
    panels = figure.subplots(1, 2)
    image: Any = None
    for panel, name, shares in zip(panels, "ab", confusion_matrix(model, photos, device, count), strict=True):
        image = panel.imshow(
            np.maximum(shares, 1e-3),
            norm=LogNorm(1e-3, 1.0),
            extent=(low, high, low, high),
            origin="lower",
            cmap="magma",
            interpolation="nearest",
        )
        panel.set(title=f"{name}, {count} hints", xlabel=f"predicted {name}", ylabel=f"true {name}")
        # Beyond, no colour of the sRGB gamut lies.
        panel.set(xlim=(-112, 104), ylim=(-112, 104))
        panel.axline((0, 0), slope=1, color="white", linewidth=0.5, alpha=0.6)
    figure.colorbar(image, ax=panels, label="share of the true bin's cells")
    return figure


def _figure(width: float, height: float) -> Figure:
    # Not pyplot: it keeps state, and looks for a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, partial(figure.savefig, format="png"))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
