from __future__ import annotations

import os
import stat
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from gcolor.color.errors import PictureError
from gcolor.runtime.pictures import Picture, find_pictures, read_picture, read_size, write_picture
from PIL import Image, ImageOps

pytestmark = pytest.mark.smoke


def bomb(path: Path, side: int = 20_000) -> None:
    """A valid header of a huge PNG, with few bytes behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff"])
def test_lossless_formats_come_back_exactly(tmp_path: Path, make_scene, suffix: str) -> None:
    pixels = make_scene()
    write_picture(tmp_path / f"a{suffix}", Picture(pixels, None, None))
    assert np.array_equal(read_picture(tmp_path / f"a{suffix}").rgb, pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".JPG"])
def test_lossy_formats_come_back_closely(tmp_path: Path, make_scene, suffix: str) -> None:
    pixels = make_scene()
    write_picture(tmp_path / f"a{suffix}", Picture(pixels, None, None))
    assert np.abs(read_picture(tmp_path / f"a{suffix}").rgb.astype(int) - pixels.astype(int)).mean() < 4


def test_jpeg_keeps_the_full_chroma_resolution(tmp_path: Path, make_scene) -> None:
    write_picture(tmp_path / "a.jpg", Picture(make_scene(), None, None))
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied_and_reset(tmp_path: Path, make_scene, orientation: int) -> None:
    image = Image.fromarray(make_scene(40, 60))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "the old mill"
    image.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as saved:
        expected = np.asarray(ImageOps.exif_transpose(saved))
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.rgb, expected)
    assert read_size(tmp_path / "a.png") == (expected.shape[1], expected.shape[0])
    write_picture(tmp_path / "b.png", picture)
    with Image.open(tmp_path / "b.png") as written:
        assert written.getexif().get(0x0112, 1) == 1
        assert written.getexif()[0x010E] == "the old mill"
        assert np.array_equal(np.asarray(written), expected)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_every_mode_is_read(tmp_path: Path, make_scene, mode: str) -> None:
    pixels = make_scene()
    grey = Image.fromarray(pixels).convert("L")
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        image = Image.fromarray(pixels).convert(mode)
    image.save(tmp_path / "a.tif")
    picture = read_picture(tmp_path / "a.tif")
    assert picture.rgb.shape == pixels.shape and picture.rgb.dtype == np.uint8
    expected = np.asarray(grey if mode in ("L", "LA", "I;16") else image.convert("RGB"))
    assert np.abs(picture.rgb.mean(-1) - (expected if expected.ndim == 2 else expected.mean(-1))).max() <= 1
    assert (picture.alpha is not None) == (mode in ("LA", "RGBA"))


def test_alpha_stays_bit_exact(tmp_path: Path, make_scene) -> None:
    alpha = np.random.default_rng(0).integers(0, 256, (96, 144), np.uint8)
    image = Image.fromarray(make_scene())
    image.putalpha(Image.fromarray(alpha))
    image.save(tmp_path / "a.png")
    write_picture(tmp_path / "b.png", read_picture(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.png") as saved:
        assert np.array_equal(np.asarray(saved.getchannel("A")), alpha)


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    bomb(tmp_path / "bomb.png")
    with pytest.raises(PictureError, match=r"20000 x 20000 is 400 megapixels, more than the limit of 200"):
        read_picture(tmp_path / "bomb.png")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp"])
@pytest.mark.parametrize("share", [0.95, 0.5])
def test_a_picture_cut_short_is_refused(tmp_path: Path, make_scene, suffix: str, share: float) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(make_scene(200, 300)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(PictureError):
        read_picture(path)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("Dear Sir, enclosed find\n")
    with pytest.raises(PictureError, match="not a picture"):
        read_picture(tmp_path / "text.jpg")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(PictureError, match="empty"):
        read_picture(tmp_path / "empty.jpg")
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(PictureError, match="not a regular file"):
        read_picture(tmp_path / "folder.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PictureError, match="not a regular file"):
        read_picture(tmp_path / "pipe.jpg")
    with pytest.raises(PictureError, match="No such file"):
        read_picture(tmp_path / "missing.jpg")


def test_several_pages_are_said(tmp_path: Path, make_scene) -> None:
    pages = [Image.fromarray(make_scene(seed=i)) for i in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(PictureError, match="3 pages"):
        read_picture(tmp_path / "a.tif")


def test_damaged_bytes_give_our_errors_only(tmp_path: Path, make_scene) -> None:
    rng = np.random.default_rng(1)
    image = Image.fromarray(make_scene(40, 50))
    for suffix in (".jpg", ".png", ".webp", ".tif", ".bmp"):
        image.save(tmp_path / f"good{suffix}")
        data = np.frombuffer((tmp_path / f"good{suffix}").read_bytes(), np.uint8)
        for _ in range(60):
            broken = data.copy()
            at = rng.integers(0, min(len(data), 400), rng.integers(1, 8))
            broken[at] = rng.integers(0, 256, len(at))
            path = tmp_path / f"broken{suffix}"
            path.write_bytes(broken.tobytes())
            try:
                picture = read_picture(path, max_pixels=10_000_000)
            except PictureError:
                continue
            assert picture.rgb.dtype == np.uint8


def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path: Path, make_scene, monkeypatch) -> None:
    write_picture(tmp_path / "a.png", Picture(make_scene(), None, None))
    before = (tmp_path / "a.png").read_bytes()

    def fail(file: BinaryIO, *_: object) -> None:
        file.write(b"half a picture")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gcolor.runtime.pictures.write._write", fail)
    with pytest.raises(PictureError, match="No space left"):
        write_picture(tmp_path / "a.png", Picture(make_scene(seed=1), None, None))
    assert (tmp_path / "a.png").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_file_modes(tmp_path: Path, make_scene) -> None:
    umask = os.umask(0o022)
    os.umask(umask)
    write_picture(tmp_path / "a.png", Picture(make_scene(), None, None))
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o666 & ~umask
    (tmp_path / "a.png").chmod(0o640)
    write_picture(tmp_path / "a.png", Picture(make_scene(), None, None))
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640


def test_finding_pictures(tmp_path: Path) -> None:
    for name in ["b.JPG", "a.png", "notes.txt", ".hidden.jpg", "sub/c.tiff", ".cache/d.jpg", "x.jpg/e.webp"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    assert [str(p.relative_to(tmp_path)) for p in find_pictures(tmp_path)] == [
        "a.png",
        "b.JPG",
        "sub/c.tiff",
        "x.jpg/e.webp",
    ]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_gray_picture_stays_one_plane(tmp_path: Path, make_scene, suffix: str, bits: int) -> None:
    plane = make_scene()[..., 0]
    if bits == 16:
        if suffix in (".jpg", ".bmp"):
            pytest.skip("has 8 bits")
        Image.fromarray(plane.astype(np.uint16) * 257).save(tmp_path / f"a{suffix}")
    else:
        Image.fromarray(plane).save(tmp_path / f"a{suffix}", exif=b"")
    picture = read_picture(tmp_path / f"a{suffix}")
    assert picture.pixels.shape == plane.shape
    assert np.array_equal(picture.rgb, np.repeat(picture.pixels[..., None], 3, axis=2))
    if suffix != ".jpg":
        assert np.array_equal(picture.pixels, plane)


def test_pixels_that_lie_as_jpeg_wants_them_give_the_same_file(tmp_path: Path, make_scene) -> None:
    room = np.dstack([make_scene(), np.full((96, 144), 255, np.uint8)])
    for name, pixels in (("a", make_scene()), ("b", room[..., :3]), ("c", room[:, ::-1][:, ::-1, :3])):
        write_picture(tmp_path / f"{name}.jpg", Picture(pixels))
    files = {(tmp_path / f"{name}.jpg").read_bytes() for name in "abc"}
    assert len(files) == 1


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"subsampling": 2}, {"subsampling": 1, "progressive": True}])
def test_a_jpegs_pixels_are_those_that_pillow_decodes(tmp_path: Path, make_scene, mode: str, options: dict) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(make_scene(151, 203)).convert(mode).save(path, quality=60, **options)
    with Image.open(path) as image:
        assert np.array_equal(read_picture(path).rgb, np.asarray(image.convert("RGB")))
