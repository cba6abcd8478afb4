"""gcolor bench: how fast and how exact every engine is on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...runtime import BACKENDS
from ..interrupt import unwinding
from ..params import Model
from ..views import StepView

if TYPE_CHECKING:
    from ...color.lab import Bytes
    from ...runtime.bench.settings import Settings

_PATH = click.Path(path_type=Path)
# Of --quick and of a full run: sides, rounds, seconds for each configuration, pictures for the accuracy, stage runs.
QUICK = {"sizes": (256,), "rounds": 2, "seconds": 0.4, "scenes": 1, "stage_runs": 2}
FULL = {"sizes": (256, 512, 1024), "rounds": 5, "seconds": 2.0, "scenes": 4, "stage_runs": 3}


def read_numbers(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Whole numbers such as "1,8", each once, sorted."""
    if text is None:
        return None
    try:
        numbers = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        raise click.BadParameter("whole numbers with commas between them, such as 1,8") from None
    if numbers[0] < 1:
        raise click.BadParameter("at least 1")
    return numbers


def read_backends(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Names of backends with commas between them."""
    names = tuple(dict.fromkeys(text.split(","))) if text else ()
    for name in names:
        if name not in BACKENDS:
            raise click.BadParameter(f"{name!r} is none of {', '.join(BACKENDS)}")
    return names


def read_percent(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    """A share such as "5%" or "5"."""
    if text is None:
        return None
    try:
        share = float(text.removesuffix("%")) / 100.0
    except ValueError:
        raise click.BadParameter("a percentage such as 5%") from None
    if not 0.0 <= share < float("inf"):
        raise click.BadParameter("a percentage of 0 or more")
    return share


@click.command("bench", short_help="Measure speed and accuracy of every engine here.")
@click.argument("bundles", metavar="[BUNDLE]...", nargs=-1, type=Model())
@click.option(
    "--backend",
    "backends",
    callback=read_backends,
    help=f"Of {', '.join(BACKENDS)}, with commas between; one that cannot be used ends with 6. [default: all usable]",
)
@click.option("--device", default="auto", show_default=True, help="auto (all there are), cpu, cuda or cuda:N.")
@click.option("--size", "sizes", callback=read_numbers, help="Sides of the pictures. [default: 256,512,1024]")
@click.option("--batch-size", "batch_sizes", default="1", show_default=True, callback=read_numbers, help="As in 1,8.")
@click.option("--threads", type=click.IntRange(1), help="Of each call on a CPU. [default: all cores]")
@click.option("--rounds", type=click.IntRange(1), help="Turns of each configuration. [default: 5]")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Of calls for each. [default: 2]")
@click.option("--runs", type=click.IntRange(1), help="Calls in each round, in place of --seconds.")
@click.option("--stage-runs", type=click.IntRange(0), help="Pictures timed by stages; 0: none. [default: 3]")
@click.option("--photos", type=_PATH, help="Folder of photos for the accuracy. [default: pictures made in code]")
@click.option("--no-accuracy", is_flag=True, help="Only the speed; nothing is compared with PyTorch.")
@click.option("--truth", type=_PATH, help="Folder of color photos to score against, with 0 and 10 hints.")
@click.option("--limit", type=click.IntRange(1), default=8, show_default=True, help="Photos of each folder, at most.")
@click.option("--quick", is_flag=True, help="A rough look in a few seconds: size 256, two short rounds.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout and nothing else.")
@click.option("--csv", "csv_file", type=_PATH, help="Write the figures as CSV; - is stdout.")
@click.option("--markdown", "markdown_file", type=_PATH, help="Write the tables as Markdown; - is stdout.")
@click.option("--plot", type=_PATH, help="Draw latency over accuracy, and the stages (PNG, SVG or PDF).")
@click.option("--compare", type=_PATH, help="A report of --json to compare the medians with.")
@click.option(
    "--fail-above", callback=read_percent, help="With --compare: end with 3 where one is slower by more, as 5%."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    bundles: tuple[Path, ...],
    backends: tuple[str, ...],
    device: str,
    sizes: tuple[int, ...] | None,
    batch_sizes: tuple[int, ...],
    threads: int | None,
    rounds: int | None,
    seconds: float | None,
    runs: int | None,
    stage_runs: int | None,
    photos: Path | None,
    no_accuracy: bool,
    truth: Path | None,
    limit: int,
    quick: bool,
    as_json: bool,
    csv_file: Path | None,
    markdown_file: Path | None,
    plot: Path | None,
    compare: Path | None,
    fail_above: float | None,
    quiet: bool,
) -> int:
    """Measure the BUNDLEs (the one that ships with gcolor) on every engine that opens here.

    Each engine has a process of its own; they take turns, so that a slow phase of the machine hits all. What cannot be
    measured is listed with the reason. Pictures up to a megapixel go through the model's graph as one batch; larger
    ones follow each other and are painted in tiles, as `gcolor batch` does it. Accuracy is the distance to the same
    weights in PyTorch, fp32, on the CPU.

    Exit code 3: a configuration failed, or --fail-above found one slower. 6: an engine that was asked for cannot be
    used, or none can.
    """
    from ...color.errors import UsageError
    from ...runtime.bench.compare import compare_reports, read_report
    from ...runtime.bench.files import draw, to_csv, to_markdown
    from ...runtime.bench.run import run_bench
    from ...runtime.bench.settings import Settings
    from ...runtime.machine import cores
    from ..needs import require

    on_stdout = [name for name, wanted in _outputs(as_json, csv_file, markdown_file).items() if wanted]
    if len(on_stdout) > 1:
        raise UsageError(f"{' and '.join(on_stdout)} both want stdout; give one of them a file")
    if fail_above is not None and compare is None:
        raise UsageError("--fail-above compares with an older report; name one with --compare")
    if plot:
        require("matplotlib", "train")
    old = read_report(compare) if compare else None
    preset: dict[str, Any] = QUICK if quick else FULL
    pictures, source = ({}, "") if no_accuracy else _photos(photos, limit, preset["scenes"])
    settings = Settings(
        backends=backends,
        device=device,
        sizes=sizes or preset["sizes"],
        batch_sizes=batch_sizes,
        rounds=rounds or preset["rounds"],
        seconds=seconds or preset["seconds"],
        runs=runs,
        threads=threads or cores(),
        photos=pictures,
        photos_source=source,
        truth=_truth(truth, limit),
        stage_runs=preset["stage_runs"] if stage_runs is None else stage_runs,
    )
    report = _run(run_bench, name_bundles(bundles), settings, quiet)
    if old:
        report["comparison"] = compare_reports(report, old, fail_above) | {"old": str(compare)}
        for line in report["comparison"]["warnings"]:
            click.echo(f"warning: {line}", err=True)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    for path, text in ((csv_file, to_csv), (markdown_file, to_markdown)):
        if path:
            _write(path, text(report))
    if plot:
        try:
            draw(report, plot)
        except (OSError, ValueError) as error:
            raise UsageError(f"{plot}: cannot be drawn ({error})") from error
    if not as_json:
        _show(report, bool(on_stdout))
    return _exit_code(report)


def name_bundles(paths: tuple[Path, ...]) -> dict[str, Path | None]:
    """Bundles by the name that stands in the tables: the folder's, or the path where two have the same."""
    if not paths:
        return {"default": None}
    names = [path.name or path.resolve().name for path in paths]
    return {name if names.count(name) == 1 else str(path): path for name, path in zip(names, paths, strict=True)}


def _outputs(as_json: bool, csv_file: Path | None, markdown_file: Path | None) -> dict[str, bool]:
    """What is to go to stdout in place of the tables."""
    stdout = Path("-")
    return {"--json": as_json, "--csv -": csv_file == stdout, "--markdown -": markdown_file == stdout}


def _photos(folder: Path | None, limit: int, scenes: int) -> tuple[dict[str, Bytes], str]:
    from ...color.errors import UsageError
    from ...runtime.bench.accuracy import made_photos
    from ...runtime.grid import WHOLE
    from ...runtime.photos import load_photos

    if folder is None:
        return made_photos(scenes), "pictures made in code"
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    photos = {str(path.relative_to(folder)): rgb for path, rgb in load_photos(folder, limit, WHOLE)}
    return photos, f"photos of {folder}"


def _truth(folder: Path | None, limit: int) -> dict[str, Bytes] | None:
    from ...color.errors import UsageError
    from ...trainer.scoring.held_out import load_photos

    if folder is None:
        return None
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    return {photo.name: photo.rgb for photo in load_photos(folder, limit)}


def _run(
    run_bench: Callable[..., dict[str, Any]], bundles: dict[str, Path | None], settings: Settings, quiet: bool
) -> dict[str, Any]:
    """Run it with a line of progress on stderr; SIGTERM ends the engines' processes too."""
    with unwinding() as heed, StepView(heed, quiet) as view:
        return run_bench(bundles, settings, view.step)


def _write(path: Path, text: str) -> None:
    from ...color.errors import UsageError

    if path == Path("-"):
        click.echo(text, nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error


def _show(report: dict[str, Any], on_stderr: bool) -> None:
    from rich.console import Console

    from ...runtime.bench.tables import show

    stream = sys.stderr if on_stderr else sys.stdout
    show(report, Console(file=stream, width=None if stream.isatty() else 120))


def _exit_code(report: dict[str, Any]) -> int:
    failed = any("error" in part for part in (*report["rows"], *report["stages"]))
    slower = any(row["slower"] for row in report.get("comparison", {}).get("rows", ()))
    return 3 if failed or slower else 0
