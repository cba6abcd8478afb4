"""The tables of docs/paper.md, in Markdown, from the results that there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from . import records
from .records import Result
from .rows import ROWS, Row, budget_of, queue

Found = dict[str, list[Result]]
"""The results of each row, seed by seed; only rows that have any."""

NOTHING = "No row of this table is complete yet."
RECIPES = {"default": "the default's", "paper": "the paper's"}
REFERENCES = {
    "constant": "always the commonest bins",
    "gcolor-no-hints": "gcolor's default model without hints",
    "gcolor": "gcolor's default model",
}
PAIRS = (("resunet", "no-hints"), ("paper-resunet", "paper-no-hints"), ("gcolor", "gcolor-no-hints"))
"""Rows that differ in whether hints are shown."""
ZONES = ("accuracy", "hinted", "around", "beyond")


def together(found: list[Result]) -> Result:
    """The results of several seeds as one: photo by photo their mean."""
    return replace(found[0], test={k: list(np.mean([r.column(k) for r in found], axis=0)) for k in found[0].test})


def markdown(head: list[str], lines: Iterable[list[str]]) -> str:
    """A table; a sentence where it would have no line."""
    body = [" | ".join(line) for line in lines]
    if not body:
        return NOTHING
    return "\n".join(f"| {text} |" for text in (" | ".join(head), " | ".join(["---"] * len(head)), *body))


def plus_minus(value: dict[str, float], sign: str = "") -> str:
    """A mean and its standard error; "-" where nothing was measured."""
    return "-" if np.isnan(value["mean"]) else f"{value['mean']:{sign}.3f} ± {value['error']:.3f}"


def published(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def networks(found: Found) -> str:
    """Table 1, and the rows that it is read beside."""
    head = [
        "",
        "recipe",
        "passes",
        "acc. train",
        "acc. test",
        "best test",
        "weights taken out",
        "means anew",
        "loss train",
        "loss test",
    ]
    head += ["paper: acc. train", "acc. test", "loss train", "loss test"]
    lines = []
    for name, result in first_seeds(found, "networks"):
        row, last = ROWS[name], result.curve[-1]
        best = max(point["accuracy"] for point in result.curve)
        cells = [row.title, RECIPES[row.recipe], f"{result.passes:,}", f"{last['train_accuracy']:.3f}"]
        cells += [plus_minus(result.mean("accuracy")), f"{best:.3f}", plus_minus(result.mean("unweighted"))]
        cells += [plus_minus(result.mean("anew")) if "anew" in result.test else "-"]
        cells += [f"{last['train_loss']:.3f}", plus_minus(result.mean("loss")), *map(published, row.paper)]
        lines.append(cells)
    for name, title in REFERENCES.items():
        for result in found.get(name, []):
            lines.append([title, *[""] * 3, plus_minus(result.mean("accuracy")), *[""] * 9])
    return markdown(head, lines)


def hints(found: Found) -> str:
    """Table 2: what hints are worth, photo by photo, and over the seeds."""
    head = ["", "recipe", "seeds", "with hints", "without", "worth of the hints", "over the seeds"]
    head += ["paper: with", "without"]
    lines = []
    for with_them, without in PAIRS:
        pairs = list(zip(found.get(with_them, []), found.get(without, []), strict=False))
        if not pairs:
            continue
        with_all, without_all = (together(list(column)) for column in zip(*pairs, strict=True))
        worth = [one.above(other)["mean"] for one, other in pairs]
        row, blind = (ROWS.get(name, Row(title=REFERENCES.get(name, ""))) for name in (with_them, without))
        cells = [row.title, RECIPES[row.recipe] if with_them in ROWS else "", str(len(pairs))]
        cells += [plus_minus(with_all.mean("accuracy")), plus_minus(without_all.mean("accuracy"))]
        cells += [plus_minus(with_all.above(without_all), "+")]
        cells += [f"{min(worth):+.3f} to {max(worth):+.3f}" if len(worth) > 1 else "-"]
        lines.append([*cells, published(row.paper[1]), published(blind.paper[1])])
    return markdown(head, lines)


def patch_term(found: Found) -> str:
    """Equation 3 on and off: the accuracy at hints, around them and elsewhere, and what changes by it."""
    head = ["recipe", "patch term", "whole photo", "at hints", "around them", "beyond"]
    lines = []
    for base, others in (
        ("resunet", ("no-patch-term", "whole-patch-term")),
        ("paper-resunet", ("paper-no-patch-term",)),
    ):
        if base not in found or not any(name in found for name in others):
            continue
        whole, recipe = found[base][0], RECIPES[ROWS[base].recipe]
        lines.append([recipe, "as the recipe has it", *(plus_minus(whole.mean(zone)) for zone in ZONES)])
        for name in (name for name in others if name in found):
            cells = [plus_minus(found[name][0].above(whole, zone), "+") for zone in ZONES]
            lines.append([recipe, f"{ROWS[name].title}: change", *cells])
    return markdown(head, lines)


def why(found: Found) -> str:
    """The short rows, of which each changes one thing of either recipe."""
    head = [
        "recipe",
        "acc. test",
        "above the constant answer",
        "weights taken out",
        "logits vary by",
        "passes",
        "loss train",
    ]
    constant = found.get("constant", [None])[0]
    lines = []
    for name, result in first_seeds(found, "why"):
        above = plus_minus(result.above(constant), "+") if constant else "-"
        cells = [plus_minus(result.mean("accuracy")), above, plus_minus(result.mean("unweighted"))]
        loss = f"{result.curve[0]['train_loss']:.2f} to {result.curve[-1]['train_loss']:.2f}"
        cells += [f"{result.curve[-1]['spread']:.2g}", f"{result.passes:,}", loss]
        lines.append([ROWS[name].title, *cells])
    return markdown(head, lines)


def progress(found: Found, costs: dict[str, float]) -> str:
    """What is complete, with its commit and minutes, and what is still to run, with the hours that it takes.

    costs: ms of one core for each photo pass of a row, see costs.py.
    """
    head = ["row", "seed", "passes", "minutes", "commit", "still to run"]
    lines, hours = [], 0.0
    done = {(r.row, r.seed): r for some in found.values() for r in some}
    for name, seed in queue():
        cells = [f"`{name}`", str(seed)]
        if result := done.get((name, seed)):
            cells += [f"{result.passes:,}", f"{result.minutes:.0f}", result.commit, ""]
        else:
            still = hours_of(name, costs[name])
            hours += still
            cells += ["", "", "", f"{still:.1f} h" if still >= 0.1 else f"{60.0 * still:.0f} min"]
        lines.append(cells)
    lines.append(["all", "", "", "", "", f"{hours:.1f} h of one core"])
    return markdown(head, lines)


def costs(ms: dict[str, float]) -> str:
    """ms of one core for a photo pass of each network by each recipe, and hours for a row."""
    head = ["", "recipe", "ms a photo", "hours a row"]
    lines = []
    for name, row in ROWS.items():
        if row.table == "networks":
            hours = f"{hours_of(name, ms[name]):.1f}"
            lines.append([row.title, RECIPES[row.recipe], f"{ms[name]:.0f}", hours])
    return markdown(head, lines)


def hours_of(name: str, cost: float) -> float:
    """Hours of one core that a row's training takes at so many ms a photo."""
    return budget_of(name).passes * cost / 3.6e6


def load_all(folder: Path) -> Found:
    """All results of a folder. Raises UsageError for a damaged one."""
    names = {**dict.fromkeys(REFERENCES, 1), **{name: row.seeds for name, row in ROWS.items()}}
    made = {name: [records.load(folder, name, seed) for seed in range(seeds)] for name, seeds in names.items()}
    return {name: some for name, all_ in made.items() if (some := [r for r in all_ if r])}


def first_seeds(found: Found, table: str) -> list[tuple[str, Result]]:
    """Of each row of a table that is complete, its name and its first result, in the rows' order."""
    return [(name, found[name][0]) for name, row in ROWS.items() if name in found and row.table == table]
