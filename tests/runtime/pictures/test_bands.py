"""Pictures that are painted and written band after band are those that are made whole."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gcolor import Colorizer
from gcolor.color.errors import PictureError
from gcolor.runtime import colorizer as module
from gcolor.runtime.pictures import Notes, Picture, save_picture
from gcolor.runtime.pictures.mark import mark
from gcolor.runtime.pictures.tiff import write_tiff


def noise(*shape: int, kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)


def cut(pixels: np.ndarray, rows: list[int]) -> Iterator[np.ndarray]:
    return (part for part in np.split(pixels, np.cumsum(rows)) if len(part))


@pytest.mark.smoke
@pytest.mark.parametrize("painter", ["auto", "onnx"])
@pytest.mark.parametrize("size", [(530, 520), (96, 144)])
def test_bands_are_the_whole(monkeypatch: pytest.MonkeyPatch, painter: str, size: tuple[int, int]) -> None:
    colorizer = Colorizer(device="cpu", threads=1, painter=painter)
    monkeypatch.setattr(module, "WHOLE", 100_000)  # one is large, one is not
    deep = np.sort(noise(*size, kind=np.uint16), axis=1)
    colorizer.set_image((deep >> 8).astype(np.uint8))
    assert np.array_equal(np.concatenate(list(colorizer.bands())), colorizer.color())
    assert np.array_equal(np.concatenate(list(colorizer.bands(samples=deep))), colorizer.color_deep(deep))


def test_bands_want_samples_of_the_pictures_size_and_are_refused_at_once() -> None:
    colorizer = Colorizer(device="cpu", threads=1)
    with pytest.raises(PictureError, match="no picture"):
        colorizer.bands()
    colorizer.set_image(noise(40, 50))
    with pytest.raises(PictureError, match="size of the picture"):
        colorizer.bands(samples=noise(41, 50, kind=np.uint16))


@pytest.mark.parametrize("compression", ["deflate", "none"])
@pytest.mark.parametrize("rows", [[3, 1, 200, 5, 90], [0, 1, 1, 1], [299], [150, 150], []])
def test_a_tiff_of_bands_is_that_of_the_whole(tmp_path: Path, rows: list[int], compression: str) -> None:
    pixels = noise(300, 2600, 3, kind=np.uint16)  # 67 rows a strip
    for name, bands in (("whole", [pixels]), ("bands", cut(pixels, rows))):
        with (tmp_path / name).open("wb") as file:
            write_tiff(file, bands, len(pixels), Notes(dpi=(600.0, 600.0)), compression)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "bands").read_bytes()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("marked", [False, True])
def test_bands_get_the_alpha_and_the_mark_of_the_whole(tmp_path: Path, bits: int, marked: bool) -> None:
    kind = np.uint8 if bits == 8 else np.uint16
    pixels, alpha = noise(90, 120, 3, kind=kind), noise(90, 120, kind=kind)
    whole = Picture(pixels, alpha) if bits == 8 else Picture(noise(90, 120), alpha, deep=pixels)  # type: ignore[arg-type]
    gray = replace(whole, pixels=noise(90, 120), deep=None if bits == 8 else noise(90, 120, kind=kind))
    bands = replace(gray, bands=cut(pixels, [50, 10, 25]))
    for name, picture in (("whole", whole), ("bands", bands)):
        save_picture(tmp_path / f"{name}.tif", mark(picture) if marked else picture)
    assert (tmp_path / "whole.tif").read_bytes() == (tmp_path / "bands.tif").read_bytes()
    with pytest.raises(ValueError, match="PNG is not written in bands"):
        save_picture(tmp_path / "bands.png", bands)


def test_a_tiff_of_bands_is_never_in_memory(tmp_path: Path) -> None:
    def bands() -> Iterator[np.ndarray]:
        for _ in range(60):
            yield noise(64, 3000, 3, kind=np.uint16)  # 1.2 MB each, which do not become smaller

    tracemalloc.start()
    try:
        save_picture(tmp_path / "a.tif", Picture(np.zeros((60 * 64, 3000), np.uint8), bands=bands()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "a.tif").stat().st_size > 60e6
    assert peak < 30e6  # 12 of them the picture's gray pixels
