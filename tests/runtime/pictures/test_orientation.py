"""The eight EXIF orientations, in every format that has them, against their definition (EXIF 2.32, 4.6.4 A)."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from gcolor.runtime.pictures import read_picture, read_size, write_picture
from gcolor.runtime.pictures.plugins import can_write
from PIL import Image

pytestmark = pytest.mark.smoke

# As displayed: six patches of 16 x 16 pixels, all different, so that each turn looks like no other.
PATCHES = np.array([[[20, 20, 20], [200, 40, 40], [40, 190, 60]], [[50, 60, 210], [230, 230, 230], [180, 170, 30]]])
SHOWN = PATCHES.astype(np.uint8).repeat(16, axis=0).repeat(16, axis=1)
# Where the first row and the first column of the stored picture lie in the displayed one.
STORED = {
    1: SHOWN,  # top, left
    2: SHOWN[:, ::-1],  # top, right
    3: SHOWN[::-1, ::-1],  # bottom, right
    4: SHOWN[::-1],  # bottom, left
    5: SHOWN.transpose(1, 0, 2),  # left, top
    6: np.rot90(SHOWN),  # right, top
    7: SHOWN.transpose(1, 0, 2)[::-1, ::-1],  # right, bottom
    8: np.rot90(SHOWN, -1),  # left, bottom
}
FORMATS = [".jpg", ".png", ".tif", ".webp"] + [
    ending for ending, name in ((".avif", "AVIF"), (".heic", "HEIF")) if can_write(name)
]


def save(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "the old mill"
    options = {
        ".jpg": {"quality": 95, "subsampling": 0},
        ".avif": {"quality": 95, "subsampling": "4:4:4"},
        ".heic": {"quality": 95, "chroma": 444},
    }
    image = Image.fromarray(np.ascontiguousarray(STORED[orientation]))
    lossless = {"lossless": True} if path.suffix == ".webp" else {}
    # HEIF has a property of its own for it, which pillow-heif derives from raw EXIF.
    image.save(path, exif=exif.tobytes(), **options.get(path.suffix, {}), **lossless)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright_and_say_so(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a{suffix}"
    save(path, orientation)
    assert read_size(path) == (48, 32)
    picture = read_picture(path)
    assert picture.rgb.shape == SHOWN.shape
    assert np.abs(picture.rgb.astype(int) - SHOWN).max() <= (0 if suffix in (".png", ".tif", ".webp") else 8)
    write_picture(tmp_path / f"b{suffix}", picture)
    with Image.open(tmp_path / f"b{suffix}") as written:
        assert written.size == (48, 32)
        assert written.getexif().get(0x0112, 1) == 1
        assert written.getexif()[0x010E] == "the old mill"
        assert np.abs(np.asarray(written).astype(int) - SHOWN).max() <= 12


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_grey_pictures_are_turned_alike(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(STORED[orientation][..., 0])).save(tmp_path / f"a{suffix}", exif=exif)
    assert np.array_equal(read_picture(tmp_path / f"a{suffix}").rgb, SHOWN[..., :1].repeat(3, axis=2))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_samples_of_16_bits_are_turned_alike(tmp_path: Path, suffix: str, channels: int, orientation: int) -> None:
    tifffile = pytest.importorskip("tifffile")
    samples = STORED[orientation].astype(np.uint16) * 257 + np.uint16(5)
    samples = np.ascontiguousarray(samples if channels == 3 else samples[..., 0])
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        kind = "rgb" if channels == 3 else "minisblack"
        tifffile.imwrite(path, samples, photometric=kind, extratags=[(0x0112, "H", 1, orientation, True)])
    else:
        tagged = Image.Exif()
        tagged[0x0112] = orientation
        exif = tagged.tobytes()[6:]
        cv2.imwrite(str(path), samples[..., ::-1] if channels == 3 else samples)
        chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
        data = path.read_bytes()
        path.write_bytes(data[:33] + chunk + data[33:])
    picture = read_picture(path)
    expected = SHOWN.astype(np.uint16) * 257 + np.uint16(5)
    assert picture.deep is not None
    assert np.array_equal(picture.deep, expected if channels == 3 else expected[..., 0])


def test_a_png_that_names_its_orientation_behind_its_pixels(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 6)
    data = (tmp_path / "a.png").read_bytes()
    start = data.index(b"eXIf") - 4
    ends = start + 12 + int.from_bytes(data[start : start + 4], "big")
    (tmp_path / "late.png").write_bytes(data[:start] + data[ends:-12] + data[start:ends] + data[-12:])
    assert read_size(tmp_path / "late.png") == (48, 32)
    assert np.array_equal(read_picture(tmp_path / "late.png").rgb, SHOWN)


def test_an_orientation_that_only_xmp_names(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="8" dc:title="mill"/></x:xmpmeta>'
    Image.fromarray(np.ascontiguousarray(STORED[8])).save(tmp_path / "a.jpg", xmp=xmp, quality=95, subsampling=0)
    picture = read_picture(tmp_path / "a.jpg")
    assert np.abs(picture.rgb.astype(int) - SHOWN).max() <= 8
    write_picture(tmp_path / "b.jpg", picture)
    with Image.open(tmp_path / "b.jpg") as written:
        assert written.info["xmp"] == xmp.replace(b'"8"', b'"1"')
        assert np.abs(np.asarray(read_picture(tmp_path / "b.jpg").rgb).astype(int) - SHOWN).max() <= 12
