"""Pictures and hints as programs give them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import gcolor
import numpy as np
import pytest
from gcolor.color.errors import HintError, PictureError
from gcolor.color.hint_files import load_hints
from PIL import Image

POINT = {"version": 1, "points": [{"x": 30, "y": 20, "color": "#c03028", "radius": 5}]}


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("given") / "a.png"
    gray = np.linspace(20, 220, 80 * 120).reshape(80, 120).astype(np.uint8)
    Image.fromarray(gray).save(path)
    path.with_suffix(".json").write_text(json.dumps(POINT))
    return path


@pytest.fixture(scope="module")
def expected(photo: Path) -> np.ndarray:
    colorizer = gcolor.Colorizer()
    colorizer.set_image(np.asarray(Image.open(photo).convert("RGB")))
    return colorizer.color()


@pytest.mark.parametrize("kind", ["text", "path", "bytes", "image", "gray image", "array", "gray array"])
def test_pictures(photo: Path, expected: np.ndarray, kind: str) -> None:
    with Image.open(photo) as image:
        given = {
            "text": str(photo),
            "path": photo,
            "bytes": photo.read_bytes(),
            "image": image.convert("RGB"),
            "gray image": image,
            "array": np.asarray(image.convert("RGB")),
            "gray array": np.asarray(image),
        }[kind]
        assert np.array_equal(gcolor.colorize(given), expected)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I"])
def test_pil_images_of_any_mode(photo: Path, mode: str) -> None:
    with Image.open(photo) as gray:
        if mode in ("I;16", "I"):
            deep = np.asarray(gray).astype(np.uint16) * 257
            image = Image.fromarray(deep if mode == "I;16" else deep.astype(np.int32))
            assert image.mode == mode
        else:
            image = gray.convert("RGB").convert(mode)
        wanted = np.asarray((image.convert("RGB") if mode not in ("I;16", "I") else gray).convert("L")).astype(int)
    found = np.asarray(Image.fromarray(gcolor.colorize(image)).convert("L")).astype(int)
    assert np.abs(found - wanted).mean() < 2


def test_an_image_is_turned_upright(photo: Path) -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6
    with Image.open(photo) as image:
        image.save(file, "JPEG", exif=exif)
    assert gcolor.colorize(Image.open(file)).shape == gcolor.colorize(file.getvalue()).shape == (120, 80, 3)


@pytest.mark.parametrize(
    "kind", ["text", "path", "list", "bytes", "painted bytes", "mapping", "image", "overlay", "Hints"]
)
def test_hints(photo: Path, expected: np.ndarray, kind: str) -> None:
    path = photo.with_suffix(".json")
    hints = load_hints([path], (120, 80))
    painted = Image.fromarray(hints.render())
    file = io.BytesIO()
    painted.save(file, "PNG")
    given = {
        "text": str(path),
        "path": path,
        "list": [str(path)],
        "bytes": path.read_bytes(),
        "painted bytes": file.getvalue(),
        "mapping": POINT,
        "image": painted,
        "overlay": np.asarray(painted),
        "Hints": hints,
    }[kind]
    out = gcolor.colorize(photo, given).astype(int)
    assert out[20, 30, 0] - out[20, 30, 1] > 40 and not np.array_equal(out, expected)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("gone.png", "gone.png: cannot be read"),
        (b"no picture", "not a picture"),
        (np.zeros((4, 4, 4), np.uint8), r"uint8 \[H, W, 3\]"),
        (np.zeros((4, 4), np.float32), r"uint8 \[H, W, 3\]"),
        (Image.new("F", (4, 4)), "floating-point"),
        (17, "this is int"),
        (None, "this is NoneType"),
    ],
)
def test_what_is_no_picture(given: object, sentence: str) -> None:
    with pytest.raises(PictureError, match=sentence):
        gcolor.colorize(given)


def test_what_are_no_hints(photo: Path) -> None:
    for given in (b"{", {"version": 2}, "gone.json", Image.new("RGB", (120, 80))):
        with pytest.raises(HintError):
            gcolor.colorize(photo, given)
    for other in (3, np.zeros((4, 4, 3), np.uint8)):
        with pytest.raises(PictureError):
            gcolor.colorize(photo, other)
