"""Every format there and back; names and contents that disagree; what a format cannot keep is refused, never lost."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from gcolor.color.errors import PictureError
from gcolor.runtime.pictures import (
    SUFFIXES,
    Picture,
    find_pictures,
    output_name,
    read_area,
    read_picture,
    write_picture,
)
from gcolor.runtime.pictures.plugins import can_write
from PIL import Image

pytestmark = pytest.mark.smoke

WRITTEN = sorted(suffix for suffix, kind in SUFFIXES.items() if not kind.output and can_write(kind.name))
EXACT = {
    ".png",
    ".tif",
    ".tiff",
    ".bmp",
    ".dib",
    ".ppm",
    ".pnm",
    ".tga",
    ".jp2",
    ".jpx",
    ".jpf",
    ".j2k",
    ".j2c",
    ".jpc",
}
SIGNATURES = {
    "JPEG": b"\xff\xd8\xff",
    "PNG": b"\x89PNG",
    "TIFF": b"II*\0",
    "WEBP": b"RIFF",
    "BMP": b"BM",
    "PPM": b"P6",
}


def psd(path: Path, pixels: np.ndarray) -> None:
    """The least that Photoshop's format allows: a header and the composite, plane after plane."""
    height, width = pixels.shape[:2]
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3)
    path.write_bytes(header + bytes(12) + b"\0\0" + pixels.transpose(2, 0, 1).tobytes())


def test_the_formats_of_the_documentation_are_there() -> None:
    assert {".jpg", ".png", ".tif", ".webp", ".bmp", ".ppm", ".tga"} <= set(WRITTEN)
    assert {".gif", ".psd", ".pgm", ".avif", ".heic"} <= set(SUFFIXES)


def test_a_format_that_is_not_installed_is_said(tmp_path: Path, make_scene, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(500))
    can_write("HEIF")  # whether it is here or not, it is not looked for again
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    monkeypatch.delitem(Image.SAVE, "HEIF", raising=False)
    sentence = r"this Pillow has no HEIF; pip install 'gcolor\[heif\]'"
    with pytest.raises(PictureError, match=sentence):
        read_picture(tmp_path / "a.heic")
    with pytest.raises(PictureError, match=sentence):
        write_picture(tmp_path / "b.heic", Picture(make_scene()))


@pytest.mark.parametrize("suffix", WRITTEN)
def test_there_and_back(tmp_path: Path, make_scene, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_picture(path, Picture(make_scene()))
    kind = SUFFIXES[suffix]
    assert path.read_bytes().startswith(SIGNATURES.get(kind.name, b""))
    found = read_picture(path)
    apart = np.abs(found.rgb.astype(int) - make_scene())
    assert apart.max() == 0 if suffix in EXACT else apart.mean() < 4
    assert found.alpha is None and read_area(path) == 96 * 144


@pytest.mark.parametrize("suffix", WRITTEN)
def test_alpha_stays_bit_exact_or_is_refused(tmp_path: Path, make_scene, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    alpha = np.random.default_rng(0).integers(0, 256, (96, 144), np.uint8)
    if not SUFFIXES[suffix].alpha:
        with pytest.raises(PictureError, match=r"alpha.*does not keep.*\.png"):
            write_picture(path, Picture(make_scene(), alpha))
        assert not path.exists()
        write_picture(path, Picture(make_scene(), np.full_like(alpha, 255)))  # opaque everywhere: nothing is lost
        assert read_picture(path).alpha is None
        return
    write_picture(path, Picture(make_scene(), alpha))
    found = read_picture(path)
    assert found.alpha is not None and np.array_equal(found.alpha, alpha)
    assert suffix not in EXACT or np.array_equal(found.rgb, make_scene())


@pytest.mark.parametrize("mode", ["LA", "PA", "P with a color key", "L with a color key", "RGB with a color key"])
def test_all_kinds_of_alpha_are_read(tmp_path: Path, make_scene, mode: str) -> None:
    grey = Image.fromarray(make_scene()).convert("L")
    path = tmp_path / ("a.tif" if mode == "PA" else "a.png")
    options = {}
    if mode == "LA":
        image = Image.merge("LA", [grey, grey])
    elif mode == "PA":
        image = grey.convert("P").convert("PA")
        image.putalpha(grey)
    else:
        image = grey.convert(mode.split()[0])
        key = image.getpixel((10, 20))
        options["transparency"] = key
    image.save(path, **options)
    with Image.open(path) as stored:
        expected = np.asarray(stored.convert("RGBA"))
    picture = read_picture(path)
    assert picture.alpha is not None and np.array_equal(picture.alpha, expected[..., 3])
    assert picture.alpha.min() < 255
    assert np.array_equal(picture.rgb, expected[..., :3])


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("a.jpg", "a.jpg"),
        ("sub/b.GIF", "sub/b.GIF.png"),
        ("c.psd", "c.psd.png"),
        ("d.pgm", "d.pgm.ppm"),
        ("e.Tif", "e.Tif"),
        ("noending", "noending"),
    ],
)
def test_names_of_outputs(name: str, output: str) -> None:
    assert output_name(name) == output


