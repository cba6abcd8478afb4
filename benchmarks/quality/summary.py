"""From photos' scores to means with standard errors, and to differences on the same photos."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from gcolor.color import protocol, scores

from .measure import Measured
from .obedience import OTHERS, PARTS
from .protocols import Protocol

OURS = "gcolor"
PAIRED = ("psnr", "accuracy")
CLOSE = 6.0
"""ab distance that counts as the hinted color."""


def summarize(measured: list[Measured], shown: Protocol) -> dict[str, Any]:
    """A protocol's rows in the order of hints, each with the means of a method and how far gcolor's own lie above.

    `better` is the mean of gcolor's score less the method's, photo by photo.
    """
    mine = [m for m in measured if any(key[0] == shown.name for key in m.scored)]
    rows: list[dict[str, Any]] = []
    # All photos have the same rows: those of the first say which.
    for _, name, count in (key for m in mine[:1] for key in m.scored if key[0] == shown.name):
        each, ours = ([m.scored[shown.name, n, count] for m in mine] for n in (name, OURS))
        row = {"hints": count, "method": name, **scores.summarize(each)}
        if name != OURS:
            row["better"] = {
                score: scores.mean_and_error(np.array([a[score] - b[score] for a, b in zip(ours, each, strict=True)]))
                for score in PAIRED
            }
        rows.append(row)
    return {
        "about": shown.about,
        "photos": len(mine),
        "hints_sha256": protocol.fingerprint([m.name for m in mine], shown.counts, shown.patches),
        "rows": rows,
        "strictly_rising": rises([row for row in rows if row["method"] == OURS]),
    }


def rises(rows: list[dict[str, Any]]) -> dict[str, bool]:
    """Do a method's mean PSNR and bin accuracy rise with every step in hints, strictly?"""
    return {
        name: all(a[name]["mean"] < b[name]["mean"] for a, b in zip(rows, rows[1:], strict=False)) for name in PAIRED
    }


def summarize_obedience(measured: Iterable[Measured]) -> list[dict[str, Any]]:
    """A row for each method and number of true hints around the foreign one."""
    each = [row for m in measured for row in m.obeyed]
    rows: list[dict[str, Any]] = []
    for others in OTHERS:
        for name in dict.fromkeys(row["method"] for row in each):
            mine = [row for row in each if row["method"] == name and row["others"] == others]
            row: dict[str, Any] = {"method": name, "others": others, "photos": len(mine)}
            for column in ("foreign", "true", *PARTS):
                values = np.array([r[column] for r in mine if r[column] is not None], float)
                if values.size:
                    row[column] = scores.mean_and_error(values)
            missed = np.array([r["foreign"] for r in mine])
            row |= {"foreign_p95": float(np.percentile(missed, 95)), "foreign_close": float((missed <= CLOSE).mean())}
            rows.append(row)
    return rows
