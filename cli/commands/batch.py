"""gcolor batch: color photographs and folders of them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .. import options
from ..interrupt import Interrupt
from ..params import Model, Page, Place
from ..pipes import open_pipes
from ..summary import describe, summarize
from ..views import BatchView

if TYPE_CHECKING:
    from ...runtime.batch.batch import Batch
    from ...runtime.formats import Compression

_PATH = click.Path(path_type=Path)


@click.command("batch", short_help="Color photographs and folders of them.")
@click.argument("images", type=Place(), nargs=-1, required=True)
@click.option(
    "--hints", type=Place(), help="Folder of hint files named like the pictures, or the hint file of the only picture."
)
@click.option(
    "-o",
    "--output",
    type=Place(),
    help="Output folder; for one picture also its file, or - for stdout. [default: FOLDER_color; NAME_color.EXT for "
    "pictures of the current folder]",
)
@click.option("--bundle", type=Model(), help="Model bundle. [default: the one that ships with gcolor]")
@options.backend
@options.painter
@options.devices
@click.option(
    "--ray",
    is_flag=False,
    flag_value="",
    metavar="[ADDRESS]",
    help="Work on a Ray cluster: the one at ADDRESS, else the one that runs here, else one started for the while.",
)
@click.option("--jobs", type=click.IntRange(1), help="Pictures in work at one time, by device. [default: one a core]")
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    help="Pictures of one size that run as one where they wait together. [default: 8 on a GPU, 1 on a CPU]",
)
@click.option(
    "--if-exists",
    type=click.Choice(["auto", "skip", "overwrite", "error"]),
    default="auto",
    show_default=True,
    help="Outputs that exist: auto makes those again that are not current, and touches none that gcolor did not make.",
)
@click.option("--force", is_flag=True, help="Make all outputs again that gcolor made there.")
@click.option("--match", "pattern", help="Only pictures whose path matches, such as '*.jpg' or '1932/*'.")
@click.option(
    "--quality", type=click.IntRange(1, 100), help="Of JPEG, WebP, AVIF and HEIF. [default: the JPEG's own; 92]"
)
@click.option(
    "--keep-color", is_flag=True, help="Copy pictures that are in color already; those with hints are colored."
)
@click.option(
    "--vividness",
    type=click.FloatRange(0.0, 2.0),
    default=1.0,
    show_default=True,
    help="Multiplies the colors that the network makes up, from 0 to 2; what hints say stays.",
)
@click.option(
    "--files-from", type=_PATH, metavar="FILE|-", help="Only pictures that a file lists, one a line or NUL-ended."
)
@click.option(
    "--max-pixels", type=click.IntRange(1), default=200_000_000, show_default=True, help="Larger pictures fail."
)
@click.option(
    "--page", type=Page(), metavar="N|first|all", help="Of files with several pictures: one of them, or all, apart."
)
@click.option("--strict", is_flag=True, help="Fail pictures whose damage the decoder recovered from.")
@click.option(
    "--tiff-compression",
    type=click.Choice(["none", "lzw", "deflate", "zstd"]),
    default="deflate",
    show_default=True,
    help="Of TIFF. lzw and zstd need the extra 'archive'.",
)
@click.option("--no-provenance", is_flag=True, help="Do not say in the outputs' XMP that their colors are inferred.")
@click.option("--mark", is_flag=True, help="Say so in small letters in a corner, too.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and why, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per picture and a summary on stdout.")
@click.option("--report", type=_PATH, metavar="FILE", help="Write what became of each picture, as .jsonl or .csv.")
@click.option("--failures", type=_PATH, metavar="FILE", help="List the pictures that failed, for --files-from.")
@click.option("--watch", is_flag=True, help="Go on with what comes into IMAGES and HINTS, until Ctrl-C.")
@click.option("-q", "--quiet", is_flag=True, help="Only errors and the summary.")
def command(
    images: tuple[Path | str, ...],
    output: Path | str | None,
    quality: int | None,
    keep_color: bool,
    vividness: float,
    max_pixels: int,
    page: int | Literal["all"] | None,
    strict: bool,
    tiff_compression: Compression,
    no_provenance: bool,
    mark: bool,
    bundle: Path | None,
    backend: str,
    painter: str,
    jobs: int | None,
    batch_size: int | None,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> int:
    """Color pictures, and every picture below folders, into folders of the same shape.

    IMAGES are folders, URLs of folders, picture files, or - for a picture on stdin. A folder's outputs go into
    FOLDER_color beside it, a picture of the current folder becomes NAME_color.EXT, and with several inputs -o OUT holds
    what lies below their common folder.

    Hints for imgs/sub/a.jpg are looked for as HINTS/sub/a.jpg.png or .json, then as HINTS/sub/a.png or .json. A picture
    that fails is named and the others go on; the exit code is then 3. Run again, it makes what is missing and what has
    another picture, other hints, another bundle or other settings than before.
    """
    # Before NumPy comes, whose BLAS starts a thread a core: workers are threads already, and products small.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from ...runtime.batch.batch import Batch
    from ...runtime.batch.opening import Opening
    from ...runtime.batch.options import Options, Settings

    begun = time.monotonic()
    settings = Settings(
        quality=quality,
        keep_color=keep_color,
        max_pixels=max_pixels,
        vividness=vividness,
        page=page,
        strict=strict,
        tiff_compression=tiff_compression,
        provenance=not no_provenance,
        mark=mark,
    )
    opening = Opening(bundle=bundle, backend=backend, painter=painter, batch_size=batch_size or 0, jobs=jobs)
    with open_pipes(images, output, as_json, **given) as pipes:
        asked = Options(images=pipes.images, output=pipes.output, settings=settings, opening=opening, **given)
        with Batch(asked) as batch:
            for warning in batch.warnings:
                click.echo(f"warning: {warning}", err=True)
            if batch.options.dry_run:
                return describe(batch, as_json, quiet)
            stopped = _run(batch, images, as_json, quiet)
            pipes.send()
            summarize(batch, time.monotonic() - begun, as_json, "the standard output" if pipes.to else batch.place)
    return 128 + stopped if stopped else 3 if batch.failed else 0


def _run(batch: Batch, images: tuple[Path | str, ...], as_json: bool, quiet: bool) -> int:
    """Work, and show the work; the signal that stopped it, or 0."""
    from ...runtime.batch.report import row
    from ...runtime.batch.watch import watch
    from ...runtime.files import show

    watching = batch.options.watch
    total = len(batch.first.refused) + len(batch.first.todo)
    with (
        BatchView(None if watching else total, quiet) as progress,
        Interrupt(progress.say, "pictures in work are finished first") as interrupt,
    ):
        if watching and not quiet:
            progress.say(f"watching {', '.join(map(show, images))}; Ctrl-C ends it")

        def stopping() -> int:
            return interrupt.signal

        if watching:
            results = watch(batch, stopping, progress.say)
        else:
            results = batch.make(batch.first, stopping, progress.say, last=True)
        for result in results:
            page = f" (page {result.job.page})" if result.job.page else ""
            progress.step(show(result.job.title) + page, result.seconds, result.error, result.warnings)
            if as_json:
                click.echo(json.dumps(row(result)))
        return interrupt.signal