def test_formats_without_true_color_are_read(tmp_path: Path, make_scene) -> None:
    pixels = make_scene()
    Image.fromarray(pixels).save(tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as stored:
        expected = np.asarray(stored.convert("RGB"))
    assert np.array_equal(read_picture(tmp_path / "a.gif").rgb, expected)
    Image.fromarray(pixels[..., 0].copy()).save(tmp_path / "a.pgm")
    assert np.array_equal(read_picture(tmp_path / "a.pgm").rgb[..., 0], pixels[..., 0])
    psd(tmp_path / "a.psd", pixels)
    assert np.array_equal(read_picture(tmp_path / "a.psd").rgb, pixels)
    for name in ("a.gif", "a.pgm", "a.psd"):
        with pytest.raises(PictureError, match="no format to write"):
            write_picture(tmp_path / name, Picture(pixels))
    with pytest.raises(PictureError, match=r"'\.xyz' says no format to write; use one of .*\.jpg"):
        write_picture(tmp_path / "a.xyz", Picture(pixels))


def test_several_frames_are_said(tmp_path: Path, make_scene) -> None:
    frames = [Image.fromarray(make_scene(seed=i)) for i in range(3)]
    for name in ("a.gif", "a.tif", "a.png", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(PictureError, match="has 3 pages or frames; choose with --page N"):
            read_picture(tmp_path / name)


def test_a_jpeg_with_a_second_picture_behind_is_its_first(tmp_path: Path, make_scene) -> None:
    first, second = (Image.fromarray(make_scene(seed=i)) for i in range(2))
    first.save(tmp_path / "a.mpo", save_all=True, append_images=[second], quality=95)
    (tmp_path / "a.mpo").rename(tmp_path / "a.jpg")
    assert np.abs(read_picture(tmp_path / "a.jpg").rgb.astype(int) - make_scene()).mean() < 4


def test_contents_count_when_reading_and_names_when_writing(tmp_path: Path, make_scene) -> None:
    Image.fromarray(make_scene()).save(tmp_path / "really.png")
    (tmp_path / "really.png").rename(tmp_path / "a.jpg")
    picture = read_picture(tmp_path / "a.jpg")
    assert np.array_equal(picture.rgb, make_scene())
    write_picture(tmp_path / "b.jpg", picture)
    assert (tmp_path / "b.jpg").read_bytes().startswith(SIGNATURES["JPEG"])


@pytest.mark.parametrize("format_name", ["EPS", "ICO", "PCX", "SGI", "DDS", "PDF"])
def test_other_readers_of_pillow_are_never_run(tmp_path: Path, make_scene, format_name: str) -> None:
    Image.fromarray(make_scene()).save(tmp_path / "a.bin", format_name)
    (tmp_path / "a.bin").rename(tmp_path / "a.jpg")
    with pytest.raises(PictureError, match="of a kind that gcolor does not read; keep it"):
        read_picture(tmp_path / "a.jpg")


def test_what_is_no_picture_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"Dear diary, " * 100)
    with pytest.raises(PictureError, match="not a picture in a format that can be read; replace the file or remove it"):
        read_picture(tmp_path / "a.jpg")


def test_pictures_are_found_by_their_endings(tmp_path: Path) -> None:
    names = ["a.jpg", "b.JPEG", "c.jfif", "d.gif", "e.psd", "f.jp2", "g.eps", "h.txt", "i.ico"]
    for name in names:
        (tmp_path / name).touch()
    assert [p.name for p in find_pictures(tmp_path)] == names[:6]


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_whose_pixels_end_early_is_refused(tmp_path: Path, make_scene, make_png, interlaced: bool) -> None:
    rows = [b"\0" + make_scene()[i].tobytes() for i in range(96)]
    whole = make_png(144, 96, b"".join(rows))
    (tmp_path / "whole.png").write_bytes(whole)
    assert np.array_equal(read_picture(tmp_path / "whole.png").rgb, make_scene())
    for kept in (0, 1, 50, 95):
        (tmp_path / "a.png").write_bytes(make_png(144, 96, b"".join(rows[:kept]), interlaced=interlaced))
        with pytest.raises(PictureError, match="ends early|damaged or cut short"):
            read_picture(tmp_path / "a.png")


def test_a_picture_that_is_black_below_is_whole(tmp_path: Path) -> None:
    for depth, mode in ((8, "L"), (1, "1"), (8, "RGB"), (8, "P")):
        image = Image.new(mode, (37, 21))
        image.putpixel((3, 4), image.getpixel((0, 0)) if depth == 1 else (9 if mode != "RGB" else (9, 9, 9)))
        image.save(tmp_path / "a.png")
        assert read_picture(tmp_path / "a.png").rgb.shape == (21, 37, 3)
