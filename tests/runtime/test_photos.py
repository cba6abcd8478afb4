"""Photos to score with: how large they are, and which fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gcolor.color.errors import NothingToDoError, PictureError
from gcolor.runtime.photos import load_photos
from PIL import Image


def test_large_photos_are_shrunk_and_bad_ones_heard_of(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    pixels = {"a.png": (40, 90), "deep/b.png": (10, 12)}
    for name, (height, width) in pixels.items():
        Image.fromarray(np.full((height, width, 3), (200, 40, 90), np.uint8)).save(tmp_path / name)
    found = dict(load_photos(tmp_path, most_pixels=900))
    assert {path.name: rgb.shape for path, rgb in found.items()} == {"a.png": (20, 45, 3), "b.png": (10, 12, 3)}
    assert all((rgb == (200, 40, 90)).all() for rgb in found.values())
    assert {rgb.shape[:2] for _, rgb in load_photos(tmp_path)} == set(pixels.values())

    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(PictureError, match="bad.png"):
        list(load_photos(tmp_path))
    heard: list[Path] = []
    assert len(list(load_photos(tmp_path, on_error=lambda path, error: heard.append(path)))) == 2
    assert heard == [tmp_path / "bad.png"]
    (tmp_path / "none").mkdir()
    with pytest.raises(NothingToDoError):
        list(load_photos(tmp_path / "none"))
