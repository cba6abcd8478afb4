"""The file says itself which of its images is the picture; of several pictures one is chosen, or all."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from gcolor.color.errors import PictureError
from gcolor.runtime.pictures import count_pages, read_area, read_picture, read_size
from made import GRAY, HEIGHT, WIDTH
from PIL import Image

tifffile = pytest.importorskip("tifffile")
PAGES = [GRAY, GRAY[::-1].copy(), 255 - GRAY]


def write(path: Path, *pages: tuple[np.ndarray, int], big: bool = False, byteorder: str = "<") -> None:
    """Pages with their NewSubfileType."""
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=byteorder) as file:
        for pixels, kind in pages:
            is_mask = bool(kind & 4)
            file.write(
                pixels > 128 if is_mask else pixels,
                photometric="mask" if is_mask else "minisblack",
                subfiletype=kind,
                metadata=None,
                contiguous=False,
            )


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_smaller_copies_and_masks_are_no_pages(tmp_path: Path, big: bool, byteorder: str) -> None:
    path = tmp_path / "a.tif"
    write(path, (GRAY[::4, ::4], 1), (GRAY, 0), (GRAY[::2, ::2], 1), (GRAY, 4), (GRAY, 5), big=big, byteorder=byteorder)
    assert read_size(path) == (WIDTH, HEIGHT) and read_area(path) == WIDTH * HEIGHT and count_pages(path) == 1
    assert np.array_equal(read_picture(path).rgb[..., 0], GRAY)
    assert np.array_equal(read_picture(path, page=1).rgb[..., 0], GRAY)


def test_a_picture_below_its_preview(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(GRAY[::4, ::4], subfiletype=1, subifds=1, metadata=None)
        file.write(GRAY, subfiletype=0, metadata=None)
    assert np.array_equal(read_picture(path).rgb[..., 0], GRAY)


def test_a_pyramid_in_subdirectories(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(GRAY, subifds=2, tile=(32, 32), metadata=None)
        file.write(GRAY[::2, ::2], subfiletype=1, metadata=None)
        file.write(GRAY[::4, ::4], subfiletype=1, metadata=None)
    assert np.array_equal(read_picture(path).rgb[..., 0], GRAY)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_page_is_chosen(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "a.tif"
    pages = [page.astype(kind) * (257 if kind is np.uint16 else 1) for page in PAGES]
    colors = [np.dstack([page, page, page[:, ::-1]]) for page in pages]
    with tifffile.TiffWriter(path) as file:
        for page in colors:
            file.write(page, photometric="rgb", metadata=None, contiguous=False)
    assert count_pages(path) == 3
    with pytest.raises(PictureError, match="has 3 pages or frames; choose with --page N, --page first or --page all"):
        read_picture(path)
    with pytest.raises(PictureError, match="has 3 pages, and no page 4"):
        read_picture(path, page=4)
    for number, expected in enumerate(colors, 1):
        picture = read_picture(path, page=number)
        assert np.array_equal(picture.rgb if kind is np.uint8 else picture.deep, expected)


def test_the_command_takes_one_or_all(tmp_path: Path, batch) -> None:
    write(tmp_path / "imgs/scan.tif", *((page, 2) for page in PAGES))
    frames = [Image.fromarray(page) for page in PAGES[:2]]
    frames[0].save(tmp_path / "imgs/film.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(GRAY).save(tmp_path / "imgs/one.png")
    made = batch()
    assert made.code == 3 and "--page all" in made.rows["scan.tif"]["error"]
    made = batch("--page", "2", "--match", "scan.tif")
    assert made.code == 0
    with Image.open(made.out / "scan.tif") as image:
        second = np.asarray(image.convert("L")).astype(int)
    assert np.abs(second - PAGES[1]).mean() < 3
    made = batch("--page", "all")
    names = {"scan.p1.tif", "scan.p2.tif", "scan.p3.tif", "film.p1.gif.png", "film.p2.gif.png", "one.png"}
    assert made.code == 0 and names <= {path.name for path in made.out.iterdir()}
    for number, page in enumerate(PAGES, 1):
        with Image.open(made.out / f"scan.p{number}.tif") as image:
            assert np.abs(np.asarray(image.convert("L")).astype(int) - page).mean() < 3
    made = batch("--page", "all")
    assert made.summary["colored"] == 0 and made.summary["current"] == 6


def test_a_heif_with_several_images_is_its_primary(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    file = heif.from_pillow(Image.fromarray(np.dstack([GRAY] * 3)))
    file.add_from_pillow(Image.fromarray(np.dstack([GRAY[:30, :40]] * 3)))
    data = io.BytesIO()
    file.save(data, primary_index=0, quality=95)
    (tmp_path / "a.heic").write_bytes(data.getvalue())
    picture = read_picture(tmp_path / "a.heic")
    assert picture.rgb.shape == (HEIGHT, WIDTH, 3)
    file.save(tmp_path / "b.heic", primary_index=1, quality=95)
    assert read_picture(tmp_path / "b.heic").rgb.shape == (30, 40, 3)
