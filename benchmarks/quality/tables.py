"""The report as tables: on a terminal, or in Markdown."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .summary import CLOSE, OURS

# Title, key of the score, digits.
SCORES = (
    ("PSNR dB", "psnr", 2),
    ("bin accuracy", "accuracy", 3),
    ("argmax acc.", "argmax_accuracy", 3),
    ("ab RMSE", "rmse", 2),
    ("ΔE00", "ciede", 2),
    ("colorfulness", "colorfulness", 2),
)
BETTER = ((f"{OURS}: dB above", "psnr", 2), (f"{OURS}: acc. above", "accuracy", 3))
OBEDIENCE = (
    ("ab miss, foreign", "foreign", 2),
    ("ab miss, true", "true", 2),
    ("change near", "near", 1),
    ("before an edge", "before_edge", 1),
    ("behind an edge", "behind_edge", 1),
    ("beyond 100 px", "far", 1),
)

Lines = list[list[str]]


def plus_minus(value: dict[str, float] | None, digits: int, sign: str = "") -> str:
    """A mean and its standard error; "-" for what was not measured."""
    return "-" if value is None else f"{value['mean']:{sign}.{digits}f} ± {value['error']:.{digits}f}"


def score_lines(report: dict[str, Any]) -> Lines:
    """The one table of all protocols, its head first."""
    lines = [["protocol", "hints", "method", *(t for t, _, _ in SCORES), *(t for t, _, _ in BETTER)]]
    for name, found in report["protocols"].items():
        for row in found["rows"]:
            better = row.get("better", {})
            cells = [plus_minus(row.get(key), digits) for _, key, digits in SCORES]
            cells += [plus_minus(better.get(key), digits, "+") for _, key, digits in BETTER]
            lines.append([name, str(row["hints"]), row["method"], *cells])
    return lines


def obedience_lines(report: dict[str, Any]) -> Lines:
    """One foreign hint: what becomes of it, and what it changes; the head first."""
    titles = [title for title, _, _ in OBEDIENCE]
    lines = [["true hints", "method", titles[0], "95th percentile", f"within {CLOSE:.0f}", *titles[1:]]]
    for row in report["obedience"]:
        cells = [plus_minus(row.get(key), digits) for _, key, digits in OBEDIENCE]
        cells[1:1] = [f"{row['foreign_p95']:.2f}", f"{row['foreign_close']:.1%}"]
        lines.append([str(row["others"]), row["method"], *cells])
    return lines


def footer(report: dict[str, Any]) -> list[str]:
    """What stands below the tables: the protocols, the settings, the machine and its versions."""
    lines = [f"{name}: {found['photos']} photos, {found['about']}" for name, found in report["protocols"].items()]
    for name, found in report["protocols"].items():
        answer = {score: "yes" if ok else "NO" for score, ok in found["strictly_rising"].items()}
        lines.append(
            f"{name}: {OURS} strictly better with every step in hints? PSNR {answer['psnr']}, "
            f"accuracy {answer['accuracy']}"
        )
    for part in ("settings", "machine"):
        lines.append(" ".join(f"{name}={value}" for name, value in report[part].items()))
    return lines


def tables(report: dict[str, Any]) -> list[Lines]:
    """The tables that a report has."""
    return [score_lines(report)] + ([obedience_lines(report)] if report.get("obedience") else [])


def markdown(report: dict[str, Any]) -> str:
    """All of it in Markdown."""
    parts = []
    for head, *lines in tables(report):
        rows = [head, ["---"] * len(head), *lines]
        parts.append("\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows))
    return "\n\n".join([*parts, "\n".join(f"{line}  " for line in footer(report))])


def show(report: dict[str, Any]) -> None:
    """All of it on stdout."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    for head, *lines in tables(report):
        table = Table(*head)
        for number, column in enumerate(table.columns):
            column.justify = "right" if number != head.index("method") else "left"
        for line, after in zip(lines, [*lines[1:], None], strict=True):
            ends = after is None or line[: head.index("method")] != after[: head.index("method")]
            table.add_row(*map(escape, line), end_section=ends)
        console.print(table)
    for text in footer(report):
        console.print(escape(text), highlight=False)
