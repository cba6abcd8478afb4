"""What `gcolor batch` says of a batch before it begins, where nothing is to be done, and after its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..runtime.batch.batch import Batch

# Folders in one line.
SOME = 5


def describe(batch: Batch, as_json: bool, quiet: bool) -> int:
    """Say what would be done, and why; returns the exit code."""
    from ..runtime.files import show

    todo, wrong = batch.first.todo, batch.first.refused
    for job, why in todo:
        hints = [show(path) for path in job.hint_files]
        if as_json:
            about = {"picture": show(job.title), "output": job.shown, "hints": hints, "why": why}
            click.echo(json.dumps(about))
        elif not quiet:
            with_hints = f" with {', '.join(hints)}" if hints else ""
            click.echo(f"{show(job.title)} -> {job.shown}{with_hints}: {why}")
    for job, sentence in wrong:
        click.echo(f"error: {show(job.title)}: {sentence}", err=True)
    refused = f", {len(wrong)} failed" if wrong else ""
    click.echo(f"{len(todo)} to color, {batch.current} current{refused}", err=True)
    return 3 if wrong else 0


def summarize(batch: Batch, seconds: float, as_json: bool, place: str) -> None:
    """Say what became of the pictures. place: where they are."""
    if as_json:
        summary = {
            "colored": batch.colored,
            "kept": batch.kept,
            "failed": batch.failed,
            "current": batch.current,
            "warnings": batch.warned,
            "with_hints": batch.with_hints,
            "passed_over": dict(batch.others),
            "made_by_gcolor": sum(batch.made.values()),
            "seconds": round(seconds, 2),
            "megapixels": round(batch.pixels / 1e6, 1),
            "output": place,
        }
        click.echo(json.dumps({"summary": summary}))
    for line in passed_over(batch):
        click.echo(line, err=True)
    for (ending, what), count in sorted(batch.lost.items()):
        whose = "1 picture lost its own" if count == 1 else f"{count} pictures lost theirs"
        click.echo(f"warning: {ending} has no place for {what}; {whose}", err=True)
    rate = f", {batch.colored / seconds:.1f} pictures/s, {batch.pixels / 1e6 / seconds:.1f} megapixels/s"
    warned = f", {batch.warned} with warnings" if batch.warned else ""
    left = f"{batch.kept} in color already, " if batch.kept else ""
    hinted = f"; {batch.with_hints} with hints" if batch.options.hints or batch.with_hints else ""
    click.echo(
        f"{batch.colored} colored, {left}{batch.current} current, {batch.failed} failed{warned} in {seconds:.1f} s"
        f"{rate if batch.colored else ''}{hinted}: {place}",
        err=True,
    )


def passed_over(batch: Batch) -> Iterator[str]:
    """What lay among the pictures and was left alone."""
    from ..runtime.others import RAW, listed

    if batch.others:
        advice = " (pip install 'gcolor[raw]' reads RAW)" if batch.others[RAW.name] else ""
        yield f"passed over: {listed(batch.others)}{advice}"
    if batch.made:
        folders = sorted(batch.made)
        more = f" and {len(folders) - SOME} more folders" if len(folders) > SOME else ""
        count = sum(batch.made.values())
        what = "1 picture" if count == 1 else f"{count} pictures"
        yield f"passed over: {what} that gcolor made, in {', '.join(folders[:SOME])}{more}"
