"""gcolor evaluate: a training run or a bundle against photos whose colors are known."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from ..params import Model

_PATH = click.Path(path_type=Path)
_COLUMNS = {
    "psnr": ("PSNR dB", 2),
    "accuracy": ("bin accuracy", 3),
    "argmax_accuracy": ("argmax accuracy", 3),
    "entropy": ("cross-entropy", 3),
    "weighted": ("weighted", 3),
    "rmse": ("ab RMSE", 2),
    "ciede": ("CIEDE2000", 2),
    "colorfulness": ("colorfulness", 2),
}


def read_counts(_: click.Context, __: click.Parameter, text: str) -> list[int]:
    """Numbers of hints such as "0,1,10", sorted."""
    try:
        counts = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise click.BadParameter("whole numbers with commas between them, such as 0,1,10") from None
    if counts[0] < 0:
        raise click.BadParameter("a number of hints is not negative")
    return counts


@click.command("evaluate", short_help="Score a run or a bundle on photos whose colors are known.")
@click.argument("model", type=Model())
@click.argument("photos", type=_PATH)
@click.option(
    "--counts",
    default="0,1,2,5,10,20,36,50,100",
    show_default=True,
    callback=read_counts,
    help="Numbers of 3x3 hints; 36 is the paper's.",
)
@click.option("--limit", type=click.IntRange(1), help="A fair sample of so many photos. [default: all]")
@click.option("--weights", type=click.Choice(["last", "best"]), default="last", show_default=True, help="Of a run.")
@click.option("--device", default="cpu", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--figures", type=_PATH, help="Also draw colored photos and the bins' confusion here (of a run).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout instead of the table.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: Path,
    photos: Path,
    counts: list[int],
    limit: int | None,
    weights: str,
    device: str,
    figures: Path | None,
    as_json: bool,
) -> None:
    """Score MODEL, the folder of a training run or of a bundle (default: the one that ships), on the photos below
    PHOTOS.

    Each photo is stretched to 256 x 256, made grey, and colored with hints of its own colors at places that its file
    name decides, so that every evaluation sees the same. "filtered" leaves out near-grey photos as the paper does.
    """
    from ...color import protocol
    from ...color.errors import UsageError
    from ...trainer.scoring.held_out import load_photos, report_rows
    from ...trainer.scoring.scorer import is_run, open_scorer
    from ..needs import require

    if not photos.is_dir():
        raise UsageError(f"{photos}: no such folder")
    if is_run(model):
        require("torch", "train")
        if figures:
            require("matplotlib", "train")
    failed: list[str] = []

    def miss(path: Path, error: Exception) -> None:
        failed.append(str(path))
        click.echo(f"error: {path}: {error}", err=True)

    scorer = open_scorer(model, weights, device)
    held = load_photos(photos, limit, miss)
    if figures:
        scorer.draw(figures, held)
    rows = report_rows(scorer.score(held, counts), held)
    report = {
        "model": scorer.about,
        "photos": {"path": str(photos), "limit": limit, "scored": len(held), "failed": failed, "size": protocol.SIZE},
        "hints": {"size": "3x3", "counts": counts, "sha256": protocol.fingerprint([p.name for p in held], counts)},
        "versions": {name: version(name) for name in ("gcolor", "numpy")} | scorer.versions,
        "rows": rows,
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _show(report)
    if failed:
        ctx.exit(3)


def _show(report: dict[str, Any]) -> None:
    import sys

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    rows = report["rows"]
    columns = [name for name in _COLUMNS if name in rows[0]]
    table = Table("photos", "hints", *(_COLUMNS[name][0] for name in columns))
    for column in table.columns[1:]:
        column.justify = "right"
    for number, row in enumerate(rows):
        cells = [f"{row[n]['mean']:.{_COLUMNS[n][1]}f} ± {row[n]['error']:.{_COLUMNS[n][1]}f}" for n in columns]
        ends = number + 1 < len(rows) and rows[number + 1]["photos"] != row["photos"]
        table.add_row(f"{row['count']} {row['photos']}", str(row["hints"]), *cells, end_section=ends)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    model = report["model"]
    text = f"{model['path']} ({model['kind']}, {model['variant']}), hints {report['hints']['sha256'][:12]}"
    console.print(escape(text), highlight=False)
