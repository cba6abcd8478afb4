"""A contact sheet from made-up photos."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gcolor
import numpy as np
import pytest
from gcolor.color import lab, protocol
from gcolor.trainer.scoring.held_out import load_photos
from PIL import Image

pytest.importorskip("scipy")

LOOK = Path(__file__).resolve().parents[2] / "benchmarks" / "look.py"
GAP, TITLE = 6, 22


def look(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(LOOK), *map(str, arguments)], capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def folder(tmp_path: Path, make_scene: Callable[..., np.ndarray]) -> Path:
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    Image.fromarray(make_scene(300, 400, seed=1)).save(tmp_path / "photos" / "a.png")
    Image.fromarray(make_scene(200, 150, seed=2)).save(tmp_path / "photos" / "sub" / "b.png")
    return tmp_path / "photos"


def test_a_row_holds_grey_hints_results_and_truth(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.jpg").write_bytes(b"no picture")
    done = look(folder, "-o", tmp_path / "sheet.png", "--hints", "0,5")
    assert done.returncode == 3 and "bad.jpg" in done.stderr, done.stderr
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape == (TITLE + 2 * (TITLE + 256), 5 * (256 + GAP), 3)
    colorizer = gcolor.Colorizer(device="cpu", threads=1)
    for number, photo in enumerate(load_photos(folder, on_error=lambda path, error: None)):
        top = TITLE + number * (TITLE + 256) + TITLE
        cells = [sheet[top : top + 256, n * (256 + GAP) :][:, :256] for n in range(5)]
        grey = lab.lab_to_rgb(photo.to_lab() * (1.0, 0.0, 0.0))
        colorizer.set_image(grey, grid=(256, 256))
        made = [colorizer.color(protocol.true_hints(photo.rgb, photo.name, count)) for count in (0, 5)]
        expected = [grey, None, *made, photo.rgb]
        assert all(np.array_equal(a, b) for a, b in zip(cells, expected, strict=True) if b is not None)
        y, x = protocol.hint_centers(photo.name, 5)[-1]
        assert np.array_equal(cells[1][y, x], photo.rgb[y, x]) and (cells[1] != cells[0]).any()


def test_full_size_shows_crops_and_color_alone(folder: Path, tmp_path: Path) -> None:
    done = look(folder, "-o", tmp_path / "sheet.png", "--hints", "3", "--full", "--crop", 160)
    assert done.returncode == 0, done.stderr
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    # Five columns; the smaller photo is 150 pixels wide.
    assert sheet.shape == (TITLE + 2 * (TITLE + 160), 5 * (160 + GAP), 3)
    first = protocol.sample(folder.rglob("*.png"))[0]
    whole = np.asarray(Image.open(first))
    width = min(160, whole.shape[1])
    grey, result, alone, truth, true_alone = (
        sheet[2 * TITLE : 2 * TITLE + 160, n * (160 + GAP) :][:, :width] for n in range(5)
    )
    windows = np.lib.stride_tricks.sliding_window_view(whole, (160, width, 3)).reshape(-1, 160, width, 3)
    assert any(np.array_equal(truth, window) for window in windows)
    assert np.ptp(grey, axis=-1).max() <= 1 and np.ptp(result, axis=-1).max() > 4
    for picture, source in ((alone, result), (true_alone, truth)):
        planes, original = lab.rgb_to_lab(picture), lab.rgb_to_lab(source)
        assert np.abs(planes[..., 0] - 65.0).max() < 1.0
        assert np.abs(planes[..., 1:] - original[..., 1:]).mean() < 2.0


def test_an_empty_folder_and_a_bad_name(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert look(tmp_path / "empty", "-o", tmp_path / "s.png").returncode == 4
    done = look(folder, "-o", tmp_path / "s.nothing", "--hints", "0")
    assert done.returncode == 2 and "s.nothing" in done.stderr and not (tmp_path / "s.nothing").exists()
