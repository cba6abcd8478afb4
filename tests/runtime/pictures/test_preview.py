"""Previews: small, upright, and as honest about damage as the picture itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gcolor.color.errors import PictureError
from gcolor.runtime.pictures import read_picture, read_preview
from PIL import Image

pytestmark = pytest.mark.smoke


def shrunk(path: Path, size: tuple[int, int]) -> np.ndarray:
    """By another library's way: the whole picture, read and averaged."""
    return np.asarray(Image.fromarray(read_picture(path).rgb).resize(size, Image.Resampling.BOX), int)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_a_preview_is_the_picture_upright_and_small(
    make_scene: Any, tmp_path: Path, ending: str, orientation: int
) -> None:
    path = tmp_path / f"a.{ending}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(make_scene(480, 720)).save(path, exif=exif)
    preview = read_preview(path, 96)
    assert preview.shape == ((96, 64, 3) if orientation > 4 else (64, 96, 3)) and preview.dtype == np.uint8
    # Of a JPEG fewer coefficients were decoded; nothing moves.
    assert np.abs(preview - shrunk(path, preview.shape[1::-1])).mean() < 2.0


def test_a_small_picture_is_not_enlarged(make_scene: Any, tmp_path: Path) -> None:
    for ending in ("jpg", "png"):
        path = tmp_path / f"a.{ending}"
        Image.fromarray(make_scene(40, 60)).convert("L").save(path)
        assert np.array_equal(read_preview(path, 96), read_picture(path).rgb)


def test_sixteen_bits_and_alpha(tmp_path: Path) -> None:
    Image.fromarray(np.full((40, 60), 40_000, np.uint16)).save(tmp_path / "deep.png")
    assert abs(int(read_preview(tmp_path / "deep.png", 20).mean()) - 40_000 // 257) <= 1
    Image.new("RGBA", (40, 60), (10, 20, 30, 0)).save(tmp_path / "alpha.png")
    assert read_preview(tmp_path / "alpha.png", 20).shape[2] == 3


def test_damage_and_size_are_said(make_scene: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(make_scene(480, 720)).save(path)
    with pytest.raises(PictureError, match="megapixels"):
        read_preview(path, 96, max_pixels=1000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(PictureError):
        read_preview(path, 96)
    path.write_text("no picture")
    with pytest.raises(PictureError, match="not a picture"):
        read_preview(path, 96)
