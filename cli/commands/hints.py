"""gcolor hints: check, render and convert hint files, and suggest colors for hints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import options
from ..params import Model

if TYPE_CHECKING:
    from ...color.hints import Hints

_PATH = click.Path(path_type=Path)
_SIZE = click.option(
    "--size", type=(int, int), metavar="W H", help="The picture's size, where there is no picture at hand."
)
_PICTURE = click.option("--picture", type=_PATH, help="The picture that the hints belong to.")


@click.group("hints", short_help="Check, draw and convert hint files; suggest colors.")
def command() -> None:
    """Check, draw and convert hint files; suggest colors for a place."""


@command.command("check")
@click.argument("hints", type=_PATH)
@click.argument("images", type=_PATH, required=False)
def check(hints: Path, images: Path | None) -> int:
    """Check the hint files below HINTS, each against its picture below IMAGES where that is given.

    Prints a line for each file; ends with 3 where one is wrong.
    """
    from ...color.errors import PictureError, UsageError
    from ...color.hint_files import load_hints
    from ...color.hint_folder import HintFolder
    from ...runtime.files import show
    from ...runtime.pictures import find_pictures, read_size

    folder = HintFolder(hints)
    wrong = good = 0
    pairs: list[tuple[tuple[Path, ...], Path | None, str]]
    if images is None:
        pairs = [((path,), None, show(path.relative_to(hints))) for path in map(Path, folder.unused([]))]
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
    for path in folder.unread:
        click.echo(f"warning: {show(path)}: not read as hints, since of its ending")
    for files, source, name in pairs:
        try:
            loaded = load_hints(files, read_size(source) if source else None)
            good += 1
            click.echo(f"{name}: ok, {loaded.count} {'hint' if loaded.count == 1 else 'hints'}")
            for warning in loaded.warnings:
                click.echo(f"warning: {warning}")
        except PictureError as error:
            wrong += 1
            click.echo(f"{name}: {error}")
    click.echo(f"{good} good, {wrong} wrong", err=True)
    return 3 if wrong else 0


def _load(files: tuple[Path, ...], picture: Path | None, size: tuple[int, int] | None) -> Hints:
    from ...color.errors import UsageError
    from ...color.hint_files import load_hints
    from ...runtime.pictures import read_size

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
    """Draw hint FILES (a painted one, a JSON file or both) as one PNG, over the grey picture where one is given."""
    import numpy as np
    from PIL import Image

    from ...runtime.pictures import Picture, read_picture, write_picture

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
    """Convert hint FILES to one JSON or PNG hint file; paint becomes points and strokes."""
    from ...color.errors import UsageError
    from ...color.hint_json import to_json
    from ...runtime.files import replace_file, storage_error
    from ...runtime.pictures import Picture, write_picture

    loaded = _load(files, picture, size)
    match output.suffix.lower():
        case ".json":
            try:
                replace_file(output, lambda temporary: temporary.write_text(to_json(loaded), encoding="utf-8"))
            except OSError as error:
                raise storage_error(error, output, "make room, or name another file") from error
        case ".png":
            drawn = loaded.render()
            write_picture(output, Picture(drawn[..., :3].copy(), drawn[..., 3].copy(), None))
        case _:
            raise UsageError(f"{output}: hint files are .json or .png")


@command.command("suggest")
@click.argument("picture", type=_PATH)
@click.argument("x", type=float)
@click.argument("y", type=float)
@click.option("--hints", "files", type=_PATH, multiple=True, help="Hint file that is given already (PNG or JSON).")
@click.option("--count", type=click.IntRange(1), default=6, show_default=True, help="Colors, at most.")
@click.option("--bundle", type=Model(), help="Model bundle. [default: the one that ships with gcolor]")
@options.backend
@options.device
@click.option("--json", "as_json", is_flag=True, help="One JSON object per color on stdout.")
def suggest(
    picture: Path,
    x: float,
    y: float,
    files: tuple[Path, ...],
    count: int,
    bundle: Path | None,
    backend: str,
    device: str,
    as_json: bool,
) -> None:
    """Suggest colors for the place X Y (pixels, x right, y down) of PICTURE: hexadecimal and probability."""
    from ...runtime.colorizer import Colorizer
    from ...runtime.pictures import read_picture

    rgb = read_picture(picture).rgb
    hints = _load(files, picture, None) if files else None
    colorizer = Colorizer(bundle, device, backend=backend)
    colorizer.set_image(rgb)
    for one in colorizer.suggest(x, y, hints, count):
        color = "#" + bytes(one.color).hex()
        if as_json:
            click.echo(json.dumps({"color": color, "probability": round(one.probability, 4)}))
        else:
            click.echo(f"{color}  {one.probability:.3f}")
