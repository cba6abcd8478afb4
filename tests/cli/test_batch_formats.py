"""`gcolor batch` over the formats: names, quality, 16 bits, pictures in color."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from gcolor.color import lab
from PIL import Image

pytestmark = pytest.mark.smoke


@pytest.fixture
def mixed(tmp_path: Path, make_scene) -> Path:
    """A grey picture in many formats, one of 16 bits, one with alpha, one in color, one in sepia."""
    folder = tmp_path / "imgs"
    folder.mkdir()
    scene = Image.fromarray(make_scene())
    grey = scene.convert("L")
    for name in ("a.gif", "b.pgm", "c.bmp", "d.webp", "e.tga", "f.jp2"):
        grey.save(folder / name)
    Image.fromarray((np.asarray(grey).astype(np.uint16) << 8) + np.uint16(77)).save(folder / "g.tif")
    with_alpha = grey.convert("RGBA")
    with_alpha.putalpha(grey)
    with_alpha.save(folder / "h.png")
    scene.save(folder / "i.jpg", quality=61)
    sepia = np.stack([(np.asarray(grey) / 255.0) ** power for power in (0.8, 1.0, 1.3)], axis=-1)
    Image.fromarray(np.rint(sepia * 255).astype(np.uint8)).save(folder / "j.jpg", quality=95)
    return folder


def lightness(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return lab.rgb_to_lightness(np.asarray(image.convert("RGB")))


def test_every_format_is_colored_and_keeps_its_lightness(gcolor, mixed: Path, tmp_path: Path, list_outputs) -> None:
    done = gcolor("batch", mixed, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    names = {p.name: p.name for p in mixed.iterdir()} | {"a.gif": "a.gif.png", "b.pgm": "b.pgm.ppm"}
    assert list_outputs(tmp_path / "out") == sorted(names.values())
    for name, output in names.items():
        if name == "g.tif":
            continue
        with Image.open(tmp_path / "out" / output) as image:
            assert image.mode in ("RGB", "RGBA")
            found = lab.rgb_to_lab(np.asarray(image.convert("RGB")))
        assert np.abs(found[..., 0] - lightness(mixed / name)).mean() < (4 if name == "i.jpg" else 1)
        assert np.hypot(found[..., 1], found[..., 2]).max() > 4
    with Image.open(mixed / "h.png") as before, Image.open(tmp_path / "out" / "h.png") as after:
        assert np.array_equal(np.asarray(before.getchannel("A")), np.asarray(after.getchannel("A")))


def test_16_bits_come_out_with_16(gcolor, mixed: Path, tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    done = gcolor("batch", mixed, "-o", tmp_path / "out", "--match", "g.tif")
    assert done.returncode == 0, done.stderr
    before, after = tifffile.imread(mixed / "g.tif"), tifffile.imread(tmp_path / "out" / "g.tif")
    assert after.dtype == np.uint16 and after.shape == (*before.shape, 3)
    wanted = lab.rgb_to_lightness(before[..., None].repeat(3, axis=2))
    assert np.abs(lab.rgb_to_lightness(after) - wanted).max() < 0.01
    assert np.hypot(*lab.rgb_to_lab(after)[..., 1:].reshape(-1, 2).T).max() > 4


def test_the_quality_is_the_pictures_own_or_the_one_that_is_asked_for(gcolor, mixed: Path, tmp_path: Path) -> None:
    def tables(path: Path) -> dict[int, list[int]]:
        with Image.open(path) as image:
            return image.quantization

    assert gcolor("batch", mixed, "-o", tmp_path / "own", "--match", "i.jpg").returncode == 0
    assert tables(tmp_path / "own" / "i.jpg") == tables(mixed / "i.jpg")
    assert gcolor("batch", mixed, "-o", tmp_path / "asked", "--match", "i.jpg", "--quality", 95).returncode == 0
    assert tables(tmp_path / "asked" / "i.jpg") == tables(mixed / "j.jpg")


def test_keep_color_copies_what_is_in_color(gcolor, mixed: Path, tmp_path: Path) -> None:
    with Image.open(mixed / "i.jpg") as image:
        image.save(mixed / "k.gif")
        image.save(mixed / "hinted.jpg")
    (tmp_path / "hints").mkdir()
    point = {"x": 9, "y": 9, "color": "#c03028"}
    (tmp_path / "hints" / "hinted.json").write_text(json.dumps({"version": 1, "points": [point]}))
    done = gcolor("batch", mixed, "--hints", tmp_path / "hints", "-o", tmp_path / "out", "--keep-color", "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    kept = {line["picture"] for line in lines[:-1] if line["status"] == "kept"}
    assert kept == {"i.jpg", "k.gif"}
    assert lines[-1]["summary"]["kept"] == 2 and lines[-1]["summary"]["colored"] == 10
    assert "10 colored, 2 in color already, 0 current, 0 failed" in done.stderr
    assert (tmp_path / "out" / "i.jpg").read_bytes() == (mixed / "i.jpg").read_bytes()
    with Image.open(mixed / "k.gif") as before, Image.open(tmp_path / "out" / "k.gif.png") as after:
        assert after.format == "PNG" and np.array_equal(np.asarray(before.convert("RGB")), np.asarray(after))
    plain = gcolor("batch", mixed, "-o", tmp_path / "plain", "--match", "i.jpg")
    assert plain.returncode == 0
    assert (tmp_path / "plain" / "i.jpg").read_bytes() != (mixed / "i.jpg").read_bytes()
