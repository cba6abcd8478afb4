"""A contact sheet: how twenty photographs come out, seen at once.

    python benchmarks/look.py PHOTOS -o sheet.png [--bundle DIR] [--hints 0,10,36] [--limit N] [--full] [--crop 384]

A row for each photo: without colors, its hints, the result for each number of hints, the truth; 256 x 256, the paper's
hints. With --full each photo is colored at its own size and a crop of it shown pixel by pixel, and beside the last
result and the truth their colors alone, at one lightness: there a grid, a halo or a smear shows first.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
from gcolor.cli.commands.evaluate import read_counts
from gcolor.color import lab, protocol
from gcolor.color.errors import GcolorError, NothingToDoError, PictureError
from gcolor.color.lab import Bytes
from gcolor.runtime.files import replace_file
from gcolor.runtime.pictures import find_pictures, read_picture
from gcolor.trainer.scoring.held_out import show_hints
from PIL import Image, ImageDraw, ImageFont
from quality.methods import open_colorizer, paint
from quality.protocols import PROTOCOLS, View

GAP, TITLE = 6, 22
PLACES = 16
"""That the crop of a large photo is chosen from."""
LIGHTNESS = 65.0
"""Of the pictures of color alone: the gamut is wide there."""

Cells = dict[str, Bytes]
"""The pictures of a row by their titles, all of one size."""


def small_cells(view: View, counts: list[int], bundle: Path | None) -> Cells:
    """The row of a photo at 256 x 256."""
    cells = {"grey": view.grey, f"{max(counts)} hints, enlarged": show_hints(view.small, max(counts))}
    cells |= {f"result, {count}": paint(bundle, view, view.hints(count)) for count in counts}
    return cells | {"truth": view.rgb}


def full_cells(view: View, counts: list[int], bundle: Path | None, side: int) -> Cells:
    """The row of a photo at its own size: one crop of it."""
    crop = choose_crop(view, side)
    cells = {"grey": view.grey[crop]}
    cells |= {f"result, {count}": paint(bundle, view, view.hints(count))[crop] for count in counts}
    cells["color alone"] = color_alone(cells[f"result, {max(counts)}"])
    return cells | {"truth": view.rgb[crop], "truth, color alone": color_alone(view.rgb[crop])}


def choose_crop(view: View, side: int) -> tuple[slice, slice]:
    """Of some places that the file's name decides, the one whose colors differ most: a plain sky shows no halo."""
    height, width = view.rgb.shape[:2]
    room = np.maximum((height - side, width - side), 0) + 1
    corners = protocol.generator(view.name, "crop").integers(0, room, (PLACES, 2))
    crops = [np.s_[top : top + side, left : left + side] for top, left in corners]
    return max(crops, key=lambda crop: view.lab[crop][..., 1:].std((0, 1)).sum())


def color_alone(rgb: Bytes) -> Bytes:
    """A picture's chroma at one lightness."""
    planes = lab.rgb_to_lab(rgb)
    planes[..., 0] = LIGHTNESS
    return lab.lab_to_rgb(planes)


def lay_out(rows: dict[str, Cells]) -> Image.Image:
    """Rows below each other, their cells side by side under the columns' titles; each row's name above it."""
    titles = next(iter(rows.values()))
    shapes = [next(iter(cells.values())).shape for cells in rows.values()]
    wide = max(shape[1] for shape in shapes)
    size = (len(titles) * (wide + GAP), sum(shape[0] + TITLE for shape in shapes) + TITLE)
    sheet = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, title in enumerate(titles):
        pen.text((column * (wide + GAP), 2), title, "black", font)
    top = TITLE
    for name, cells in rows.items():
        pen.text((0, top + 2), name, "grey", font)
        for column, picture in enumerate(cells.values()):
            sheet.paste(Image.fromarray(picture), (column * (wide + GAP), top + TITLE))
        top += TITLE + next(iter(cells.values())).shape[0]
    return sheet


def draw(photos: Path, bundle: Path | None, counts: list[int], limit: int, side: int | None) -> tuple[Image.Image, int]:
    """The sheet, and how many photos could not be read; side: of the crops at full size, None for 256 x 256.

    Raises NothingToDoError where no photo can be read, BundleError where the bundle does not open.
    """
    open_colorizer(bundle)
    rows: dict[str, Cells] = {}
    failed = 0
    for path in protocol.sample(find_pictures(photos), limit):
        try:
            view = View.of(path.name, read_picture(path).rgb, PROTOCOLS["full" if side else "paper"])
        except PictureError as error:
            click.echo(f"error: {path}: {error}", err=True)
            failed += 1
            continue
        # Two photos of one name in different folders are two rows.
        name = str(path.relative_to(photos))
        rows[name] = full_cells(view, counts, bundle, side) if side else small_cells(view, counts, bundle)
    if not rows:
        raise NothingToDoError(f"{photos}: no photo that can be read")
    return lay_out(rows), failed


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("photos", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="A PNG or JPEG.")
@click.option("--bundle", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Default: gcolor's own.")
@click.option("--hints", "counts", default="0,10,36", show_default=True, callback=read_counts, help="Numbers of hints.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="A seeded sample of so many.")
@click.option("--full", is_flag=True, help="Crops of the photos colored at their own size.")
@click.option("--crop", type=click.IntRange(64), default=384, show_default=True, help="Side of the crops, in pixels.")
def command(
    photos: Path, output: Path, bundle: Path | None, counts: list[int], limit: int, full: bool, crop: int
) -> None:
    """Draw a contact sheet of the photographs in PHOTOS."""
    try:
        sheet, failed = draw(photos, bundle, counts, limit, crop if full else None)
        replace_file(output, lambda temporary: sheet.save(temporary, quality=92))
    except GcolorError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{output}: cannot be written: {error}") from error
    sys.exit(PictureError.exit_code if failed else 0)


if __name__ == "__main__":
    command()
