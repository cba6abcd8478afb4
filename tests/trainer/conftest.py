"""Photos and shards for the trainer's tests, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photo_folder(tmp_path: Path, make_scene: Callable[..., np.ndarray]) -> Path:
    """Ten color photos of two shapes."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(10):
        height, width = (96, 144) if i % 2 else (128, 100)
        Image.fromarray(make_scene(height, width, seed=i)).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def shard_folder(tmp_path: Path, photo_folder: Path) -> Path:
    """The same photos as shards."""
    from gcolor.trainer.data.prepare import PrepareOptions, prepare

    prepare([photo_folder], tmp_path / "shards", PrepareOptions(size=64, max_grey=1.0), progress=None, report=print)
    return tmp_path / "shards"
