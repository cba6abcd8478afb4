"""Bad hints fail their own picture, with one sentence that names the place; the other pictures are colored."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.smoke

POINT = {"x": 5, "y": 5, "color": "#b5533c"}


def hints(**entries: object) -> str:
    return json.dumps({"version": 1, **entries})


def overlay(height: int, width: int) -> Image.Image:
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[5:9, 5:9] = (200, 60, 50, 255)
    return Image.fromarray(pixels)


JSONS = {
    "broken": ('{"version": 1, "points": [', "line 1, column 27: this is not JSON"),
    "binary": (b"\xff\xfe\x00", "this is not UTF-8 text"),
    "empty": ("", "this is not JSON"),
    "nan": (
        '{"version": 1, "points": [{"x": NaN, "y": 5, "color": "#b5533c"}]}',
        "points[0].x: expected a finite number",
    ),
    "infinite": (
        '{"version": 1, "points": [{"x": 5, "y": 1e999, "color": "#b5533c"}]}',
        "points[0].y: expected a finite",
    ),
    "size": (hints(size=[999, 10], points=[POINT]), "the hints are 999 x 10, the picture is 144 x 96 pixels"),
    "outside": (hints(points=[POINT | {"x": 5000}]), "points[0].x: 5000 is outside the picture: give 0 to 144"),
    "million": (hints(points=[POINT] * 1_000_000), "the file is larger than 1 MB"),
    "many": (hints(strokes=[{"points": [[1, 1]] * 10_001, "color": "#b5533c"}]), "more than 10000 points"),
    "deep": ("[" * 100_000, "nested too deep"),
    "future": ('{"version": 2}', "version: 2 is unknown: this gcolor reads version 1"),
    "unknown": (hints(point=[POINT]), "point: unknown key"),
    "twice": ('{"version": 1, "version": 1}', "stands twice"),
}


@pytest.fixture
def folder(grey_folder: Path) -> Path:
    for name in JSONS:
        (grey_folder / f"{name}.png").write_bytes((grey_folder / "b.png").read_bytes())
    return grey_folder


def failures(stderr: str) -> dict[str, str]:
    lines = [line.removeprefix("error: ") for line in stderr.splitlines() if line.startswith("error: ")]
    return dict(line.split(": ", 1) for line in lines)


def test_json(gcolor, list_outputs, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "hints").mkdir()
    for name, (content, _) in JSONS.items():
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "hints" / f"{name}.json").write_bytes(data)
    done = gcolor("batch", folder, "--hints", tmp_path / "hints", "-o", tmp_path / "out")
    assert done.returncode == 3 and "Traceback" not in done.stderr
    found = failures(done.stderr)
    assert found.keys() == {f"{name}.png" for name in JSONS}
    for name, (_, sentence) in JSONS.items():
        assert sentence in found[f"{name}.png"], (name, found[f"{name}.png"])
        assert f"{name}.json" in found[f"{name}.png"]
    assert list_outputs(tmp_path / "out") == ["a.jpg", "b.png", "sub/c.jpg"]


def test_png(gcolor, list_outputs, grey_folder: Path, tmp_path: Path, make_png) -> None:
    folder, marks = grey_folder, tmp_path / "hints"
    marks.mkdir()
    whole = b"".join(b"\0" + bytes(144 * 4) for _ in range(96))
    cases = {
        "aspect": (None, "the hints are 100 x 100, the picture is 144 x 96 pixels: make them of the picture's aspect"),
        "turned": (None, "turn them; the picture's EXIF rotation counts"),
        "opaque": (None, "the PNG has no alpha (RGB), so nothing says where the hints are"),
        "cut": (None, "the PNG is damaged or cut short"),
        "early": (make_png(144, 96, whole[: 50 * (1 + 144 * 4)], color=6), "its rows end early"),
        "nothing": (make_png(144, 96, b"", color=6), "damaged or cut short"),
        "passes": (make_png(144, 96, whole[:3000], color=6, interlaced=True), "damaged or cut short"),
        "bomb": (make_png(30_000, 20_000, bytes(100), color=6), "claims 30000 x 20000 pixels"),
        "text": (b"Dear Sir", "this is no picture of hints that is read"),
        "empty": (b"", "this is no picture of hints that is read"),
    }
    for name, (data, _) in cases.items():
        (folder / f"{name}.jpg").write_bytes((folder / "a.jpg").read_bytes())
        if data is not None:
            (marks / f"{name}.png").write_bytes(data)
    overlay(100, 100).save(marks / "aspect.png")
    overlay(144, 96).save(marks / "turned.png")
    overlay(96, 144).convert("RGB").save(marks / "opaque.png")
    overlay(96, 144).save(marks / "cut.png")
    (marks / "cut.png").write_bytes((marks / "cut.png").read_bytes()[:-30])
    (marks / "a.png").write_bytes(make_png(144, 96, whole, color=6))  # transparent to its last row, and whole
    done = gcolor("batch", folder, "--hints", marks, "-o", tmp_path / "out")
    assert done.returncode == 3 and "Traceback" not in done.stderr
    found = failures(done.stderr)
    assert found.keys() == {f"{name}.jpg" for name in cases}
    for name, (_, sentence) in cases.items():
        assert sentence in found[f"{name}.jpg"], (name, found[f"{name}.jpg"])
    assert list_outputs(tmp_path / "out") == ["a.jpg", "b.png", "sub/c.jpg"]


def test_hints_that_are_no_files_are_passed_over(gcolor, grey_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "hints").mkdir()
    os.mkfifo(tmp_path / "hints" / "a.png")
    (tmp_path / "hints" / "b.json").symlink_to(tmp_path / "hints" / "b.json")
    (tmp_path / "hints" / "c.json").mkdir()
    done = gcolor("batch", grey_folder, "--hints", tmp_path / "hints", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "3 colored" in done.stderr
