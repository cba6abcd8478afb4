"""A run's figures: its curves (the paper's Fig. 2), colored photos (Fig. 3) and the confusion of the ab bins."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...color import bins, protocol
from ...models import Network
from ...runtime.files import replace_file
from .held_out import show_hints, without_color
from .of_network import EvalPhoto, confusion_matrix, paint, predictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110
# Scores of which hints the curves show: the paper's 36 in full, the others thinner.
PAPER = protocol.PAPER_HINTS
# Confusion: shares below the first are drawn as it, true bins that no photo holds in the second.
LEAST, UNSEEN = 1e-3, "0.88"


def draw_curves(run: Path) -> None:
    """RUN/figures/curves.png; nothing without matplotlib."""
    if find_spec("matplotlib"):
        save_figure(curves(run), run / "figures" / "curves.png")


def draw(folder: Path, model: Network, photos: list[EvalPhoto], device: torch.device) -> None:
    """samples.png and confusion.png of a network on held-out photos; nothing without matplotlib."""
    if not find_spec("matplotlib"):
        return
    save_figure(samples(model, photos[:6], device), folder / "samples.png")
    save_figure(confusion(model, photos, device), folder / "confusion.png")


def curves(run: Path) -> Figure:
    """Accuracy and loss over the steps, in training and on held-out photos, from metrics.jsonl and validation.jsonl.

    A panel without any numbers says so; lines that are cut short or lack a number are left out.
    """
    trained, held = _lines(run / "metrics.jsonl"), _lines(run / "validation.jsonl")
    figure = new_figure(10, 6.5)
    panels = figure.subplots(2, 2, sharex=True)
    _draw_training(panels[0, 0], trained, "accuracy")
    _draw_held_out(panels[0, 1], held, "argmax_accuracy")
    _draw_training(panels[1, 0], trained, "loss")
    _draw_held_out(panels[1, 1], held, "weighted")
    titles = ("(a) Training accuracy", "(b) Test accuracy", "(c) Training loss", "(d) Test loss")
    share = "share of cells in the true bin"
    for panel, title, unit in zip(
        panels.flat, titles, (share, share, "loss, all terms", "class-weighted cross-entropy"), strict=True
    ):
        panel.set(title=title, ylabel=unit)
        panel.grid(alpha=0.3)
        if panel.lines:
            panel.legend(fontsize=8)
        else:
            panel.text(0.5, 0.5, "nothing logged yet", transform=panel.transAxes, ha="center", color="grey")
            panel.set_yticks([])
        if unit == share and panel.lines:
            panel.set_ylim(bottom=0.0)
    for panel in panels[1]:
        panel.set_xlabel("optimizer step")
    return figure


def _draw_training(panel: Any, lines: list[dict[str, Any]], name: str) -> None:
    points = [(line["step"], line[name]) for line in lines if name in line]
    if not points:
        return
    steps, values = zip(*points, strict=True)
    many = len(values) > 20
    panel.plot(steps, values, color="#b9c7dd" if many else "#1f4e8c", linewidth=1.0, marker=".", label="logged steps")
    if many:
        width = max(5, len(values) // 20) | 1
        smooth = np.convolve(values, np.ones(width) / width, "valid")
        label = f"mean of {width} of them"
        panel.plot(steps[width // 2 : len(steps) - width // 2], smooth, color="#1f4e8c", linewidth=1.8, label=label)


def _draw_held_out(panel: Any, lines: list[dict[str, Any]], name: str) -> None:
    rows = [(line["step"], row) for line in lines for row in line["rows"] if name in row]
    for count in sorted({row["hints"] for _, row in rows}):
        steps, values = zip(*[(step, row[name]) for step, row in rows if row["hints"] == count], strict=True)
        thick = 2.2 if count == PAPER else 1.0
        panel.plot(steps, values, marker=".", linewidth=thick, markersize=4 + 2 * thick, label=f"{count} hints")


def samples(model: Network, photos: list[EvalPhoto], device: torch.device, count: int = PAPER) -> Figure:
    """Rows of grey photo, hints, prediction and truth."""
    figure = new_figure(8.4, 2.15 * max(1, len(photos)) + 0.3)
    panels = figure.subplots(max(1, len(photos)), 4, squeeze=False)
    made = [
        (without_color(own), show_hints(photo, count), paint(own, ab), photo.rgb)
        for batch in predictions(model, photos, device, (count,))
        for photo, own, ab in zip(batch.photos, batch.labs, batch.prediction.ab, strict=True)
    ]
    for row, pictures in zip(panels, made, strict=True):
        for panel, picture in zip(row, pictures, strict=True):
            panel.imshow(picture)
    for panel, title in zip(panels[0], ("Grey", f"{count} hints (enlarged)", "Prediction", "Truth"), strict=True):
        panel.set_title(title, fontsize=10)
    for panel in panels.flat:
        panel.set_axis_off()
    return figure


def confusion(model: Network, photos: list[EvalPhoto], device: torch.device, count: int = PAPER) -> Figure:
    """Which bin is predicted for which true bin, as shares of the true bin's cells, on a logarithmic scale."""
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Patch

    figure = new_figure(10, 4.9)
    low, high = float(bins.LOWEST), float(bins.LOWEST + bins.COUNT * bins.WIDTH)
    panels = figure.subplots(1, 2)
    image: Any = None
    for panel, name, shares in zip(panels, "ab", confusion_matrix(model, photos, device, count), strict=True):
        # A bin that no photo holds has no shares; in black it would look like one that is never predicted.
        unseen = np.repeat(shares.sum(1, keepdims=True) == 0, bins.COUNT, axis=1)
        panel.set_facecolor(UNSEEN)
        image = panel.imshow(
            np.ma.masked_array(np.maximum(shares, LEAST), unseen),
            norm=LogNorm(LEAST, 1.0),
            extent=(low, high, low, high),
            origin="lower",
            cmap="magma",
            interpolation="nearest",
        )
        panel.set(title=f"{name}, {count} hints", xlabel=f"predicted {name} (CIELAB)", ylabel=f"true {name} (CIELAB)")
        # Beyond, no color of the sRGB gamut lies.
        panel.set(xlim=(-112, 104), ylim=(-112, 104))
        panel.axline((0, 0), slope=1, color="grey", linewidth=0.7)
    figure.legend(
        handles=[Patch(facecolor=UNSEEN, label="no cell of that true bin")], loc="outside lower left", frameon=False
    )
    figure.colorbar(image, ax=panels, shrink=0.85, extend="min", label="share of the true bin's cells")
    return figure


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches."""
    # Not pyplot: it keeps state, and looks for a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format that its ending says, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, partial(figure.savefig, format=path.suffix[1:]))


def _lines(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in path.read_text().splitlines() if path.exists() else ():
        with suppress(ValueError):  # the last line of a run that was cut off
            found.append(json.loads(line))
    return found
