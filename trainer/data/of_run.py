"""The data of a run: shards, and plain folders of photos, which become shards in the run's own folder first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ...runtime.files import replace_file
from .prepare import PrepareOptions, prepare
from .shards import ShardSet, is_shards, merge, open_shards

EXAMPLES = 16


def prepare_data(
    data: list[Path],
    run: Path,
    max_grey: float,
    report: Callable[[str], None],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Make shards of the plain folders among the data; done before, it is checked and nothing is done again.

    Raises NothingToDoError where the folders hold no photo or all are near-grey.
    """
    plain = [folder for folder in data if not is_shards(folder)]
    if plain:
        run.mkdir(parents=True, exist_ok=True)
        prepare(plain, run / "shards", PrepareOptions(max_grey=max_grey), progress=progress, report=report)


def open_data(data: list[Path], run: Path) -> ShardSet:
    """All data of a run as one set of shards, after `prepare_data`. Raises UsageError where shards are damaged."""
    folders = [folder for folder in data if is_shards(folder)]
    if len(folders) < len(data):
        folders.append(run / "shards")
    return merge([open_shards(folder) for folder in folders])


def keep_examples(shards: ShardSet, run: Path) -> None:
    """Leave a few of the photos in the run's folder: those that an export is proved on."""
    folder = run / "photos"
    folder.mkdir(exist_ok=True)
    for number, where in enumerate(shards.locate()[:EXAMPLES]):
        replace_file(folder / f"{number:02d}.jpg", partial(Path.write_bytes, data=shards.read(where)))
