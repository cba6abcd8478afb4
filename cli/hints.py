"""gcolor hints: check, render and convert hint files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..color.hints import Hints

_PATH = click.Path(path_type=Path)
_SIZE = click.option(
    "--size", type=(int, int), metavar="W H", help="The picture's size, where there is no picture at hand."
)
_PICTURE = click.option("--picture", type=_PATH, help="The picture that the hints belong to.")


@click.group("hints", short_help="Check, draw and convert hint files.")
def command() -> None:
    """Check, draw and convert hint files."""


@command.command("check")
@click.argument("hints", type=_PATH)
@click.argument("images", type=_PATH, required=False)
def check(hints: Path, images: Path | None) -> int:
    """Check the hint files below HINTS, each against its picture below IMAGES where that is given.

    Prints a line for each file; ends with 3 where one is wrong.
    """
    from ..color.errors import PictureError, UsageError
    from ..color.hint_files import load_hints
    from ..color.hint_folder import HintFolder
    from ..runtime.files import show
    from ..runtime.pictures import find_pictures, read_size

    folder = HintFolder(hints)
    wrong = good = 0
    pairs: list[tuple[tuple[Path, ...], Path | None, str]]
    if images is None:
        pairs = [((path,), None, show(path.relative_to(hints))) for path in folder.unused([])]
    else:
        if not images.is_dir():
            raise UsageError(f"{show(images)}: no such folder")
        sources = find_pictures(images)
        names = [s.relative_to(images).as_posix() for s in sources]
        found = folder.pair(names)
        pairs = [(tuple(map(Path, f)), s, show(n)) for s, n, f in zip(sources, names, found, strict=True) if f]
        for path in folder.unused(found):
            click.echo(f"{show(path)}: no picture for it")
            wrong += 1
    for files, source, name in pairs:
        try:
            loaded = load_hints(files, read_size(source) if source else None)
            good += 1
            click.echo(f"{name}: ok, {loaded.count} hints")
        except PictureError as error:
            wrong += 1
            click.echo(f"{name}: {error}")
    click.echo(f"{good} good, {wrong} wrong", err=True)
    return 3 if wrong else 0


def _load(files: tuple[Path, ...], picture: Path | None, size: tuple[int, int] | None) -> Hints:
    from ..color.errors import UsageError
    from ..color.hint_files import load_hints
    from ..runtime.pictures import read_size

    for file in files:
        if not file.is_file():
            raise UsageError(f"{file}: no such file")
    return load_hints(files, read_size(picture) if picture else size)


@command.command("render")
@click.argument("files", type=_PATH, nargs=-1, required=True)
@click.option("-o", "--output", type=_PATH, required=True, help="The PNG to write.")
@_PICTURE
@_SIZE
def render(files: tuple[Path, ...], output: Path, picture: Path | None, size: tuple[int, int] | None) -> None:
    """Draw hint FILES (a PNG, a JSON file or both) as one PNG, over the picture's grey version where it is given."""
    import numpy as np
    from PIL import Image

    from ..runtime.pictures import Picture, read_picture, write_picture

    loaded = _load(files, picture, size)
    drawn = loaded.render()
    if picture is None:
        write_picture(output.with_suffix(".png"), Picture(drawn[..., :3].copy(), drawn[..., 3].copy(), None))
        return
    grey = np.asarray(Image.fromarray(read_picture(picture).rgb).convert("L").convert("RGB"))
    shown = np.where(drawn[..., 3:] >= 128, drawn[..., :3], grey)
    write_picture(output.with_suffix(".png"), Picture(shown, None, None))


@command.command("convert")
@click.argument("files", type=_PATH, nargs=-1, required=True)
@click.option("-o", "--output", type=_PATH, required=True, help="The .json or .png to write.")
@_PICTURE
@_SIZE
def convert(files: tuple[Path, ...], output: Path, picture: Path | None, size: tuple[int, int] | None) -> None:
    """Convert hint FILES to one JSON or PNG hint file."""
    from ..color.errors import UsageError
    from ..color.hint_files import to_json
    from ..runtime.pictures import Picture, write_picture

    loaded = _load(files, picture, size)
    match output.suffix.lower():
        case ".json":
            output.write_text(to_json(loaded), encoding="utf-8")
        case ".png":
            drawn = loaded.render()
            write_picture(output, Picture(drawn[..., :3].copy(), drawn[..., 3].copy(), None))
        case _:
            raise UsageError(f"{output}: hint files are .json or .png")
