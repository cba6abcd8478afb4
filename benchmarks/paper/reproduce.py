"""The paper's tables 1 and 2 again, and what they leave open, as a queue that may be cut off at any time and goes on.

    python benchmarks/paper/reproduce.py PHOTOS -o OUT [--resume] [--rows resunet,no-hints,…] [--threads 1]

PHOTOS holds train/ and test/. Both go through the paper's near-grey filter and are stretched to squares. Every row has
the same photos, hints, steps and batches, and is tested on the same photos with the same hints. A row that is complete
leaves a small file in results/, to be committed, and is not made again, wherever the queue goes on; of one that is not,
OUT holds the checkpoint. report.py makes the tables and figures of docs/paper.md from the results.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click
from gcolor.color.errors import GcolorError, UsageError
from gcolor.runtime.colorizer import Colorizer
from gcolor.trainer.config import PAPER
from gcolor.trainer.data.prepare import PrepareOptions, prepare
from gcolor.trainer.data.shards import ShardSet

sys.path.insert(0, str(Path(__file__).parent.parent))
from paper import records
from paper.examine import Scores, examine_constant, examine_painter, test_photos
from paper.records import Result
from paper.rows import FULL, Budget, budget_of, configuration, queue
from paper.samples import bundle_painter, save_samples
from paper.train_row import train_row

FOLDER = click.Path(file_okay=False, path_type=Path)


def say(text: str) -> None:
    click.echo(text, err=True)


def run_queue(
    rows: list[tuple[str, int]],
    full: Budget,
    data: tuple[ShardSet, ShardSet],
    out: Path,
    folder: Path,
    threads: int,
    resume: bool,
) -> None:
    """Make what is not complete, row by row. Raises UsageError where a row was begun and is not to be resumed."""
    for name, seed in rows:
        label = f"{name}-{seed}"
        budget = budget_of(name, full)
        config = configuration(name, seed, budget).to_dict()
        if records.is_complete(folder, name, seed, config, records.made_with(*data)):
            say(f"{label}: complete")
            continue
        if (out / label).exists() and not resume:
            raise UsageError(f"{out / label}: was begun; go on with --resume, or remove it")
        train_row(name, seed, budget, data, out, folder, threads, lambda text, label=label: say(f"{label}: {text}"))


def make_fixed(data: tuple[ShardSet, ShardSet], size: int, folder: Path) -> None:
    """The rows that need no training: the constant answer, and the default model with and without hints."""
    shards, held = data
    colorizer = Colorizer(device="cpu", threads=1)
    config = {"size": size, "model": colorizer.bundle.manifest.files["model.onnx"]}
    facts = {"config": config, "photos": records.made_with(shards, held), "machine": records.machine()}

    def keep(name: str, examine: Callable[[], list[Scores]]) -> None:
        known = records.load(folder, name, 0)
        if known is None or (known.config, known.photos) != (facts["config"], facts["photos"]):
            found = records.columns(examine())
            records.save(folder, Result(row=name, test=found, commit=records.commit(), **facts))

    def paint(name: str, hinted: bool) -> list[Scores]:
        painter = bundle_painter(colorizer, hinted)
        save_samples(painter, size, folder / f"{name}.jpg")
        return examine_painter(painter, test_photos(held, size))

    keep("constant", lambda: examine_constant(shards.counts, test_photos(held, size)))
    keep("gcolor", lambda: paint("gcolor", True))
    keep("gcolor-no-hints", lambda: paint("gcolor-no-hints", False))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("photos", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", "out", type=FOLDER, required=True, help="Shards, and rows that are not complete.")
@click.option("--results", "folder", type=FOLDER, default=records.FOLDER, help="Where complete rows are kept.")
@click.option("--resume", is_flag=True, help="Go on with a row that was cut off.")
@click.option("--rows", default="", help="Only these, separated by commas; by default all, the worthiest first.")
@click.option("--size", type=click.IntRange(32), default=FULL.size, show_default=True, help="The paper: 256.")
@click.option("--batch-size", type=click.IntRange(1), default=FULL.batch_size, show_default=True, help="The paper: 32.")
@click.option("--steps", type=click.IntRange(1), default=FULL.steps, show_default=True)
@click.option("--tests", type=click.IntRange(1), default=FULL.tests, show_default=True, help="Points of the curve.")
@click.option("--threads", type=click.IntRange(0), default=1, show_default=True, help="0 for torch's choice.")
def command(
    photos: Path,
    out: Path,
    folder: Path,
    resume: bool,
    rows: str,
    size: int,
    batch_size: int,
    steps: int,
    tests: int,
    threads: int,
) -> None:
    """Train and test the paper's networks on PHOTOS."""
    if steps % tests:
        raise click.UsageError(f"--steps {steps}: choose a multiple of --tests {tests}")
    records.commit()  # what runs, whatever is committed while it does
    try:
        chosen = queue(rows.split(",") if rows else None)
        options = PrepareOptions(size=size, stretch=True, max_grey=PAPER["max_grey"])
        data = (
            prepare([photos / "train"], out / f"shards-train-{size}", options, report=say),
            prepare([photos / "test"], out / f"shards-test-{size}", options, report=say),
        )
        make_fixed(data, size, folder)
        budget = Budget(size=size, batch_size=batch_size, steps=steps, tests=tests)
        run_queue(chosen, budget, data, out, folder, threads, resume)
    except GcolorError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    command()
