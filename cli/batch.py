"""gcolor batch: colour folders of photographs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .interrupt import Interrupt
from .progress import Progress

if TYPE_CHECKING:
    from ..runtime.batch import Result
    from ..runtime.plan import Plan


@click.command("batch", short_help="Colour a folder of photographs.")
@click.argument("images", type=click.Path(path_type=Path))
@click.option(
    "--hints", type=click.Path(path_type=Path), help="Folder of hint files (PNG or JSON), named like the pictures."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Output folder. [default: IMAGES_color beside IMAGES]"
)
@click.option(
    "--bundle", type=click.Path(path_type=Path), help="Model bundle. [default: the one that ships with gcolor]"
)
@options.backend
@options.devices
@click.option(
    "--jobs", type=click.IntRange(1), help="Pictures in work at one time, of each device. [default: one for each core]"
)
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
    help="Outputs that exist: auto redoes those older than their picture or hints.",
)
@click.option("--match", "pattern", help="Only pictures whose path matches, such as '*.jpg' or '1932/*'.")
@click.option("--quality", type=click.IntRange(1, 100), default=92, show_default=True, help="Of JPEG and WebP.")
@click.option(
    "--max-pixels", type=click.IntRange(1), default=200_000_000, show_default=True, help="Larger pictures fail."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per picture and a summary on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Only errors and the summary.")
def command(
    images: Path,
    hints: Path | None,
    output: Path | None,
    bundle: Path | None,
    backend: str,
    device: str,
    jobs: int | None,
    batch_size: int | None,
    if_exists: Any,
    pattern: str | None,
    quality: int,
    max_pixels: int,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Colour every picture below IMAGES (a folder, or one picture) into a folder of the same shape.

    Hints for imgs/sub/a.jpg are looked for as HINTS/sub/a.jpg.png or .json, then as HINTS/sub/a.png or .json. A
    picture that fails is named and the others go on; the exit code is then 3.
    """
    from ..runtime.plan import check_writable, make_plan, show, sweep

    plan = make_plan(images, hints, output, if_exists, pattern)
    if plan.unused_hints:
        names = ", ".join(show(p) for p in plan.unused_hints[:5])
        more = f" and {len(plan.unused_hints) - 5} more" if len(plan.unused_hints) > 5 else ""
        click.echo(f"warning: hints without a picture: {names}{more}", err=True)
    if dry_run:
        return _describe(plan, as_json)
    check_writable(plan.output)
    sweep(plan.output)
    return _run(plan, bundle, backend, device, jobs, batch_size or 0, quality, max_pixels, as_json, quiet)


def _describe(plan: Plan, as_json: bool) -> int:
    from ..runtime.plan import show

    for job in plan.jobs:
        found = [show(p) for p in job.hints]
        if as_json:
            click.echo(json.dumps({"picture": show(job.relative), "output": show(job.output), "hints": found}))
        else:
            click.echo(f"{show(job.relative)} -> {show(job.output)}" + (f" with {', '.join(found)}" if found else ""))
    click.echo(f"{len(plan.jobs)} to colour, {len(plan.current)} current", err=True)
    return 0


def _run(
    plan: Plan,
    bundle: Path | None,
    backend: str,
    device: str,
    jobs: int | None,
    batch_size: int,
    quality: int,
    max_pixels: int,
    as_json: bool,
    quiet: bool,
) -> int:
    from ..runtime.plan import show

    begun = time.monotonic()
    done, failed, pixels, stopped = 0, 0, 0, 0
    if plan.jobs:
        from ..runtime.batch import Settings, open_colorizer, run_batch
        from ..runtime.worker import Opening
        from ..runtime.workers import run_workers, split_devices

        settings = Settings(quality=quality, max_pixels=max_pixels)
        devices = split_devices(device)
        if len(devices) == 1:
            colorizer, workers = open_colorizer(
                len(plan.jobs), jobs, bundle=bundle, backend=backend, device=devices[0], batch_size=batch_size
            )
            results = run_batch(colorizer, plan.jobs, settings, workers)
        else:
            opening = Opening(
                pictures=-(-len(plan.jobs) // len(devices)),
                processes=len(devices),
                jobs=jobs,
                bundle=bundle,
                backend=backend,
                batch_size=batch_size,
            )
            results = run_workers(devices, plan.jobs, settings, opening, report=lambda line: progress.say(line))
        with (
            Progress(len(plan.jobs), quiet) as progress,
            Interrupt(progress.say, "pictures in work are finished first") as interrupt,
        ):
            for result in results:
                failed += result.error is not None
                done += result.error is None
                pixels += result.pixels
                progress.step(show(result.job.relative), result.seconds, result.error)
                if as_json:
                    click.echo(json.dumps(_as_json(result)))
                if interrupt.signal:
                    # What is in work is finished by the iterator's end, then we leave.
                    break
            results.close()
            stopped = interrupt.signal
    seconds = time.monotonic() - begun
    summary = {
        "colored": done,
        "failed": failed,
        "current": len(plan.current),
        "seconds": round(seconds, 2),
        "megapixels": round(pixels / 1e6, 1),
        "output": show(plan.output),
    }
    if as_json:
        click.echo(json.dumps({"summary": summary}))
    rate = (
        f", {done / seconds:.1f} pictures/s, {pixels / 1e6 / seconds:.1f} megapixels/s" if done and seconds > 0 else ""
    )
    click.echo(
        f"{done} coloured, {len(plan.current)} current, {failed} failed in {seconds:.1f} s{rate}: {show(plan.output)}",
        err=True,
    )
    return 128 + stopped if stopped else 3 if failed else 0


def _as_json(result: Result) -> dict[str, Any]:
    from ..runtime.plan import show

    return {
        "picture": show(result.job.relative),
        "output": show(result.job.output),
        "status": "failed" if result.error else "colored",
        "hints": [show(p) for p in result.job.hints],
        "seconds": round(result.seconds, 3),
        "error": result.error,
    }
