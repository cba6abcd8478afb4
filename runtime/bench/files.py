"""A benchmark's figures as CSV, as Markdown tables and as a picture."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from .accuracy import FIGURES
from .compare import KEY
from .stages import STAGES
from .tables import ACCURACY, ENGINES, SPEED, STAGE_TIMES, Column, engine_of, shown_rows

SPEEDS = (
    "calls",
    "p50_ms",
    "p90_ms",
    "p99_ms",
    "pictures_per_second",
    "megapixels_per_second",
    "peak_memory_mb",
    "gpu_memory_mb",
    "first_call_ms",
)
OF_ENGINE = ("load_ms", "build_s", "first_picture_ms")
STAGE_NAMES = tuple(f"{name}_ms" for name in (*STAGES, "whole"))
COLUMNS = (*KEY, *SPEEDS, *OF_ENGINE, *FIGURES, *STAGE_NAMES, "about", "threads", "error")


def to_csv(report: dict[str, Any]) -> str:
    """One line for each configuration, with its engine's accuracy and, at batch size 1, the stages of its size."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in report["rows"]:
        engine = engine_of(report, row)
        stages = [s for s in report["stages"] if row["batch"] == 1 and all(s[k] == row[k] for k in KEY if k in s)]
        parts = [engine, engine.get("accuracy") or {}, *stages, row, {"threads": report["settings"]["threads"]}]
        writer.writerow({name: value for part in parts for name, value in part.items() if value is not None})
    return out.getvalue()


def to_markdown(report: dict[str, Any]) -> str:
    """Tables of speed with accuracy, of the stages and of the engines, with machine, versions and threads."""
    machine = ", ".join(f"{name} {value}" for name, value in report["machine"].items())
    blocks = [
        f"{machine}, threads {report['settings']['threads']}",
        _table((*SPEED, *ACCURACY), shown_rows(report)),
        _table(ENGINES, report["engines"]),
    ]
    if report["stages"]:
        blocks.insert(2, _table(STAGE_TIMES, report["stages"]))
    missing = [f"- {m['backend']} on {m['device']} ({m['bundle']}): {m['reason']}" for m in report["unavailable"]]
    return "\n\n".join([*blocks, "\n".join(missing)] if missing else blocks) + "\n"


def _table(columns: tuple[Column, ...], rows: list[dict[str, Any]]) -> str:
    lines = [[c.title for c in columns], ["---:" if c.number else "---" for c in columns]]
    lines += [[c.text(row) for c in columns] for row in rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def draw(report: dict[str, Any], path: Path) -> None:
    """Latency over accuracy, and bars of the stages, as a picture. Needs matplotlib. Raises OSError, ValueError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, max(5.0, 0.35 * len(report["stages"]))), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = list(dict.fromkeys(_name(row) for row in report["rows"]))
    for number, name in enumerate(names):
        rows = [r for r in shown_rows(report) if _name(r) == name and "p50_ms" in r and "mean_ciede2000" in r]
        x, y = [r["mean_ciede2000"] for r in rows], [r["p50_ms"] / r["batch"] for r in rows]
        left.scatter(x, y, label=name, color=f"C{number % 10}")
        for row, a, b in zip(rows, x, y, strict=True):
            left.annotate(f"{row['batch']}x{row['size']}", (a, b), (4, 3), textcoords="offset points", fontsize=7)
    left.set(xlabel="mean CIEDE2000 to PyTorch fp32", ylabel="latency of a picture, ms (median)")
    left.set_ylim(bottom=0)
    if names:
        left.legend(fontsize=8)
    measured = [row for row in report["stages"] if "error" not in row]
    labels, ends = [f"{_name(row)}\n{row['size']}" for row in measured], [0.0] * len(measured)
    for stage in STAGES if measured else ():
        lengths = [row[f"{stage}_ms"] or 0.0 for row in measured]
        right.barh(labels, lengths, left=ends, label=stage)
        ends = [end + length for end, length in zip(ends, lengths, strict=True)]
    right.set(xlabel="one picture from file to file, ms (medians)")
    right.tick_params(labelsize=7)
    if measured:
        right.invert_yaxis()
        right.legend(fontsize=8, ncols=len(STAGES), loc="upper center", bbox_to_anchor=(0.5, 1.1))
    figure.savefig(path, dpi=120)


def _name(row: dict[str, Any]) -> str:
    return f"{row['backend']} {row['device']} {row['precision']} ({row['bundle']})"
