"""gcolor prepare: photos to shards that training reads."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..views import PrepareView

_PATH = click.Path(path_type=Path)


@click.command("prepare", short_help="Check, shrink and pack photos for training.")
@click.argument("photos", type=_PATH, nargs=-1)
@click.option("-o", "--output", type=_PATH, required=True, help="Folder for the shards.")
@click.option("--size", type=click.IntRange(32), default=256, show_default=True, help="Short side in pixels.")
@click.option("--stretch", is_flag=True, help="Store SIZE x SIZE, whatever the photo's aspect (the paper's way).")
@click.option(
    "--max-grey",
    type=click.FloatRange(0, 1),
    default=0.7,
    show_default=True,
    help="Drop photos of which at least this share is near-grey; 1 keeps all.",
)
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="Of the stored JPEGs.")
@click.option(
    "--max-pixels", type=click.IntRange(1), default=200_000_000, show_default=True, help="Larger photos are dropped."
)
@click.option("--jobs", type=click.IntRange(0), default=0, help="Processes. [default: one for each core]")
@click.option("--verify", is_flag=True, help="Also read the shards again and check their hashes; alone without PHOTOS.")
@click.option("--json", "as_json", is_flag=True, help="The counts as JSON on stdout.")
def command(
    photos: tuple[Path, ...],
    output: Path,
    size: int,
    stretch: bool,
    max_grey: float,
    quality: int,
    max_pixels: int,
    jobs: int,
    verify: bool,
    as_json: bool,
) -> None:
    """Check every photo below PHOTOS, drop the near-grey ones, shrink the rest and pack them into shards.

    The shards are WebDataset tar files with DALI index files. A call that was stopped, by whatever, goes on where it
    stood when it is given again. What was dropped, and why, is in dropped.jsonl beside the shards.
    """
    from ...color.errors import UsageError
    from ...trainer.data import shards
    from ...trainer.data.prepare import PrepareOptions, prepare, summary

    if not photos and not verify:
        raise UsageError("name the folders of photos, or give --verify to check shards that are there")
    if photos:
        options = PrepareOptions(size=size, stretch=stretch, max_grey=max_grey, quality=quality, max_pixels=max_pixels)
        with PrepareView() as view:
            prepare(list(photos), output, options, jobs=jobs, progress=view.step, report=view.say)
    if verify:
        shards.verify(output)
        click.echo(f"all hashes agree: {summary(shards.read_manifest(output))}", err=True)
    if as_json:
        manifest = shards.read_manifest(output)
        manifest["bytes"] = sum(shard["bytes"] for shard in manifest["shards"])
        manifest["shards"] = len(manifest["shards"])
        click.echo(json.dumps(manifest))
