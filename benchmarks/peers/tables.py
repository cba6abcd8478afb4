"""The peers' report for people: a table on the screen, or Markdown for README."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

MEANING = (
    "s: wall-clock seconds per picture from file to file, decoding and encoding included, process start and model "
    "load excluded; median of the rounds. x: this time over that of gcolor's default bundle in the same run, so 5 "
    "means five times slower. CPU s: processor seconds of all cores per picture. Difference: mean |levels| of 255 "
    "between the colors and those of gcolor, where the network is the same."
)


def _headings(report: dict[str, Any]) -> list[str]:
    sizes = [f"{name} {unit}" for name in report["settings"]["sizes"] for unit in ("s", "x")]
    return ["", *sizes, "mixed s", "mixed x", "pictures/s", "MP/s", "CPU s", "peak MB", "difference"]


def _rows(report: dict[str, Any]) -> Iterable[list[str]]:
    for name, found in report["contestants"].items():
        row = [name]
        for size in (*report["settings"]["sizes"], "mixed"):
            row += [f"{found['seconds'][size]:.3f}", f"{found['ratio_to_gcolor'][size]:.2f}"]
        row += [f"{found['pictures_per_second']:.2f}", f"{found['megapixels_per_second']:.1f}"]
        row += [f"{found['cpu_seconds']['mixed']:.3f}", f"{found['peak_memory_mb']:.0f}"]
        yield [*row, f"{found['difference']:.2f}" if "difference" in found else ""]


def _below(report: dict[str, Any]) -> list[str]:
    """What stands under the table: the meaning of the columns, each contestant, the limit, the stages, the machine."""
    limit = report["limit"]
    size, share, needed = limit["size"], limit["share"], limit["for_60_percent"]
    spent = ", ".join(f"{stage} {seconds * 1000:.0f}" for stage, seconds in limit["stages_cpu_seconds"].items())
    return [
        MEANING,
        *(f"{name}: {found['about']}." for name, found in report["contestants"].items()),
        f"On {size}, gcolor reaches {share:.0%} of the limit (time of decoding and encoding alone / time of gcolor) "
        f"and {limit['share_of_bare']:.0%} of the bare limit.",
        f"CPU milliseconds per picture on one thread, {size}: {spent}.",
        f"For 60 % of the limit, all but decode and encode may take {needed['allowed_ms']:.0f} ms of CPU time where it "
        f"takes {needed['now_ms']:.0f}: {needed['times_faster']:.1f} times faster.",
        " ".join(f"{key}={value}" for key, value in {**report["machine"], **_plain(report["settings"])}.items()),
    ]


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: ",".join(value) if isinstance(value, list) else value for key, value in settings.items()}


def show(report: dict[str, Any]) -> None:
    """The report as a rich table on stdout."""
    table = Table(*_headings(report), title="Coloring the same files on the same cores")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in _rows(report):
        table.add_row(*row)
    console = Console(width=None if sys.stdout.isatty() else 180)
    console.print(table)
    for line in _below(report):
        console.print(line, markup=False, highlight=False)


def markdown(report: dict[str, Any]) -> str:
    """The report as a Markdown table and a list below it."""
    headings = _headings(report)
    rule = ["---", *["--:"] * (len(headings) - 1)]
    rows = [headings, rule, *_rows(report)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", *(f"- {line}" for line in _below(report))])
