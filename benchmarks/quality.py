"""How near the colors come: gcolor, other bundles and classical baselines on photographs, by published protocols.

    python benchmarks/quality.py PHOTOS [--protocol paper|zhang|icolorit|full|all] [--limit N] [--counts 0,10,36]
        [--bundle DIR] [--versus NAME=DIR]… [--adherence] [--jobs N] [--cache DIR] [--json | --markdown]

A hint shows the photo's own colors at a random place that the file's name decides; the first of 100 are the same as
the first of 10. All methods get the same hint raster, and all scores are those of the RGB picture that comes out, so
that a method's own rounding and gamut count too. docs/quality.md tells what each protocol is, and how it differs from
the published one.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from gcolor.cli.commands.evaluate import read_counts
from gcolor.color import protocol
from gcolor.color.errors import GcolorError, NothingToDoError, PictureError
from gcolor.runtime.machine import cores, describe
from gcolor.runtime.pictures import find_pictures
from gcolor.trainer.data.pool import run_all
from quality.measure import OBEDIENCE, Task, choose, measure
from quality.methods import BASELINES, lacks_logits, open_colorizer
from quality.protocols import PROTOCOLS, Protocol
from quality.summary import OURS, summarize, summarize_obedience
from quality.tables import markdown, show
from rich.console import Console
from rich.progress import track

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def run(
    photos: Path,
    wanted: list[Protocol],
    limit: int | None,
    models: dict[str, Path | None],
    baselines: list[str],
    obey: bool,
    jobs: int,
    cache: Path | None,
) -> tuple[dict[str, Any], list[str]]:
    """The whole report, and the errors of the photos that could not be read.

    Raises NothingToDoError without any photo, BundleError and EngineError where a bundle does not open.
    """
    named = {name: open_colorizer(bundle).bundle.name for name, bundle in models.items()}
    chosen = choose(find_pictures(photos), [*wanted, *([OBEDIENCE] if obey else [])], limit)
    tasks = [Task(path, some, models, tuple(baselines), cache) for path, some in chosen]
    if not tasks:
        raise NothingToDoError(f"{photos}: no photo to score here")
    console = Console(stderr=True)
    done = run_all(measure, tasks, min(jobs, len(tasks)))
    measured = list(track(done, "scoring", len(tasks), console=console, disable=not console.is_terminal))
    # In the order of the photos, however the processes took turns: sums of floats depend on it.
    measured.sort(key=lambda m: protocol.digest(m.name))
    settings = {"photos": photos.name, "limit": limit, "jobs": jobs}
    report: dict[str, Any] = {
        "settings": settings | named,
        "machine": {**describe(), "scipy": version("scipy"), "scikit-image": version("scikit-image")},
        "protocols": {p.name: summarize(measured, p) for p in wanted},
    }
    if obey:
        report["obedience"] = summarize_obedience(measured)
    return report, [m.error for m in measured if m.error]


def read_baselines(_: click.Context, __: click.Parameter, text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(BASELINES)}")
    return names


def read_own_counts(ctx: click.Context, option: click.Parameter, text: str | None) -> list[int] | None:
    return read_counts(ctx, option, text) if text else None


def read_versus(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> dict[str, Path | None]:
    found: dict[str, Path | None] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise click.BadParameter(f"{text!r} is not NAME=BUNDLE, such as resunet=runs/resunet-bundle")
        if name in (OURS, *BASELINES, *found):
            raise click.BadParameter(f"the name {name!r} is taken")
        found[name] = Path(path)
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("photos", type=FOLDER)
@click.option(
    "--protocol",
    "names",
    type=click.Choice([*PROTOCOLS, "all"]),
    multiple=True,
    default=["all"],
    show_default=True,
    help="May be given several times.",
)
@click.option("--bundle", type=FOLDER, help="Default: the model that ships with gcolor.")
@click.option("--versus", metavar="NAME=BUNDLE", multiple=True, callback=read_versus, help="Another bundle to compare.")
@click.option("--limit", type=click.IntRange(min=1), help="A seeded sample of so many photos; the default is all.")
@click.option(
    "--counts", callback=read_own_counts, help="Numbers of hints in place of the protocols' own, such as 0,10,36."
)
@click.option("--baselines", default=",".join(BASELINES), show_default=True, callback=read_baselines)
@click.option("--adherence", "obey", is_flag=True, help="Also: is one foreign hint obeyed, and does it leak?")
@click.option("--jobs", type=click.IntRange(min=1), default=cores, help="Processes of one thread. [default: all cores]")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the baselines' scores in this folder: they stay when the model changes.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout instead of the tables.")
@click.option("--markdown", "as_markdown", is_flag=True, help="The tables in Markdown.")
def command(
    photos: Path,
    names: tuple[str, ...],
    bundle: Path | None,
    versus: dict[str, Path | None],
    limit: int | None,
    counts: list[int] | None,
    baselines: list[str],
    obey: bool,
    jobs: int,
    cache: Path | None,
    as_json: bool,
    as_markdown: bool,
) -> None:
    """Score colors against those of the photographs in PHOTOS."""
    wanted = [p for name, p in PROTOCOLS.items() if name in names or "all" in names]
    if counts:
        wanted = [replace(p, counts=tuple(counts)) for p in wanted]
    models = {OURS: bundle, **versus}
    try:
        if cache:
            cache.mkdir(parents=True, exist_ok=True)
        report, errors = run(photos, wanted, limit, models, baselines, obey, jobs, cache)
    except GcolorError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    for name, path in models.items():
        if reason := lacks_logits(path):
            click.echo(f"{name}: no argmax accuracy, {reason}", err=True)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    elif as_markdown:
        click.echo(markdown(report))
    else:
        show(report)
    for text in errors:
        click.echo(f"error: {text}", err=True)
    if errors:
        sys.exit(PictureError.exit_code)


if __name__ == "__main__":
    command()
