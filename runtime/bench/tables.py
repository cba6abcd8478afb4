"""A benchmark's figures as tables on the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

UNSTEADY = 1.3
"""Rounds whose medians differ by more than this factor get a mark: the machine had other work."""

BUSY = 0.3
"""A load average above this share of the cores, before anything is measured, is worth a line."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, the key of its figure (or a format of several), and how the figure is shown."""

    title: str
    key: str
    format: str = ""
    scale: float = 1.0

    @property
    def number(self) -> bool:
        """Does it hold figures?"""
        return bool(self.format)

    def text(self, row: dict[str, Any]) -> str:
        """The cell; "-" for what was not measured."""
        if not self.format:
            return self.key.format_map(row)
        value = row.get(self.key)
        return "-" if value is None else format(value * self.scale, self.format)


ENGINE = Column("engine", "{backend} {device} {precision}")
BUNDLE = Column("bundle", "{bundle}")
SPEED = (
    ENGINE,
    BUNDLE,
    Column("batch x side", "{batch} x {size}{mark}"),
    Column("p50 ms", "p50_ms", ".1f"),
    Column("p90", "p90_ms", ".1f"),
    Column("p99", "p99_ms", ".1f"),
    Column("pict/s", "pictures_per_second", ".1f"),
    Column("MP/s", "megapixels_per_second", ".2f"),
    Column("MB", "peak_memory_mb", ".0f"),
    Column("GPU MB", "gpu_memory_mb", ".0f"),
)
ACCURACY = (
    Column("ΔE00", "mean_ciede2000", ".3f"),
    Column("p99.9", "p99_9_ciede2000", ".2f"),
    Column("PSNR", "psnr", ".1f"),
    Column("max", "max_levels", ".0f"),
    Column("bins %", "bin_agreement", ".2f", 100.0),
)
STAGE_TIMES = (
    ENGINE,
    BUNDLE,
    Column("side", "size", ".0f"),
    *(Column(name, f"{name}_ms", ".1f") for name in ("decode", "pre", "net", "post", "encode", "rest", "whole")),
)
ENGINES = (
    ENGINE,
    BUNDLE,
    Column("library", "{about}"),
    Column("load ms", "load_ms", ".0f"),
    Column("first picture ms", "first_picture_ms", ".0f"),
    Column("build s", "build_s", ".1f"),
)
TRUTH = (
    ENGINE,
    BUNDLE,
    Column("hints", "hints", ".0f"),
    Column("PSNR dB", "psnr", ".2f"),
    Column("CIEDE2000", "ciede", ".2f"),
    Column("bin accuracy", "accuracy", ".3f"),
    Column("ab RMSE", "rmse", ".2f"),
    Column("colorfulness", "colorfulness", ".2f"),
)
COMPARED = (
    ENGINE,
    BUNDLE,
    Column("batch x side", "{batch} x {size}"),
    Column("old ms", "old_p50_ms", ".1f"),
    Column("new ms", "p50_ms", ".1f"),
    Column("new / old", "ratio", ".3f"),
    Column("", "{verdict}"),
)


def engine_of(report: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The engine that a row was measured with."""
    names = ("bundle", "backend", "device", "precision")
    return next(e for e in report["engines"] if all(e[name] == row[name] for name in names))


def shown_rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows with their engine's accuracy beside them, and a mark on those whose rounds differ."""
    out = []
    for row in report["rows"]:
        turns = row.get("round_p50_ms") or [1.0]
        mark = " ~" if max(turns) > UNSTEADY * min(turns) else ""
        out.append((engine_of(report, row).get("accuracy") or {}) | row | {"mark": mark})
    return out


def show(report: dict[str, Any], console: Console) -> None:
    """All tables of a report, and everything that has to be said beside them."""
    rows = shown_rows(report)
    _print(console, "speed, and accuracy against PyTorch fp32", (*SPEED, *ACCURACY), rows)
    if any(row["mark"] for row in rows):
        _say(console, f"~ medians of the rounds differ by more than {UNSTEADY} x: the machine was busy")
    if report["stages"]:
        _print(console, "one picture from file to file, ms", STAGE_TIMES, report["stages"])
    _print(console, "engines", ENGINES, report["engines"])
    truth = [e | _means(scores) for e in report["engines"] for scores in e.get("truth") or ()]
    if truth:
        _print(console, "scores against the true colors", TRUTH, truth)
    for line in notes(report):
        _say(console, line)
    compared = report.get("comparison")
    if compared:
        verdicts = [row | {"verdict": "slower" if row["slower"] else ""} for row in compared["rows"]]
        _print(console, "against the old report", COMPARED, verdicts)


def notes(report: dict[str, Any]) -> list[str]:
    """What is missing and why, and on what all of it was measured; one line each."""
    lines = [
        f"not measured: {m['backend']} on {m['device']} ({m['bundle']}): {m['reason']}" for m in report["unavailable"]
    ]
    for part in (*report["rows"], *report["stages"]):
        name = f"{part['backend']} {part['device']} {part['precision']} ({part['bundle']}) at {part['size']}"
        if "error" in part:
            lines.append(f"failed: {name}: {part['error']}")
        elif "not_told" in part:
            lines.append(f"stages not told: {name}: {part['not_told']}")
    for engine in report["engines"]:
        for what in ("accuracy", "truth"):
            if f"{what}_missing" in engine:
                name = f"{engine['backend']} {engine['device']} ({engine['bundle']})"
                lines.append(f"no {what} for {name}: {engine[f'{what}_missing']}")
    note = report["accuracy"]
    if note:
        hints = " and ".join(map(str, note["hints"]))
        source = f"{note['source']} ({note['photos']})"
        lines.append(f"accuracy: {source}, each with {hints} hints, against {note['reference']}")
    lines.append(", ".join(f"{name} {value}" for name, value in report["machine"].items()))
    load, usable = report["load_before"], int(report["machine"]["usable_cores"])
    if load is not None and load > BUSY * usable:
        lines.append(f"load average before: {load:.1f} on {usable} cores; other work makes every figure worse")
    settings = report["settings"]
    each = f"{settings['runs']} calls each" if settings["runs"] else f"{settings['seconds']:g} s of calls in all"
    lines.append(f"{settings['threads']} threads, {settings['rounds']} rounds, {each} for each configuration")
    return lines


def _means(scores: dict[str, Any]) -> dict[str, Any]:
    return {name: value["mean"] if isinstance(value, dict) else value for name, value in scores.items()}


def _print(console: Console, title: str, columns: tuple[Column, ...], rows: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    # Columns that say nothing here leave their room to the others.
    one_bundle = len({row["bundle"] for row in rows}) == 1
    shown = [
        c
        for c in columns
        if not (c is BUNDLE and one_bundle) and not (c.number and all(row.get(c.key) is None for row in rows))
    ]
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in shown:
        table.add_column(
            column.title, justify="right" if column.number else "left", no_wrap=column is not BUNDLE, overflow="fold"
        )
    for row in rows:
        table.add_row(*(escape(column.text(row)) for column in shown))
    console.print(table)


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
