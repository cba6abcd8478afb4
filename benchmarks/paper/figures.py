"""Figures 2 and 3 of the paper again, from the results that there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gcolor.color import lab
from gcolor.color.lab import Bytes
from gcolor.trainer.scoring.figures import new_figure
from gcolor.trainer.scoring.held_out import without_color
from PIL import Image

from .records import Result
from .rows import FULL, ROWS
from .samples import sample_photos
from .tables import RECIPES, REFERENCES, Found, first_seeds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = ("#1f4e8c", "#c0504d", "#4f8f4f", "#8064a2", "#d98c1f", "#3a9ea5")


def curves(found: Found, recipe: str) -> Figure | None:
    """Figure 2: accuracy and loss over the photo passes, in training and test, of a recipe's rows; None without any."""
    rows = [result for name, result in first_seeds(found, "networks") if ROWS[name].recipe == recipe]
    if not rows:
        return None
    figure = new_figure(9, 6)
    panels = figure.subplots(2, 2, sharex=True)
    for color, result in zip(COLORS, rows, strict=False):
        for panel, name in zip(panels.flat, ("train_accuracy", "accuracy", "train_loss", "loss"), strict=True):
            _draw(panel, result, name, ROWS[result.row].title, color)
        _draw(panels[0, 1], result, "anew", "", color, "--")
    test = "(b) Test accuracy" + (", dashed: means anew" if len(panels[0, 1].lines) > len(rows) else "")
    for panel, title in zip(
        panels.flat, ("(a) Training accuracy", test, "(c) Training loss", "(d) Test loss"), strict=True
    ):
        panel.set_title(title, fontsize=10)
        panel.grid(alpha=0.3)
    for panel in panels[0]:
        _draw_constant(panel, found)
    for panel in panels[1]:
        panel.set_xlabel("photo passes")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure


def explanation(found: Found) -> Figure | None:
    """Test accuracy of the short rows, and how much their logits vary over a photo; None without any."""
    rows = [result for _, result in first_seeds(found, "why")]
    if not rows:
        return None
    figure = new_figure(9, 3.6)
    panels = figure.subplots(1, 2)
    for number, result in enumerate(rows):
        style = {"color": COLORS[number % len(COLORS)], "linestyle": "-" if number < len(COLORS) else "--"}
        for panel, name in zip(panels, ("accuracy", "spread"), strict=True):
            _draw(panel, result, name, ROWS[result.row].title, **style)
    _draw_constant(panels[0], found)
    panels[0].set_title("Test accuracy", fontsize=10)
    panels[1].set_title("Standard deviation of the logits over a photo", fontsize=10)
    # Nothing but 0, where a network answers the same everywhere, may look like 0.
    panels[1].set_yscale("symlog", linthresh=1e-3)
    panels[1].legend(fontsize=8)
    for panel in panels:
        panel.grid(alpha=0.3)
        panel.set_xlabel("photo passes")
    return figure


def samples(found: Found, folder: Path) -> Figure | None:
    """Figure 3: the truth, what a network sees, and what the rows make of it; None without any row's pictures."""
    names = [name for name in (*ROWS, *REFERENCES) if name in found and (folder / f"{name}.jpg").exists()]
    if not names:
        return None
    photos = sample_photos(FULL.size)
    strips = {name: np.split(np.asarray(Image.open(folder / f"{name}.jpg")), len(photos), axis=1) for name in names}
    figure = new_figure(1.5 * (len(names) + 2), 1.55 * len(photos) + 0.4)
    panels = figure.subplots(len(photos), len(names) + 2, squeeze=False)
    for number, (photo, row) in enumerate(zip(photos, panels, strict=True)):
        seen = _shown(photo.rgb, photo.sample.hint_mask[0, 0].numpy() > 0)
        for panel, picture in zip(row, (photo.rgb, seen, *(s[number] for s in strips.values())), strict=True):
            panel.imshow(picture)
            panel.set_axis_off()
    for panel, title in zip(panels[0], ("truth", "grey and hints", *map(_title, names)), strict=True):
        panel.set_title(title, fontsize=7)
    return figure


def _title(name: str) -> str:
    if name in REFERENCES:
        return REFERENCES[name].replace("gcolor's ", "")
    return f"{ROWS[name].title},\n{RECIPES[ROWS[name].recipe]}"


def _shown(rgb: Bytes, hinted: np.ndarray) -> Bytes:
    """The photo without its colors but for its hints."""
    return np.where(hinted[..., None], rgb, without_color(lab.rgb_to_lab(rgb)))


def _draw(panel: Any, result: Result, name: str, label: str, color: str, linestyle: str = "-") -> None:
    points = [point for point in result.curve if name in point]
    if not points:
        return
    batch = result.config["stages"][0]["batch_size"]
    passes = [point["step"] * batch for point in points]
    values = np.array([point[name] for point in points])
    panel.plot(passes, values, color=color, linestyle=linestyle, marker=".", label=label)
    if f"{name}_error" in points[0]:
        error = np.array([point[f"{name}_error"] for point in points])
        panel.fill_between(passes, values - error, values + error, color=color, alpha=0.15, linewidth=0)


def _draw_constant(panel: Any, found: Found) -> None:
    for result in found.get("constant", []):
        panel.axhline(result.mean("accuracy")["mean"], color="grey", linestyle=":", label=REFERENCES["constant"])
