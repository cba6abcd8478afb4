"""Pictures of 16 bits: read without loss, and colored at the lightness of all their bits."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from gcolor import Colorizer
from gcolor.color.errors import PictureError
from gcolor.color.lab import lab_to_rgb16, rgb_to_lab
from gcolor.runtime.pictures import OtherKindError, Picture, read_picture, write_picture
from PIL import Image

tifffile = pytest.importorskip("tifffile")
rgb2lab = pytest.importorskip("skimage.color").rgb2lab


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    return Colorizer(device="cpu", threads=1)


def ramp(height: int = 96, width: int = 144) -> np.ndarray:
    """Grey uint16 with every kind of low byte."""
    y, x = np.mgrid[0:height, 0:width]
    return ((y * width + x) * 65535 // (height * width - 1)).astype(np.uint16)


def color(height: int = 96, width: int = 144, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 65536, (height, width, channels), dtype=np.uint16)


def write_png(path: Path, samples: np.ndarray) -> None:
    order = {2: None, 3: [2, 1, 0], 4: [2, 1, 0, 3]}[samples.ndim if samples.ndim == 2 else samples.shape[2]]
    assert cv2.imwrite(str(path), samples if order is None else samples[..., order])


def read_back(path: Path) -> np.ndarray:
    """By a reader that is not ours."""
    if path.suffix == ".tif":
        return tifffile.imread(path)
    found: Any = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return found[..., [2, 1, 0, 3][: found.shape[2]]] if found.ndim == 3 else found


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jp2"])
def test_grey_is_read_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, ramp(), photometric="minisblack")
    else:
        cv2.imwrite(str(path), ramp(), [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if suffix == ".jp2" else [])
    picture = read_picture(path)
    assert picture.deep is not None and np.array_equal(picture.deep, ramp())
    assert np.array_equal(picture.rgb[..., 1], np.rint(ramp() / 257.0))


def test_grey_of_netpbm_is_read_whole(tmp_path: Path) -> None:
    for maxval, expected in ((65535, ramp()), (1023, np.rint((ramp() >> 6) * (65535 / 1023)))):
        raw = ramp() if maxval == 65535 else ramp() >> 6
        (tmp_path / "a.pgm").write_bytes(b"P5 144 96 %d\n" % maxval + raw.astype(">u2").tobytes())
        deep = read_picture(tmp_path / "a.pgm").deep
        assert deep is not None and np.abs(deep.astype(int) - expected).max() <= 1


def test_white_may_be_zero_and_samples_may_have_12_bits(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", ramp(), photometric="miniswhite")
    assert np.array_equal(read_picture(tmp_path / "a.tif").deep, 65535 - ramp())
    twelve = (ramp() >> 4)[:, :144]
    packed = np.unpackbits(twelve.astype(">u2").view(np.uint8).reshape(96, 144, 2), axis=2)[..., 4:]
    data = np.packbits(packed.reshape(96, -1), axis=1).tobytes()
    tags = {256: 144, 257: 96, 258: 12, 259: 1, 262: 1, 273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: 96, 279: len(data)}
    directory = b"".join(t.to_bytes(2, "little") + b"\4\0\1\0\0\0" + v.to_bytes(4, "little") for t, v in tags.items())
    (tmp_path / "b.tif").write_bytes(b"II*\0\x08\0\0\0\x09\0" + directory + bytes(4) + data)
    assert np.array_equal(read_picture(tmp_path / "b.tif").deep, np.rint(twelve * (65535 / 4095)))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".ppm", ".jp2"])
def test_color_and_alpha_are_read_and_written_whole(tmp_path: Path, suffix: str, channels: int) -> None:
    if suffix == ".ppm" and channels == 4:
        pytest.skip("Netpbm has no alpha")
    samples = color(channels=channels)
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, samples, photometric="rgb", extrasamples=["unassalpha"] if channels == 4 else None)
    elif suffix == ".jp2":
        order = [2, 1, 0, 3][:channels]
        cv2.imwrite(str(path), samples[..., order], [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])
    else:
        write_png(path, samples)
    picture = read_picture(path)
    assert picture.deep is not None and np.array_equal(picture.deep, samples[..., :3])
    assert (picture.alpha is None) == (channels == 3)
    assert picture.alpha is None or np.array_equal(picture.alpha, samples[..., 3])
    write_picture(tmp_path / f"b{suffix}", picture)
    assert np.array_equal(read_back(tmp_path / f"b{suffix}"), samples)


@pytest.mark.parametrize(
    "options", [{"compression": "zlib", "predictor": True}, {"tile": (32, 32)}, {"byteorder": ">"}]
)
def test_other_layouts_of_tiff(tmp_path: Path, options: dict[str, object]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", color(), photometric="rgb", **options)
    assert np.array_equal(read_picture(tmp_path / "a.tif").deep, color())


def test_grey_with_alpha_of_16_bits(tmp_path: Path, make_png) -> None:
    both = color(channels=2)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in both)
    (tmp_path / "a.png").write_bytes(make_png(144, 96, rows, depth=16, color=4))
    picture = read_picture(tmp_path / "a.png")
    assert picture.deep is not None and np.array_equal(picture.deep, both[..., :1].repeat(3, axis=2))
    assert np.array_equal(picture.alpha, both[..., 1])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_color_key_of_16_bits_becomes_alpha(tmp_path: Path, make_png, channels: int) -> None:
    samples = color(channels=channels) >> 12
    key = samples[7, 9]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    name = b"tRNS" + key.astype(">u2").tobytes()
    extra = struct.pack(">I", len(name) - 4) + name + struct.pack(">I", zlib.crc32(name))
    (tmp_path / "a.png").write_bytes(make_png(144, 96, rows, depth=16, color=0 if channels == 1 else 2, extra=extra))
    alpha = read_picture(tmp_path / "a.png").alpha
    assert alpha is not None and np.array_equal(alpha == 0, (samples == key).all(axis=-1)) and alpha.max() == 65535


@pytest.mark.parametrize(
    ("samples", "options", "sentence"),
    [
        (color().astype(np.float32), {"photometric": "rgb"}, "no fixed white"),
        (ramp().astype(np.float32), {"photometric": "minisblack"}, "no fixed white"),
        (ramp().astype(np.uint32), {"photometric": "minisblack"}, "no fixed white"),
        (ramp().astype(np.int16), {"photometric": "minisblack"}, "no fixed white"),
        (color(channels=4), {"photometric": "separated"}, "a CMYK TIFF of 16 bits"),
    ],
    ids=["float color", "float", "uint32", "int16", "cmyk"],
)
def test_what_cannot_be_read_with_certainty_is_refused(
    tmp_path: Path, samples: np.ndarray, options: dict[str, object], sentence: str
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", samples, **options)
    with pytest.raises(OtherKindError, match=sentence) as raised:
        read_picture(tmp_path / "a.tif")
    assert "keep it" in str(raised.value) and "remove" not in str(raised.value)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_16_bits_cut_short_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"a{suffix}"
    write_picture(path, Picture(np.zeros((96, 144, 3), np.uint8), deep=color()))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(PictureError):
        read_picture(path)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp", ".tga"])
def test_formats_of_8_bits_refuse_16(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(PictureError, match=r"16 bits, which .* does not keep; give it a name in \.png or \.tif"):
        write_picture(tmp_path / f"a{suffix}", Picture(np.zeros((96, 144, 3), np.uint8), deep=color()))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_notes_stay_with_16_bits(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "the old mill"
    exif.get_ifd(0x8769)[0x9003] = "1932:05:01 12:00:00"
    xmp = b"<x:xmpmeta/>"
    image = Image.fromarray(ramp())
    if suffix == ".png":
        image.save(tmp_path / "a.png", exif=exif, dpi=(600, 600))
    else:
        exif[700] = xmp
        image.save(tmp_path / "a.tif", exif=exif.tobytes(), dpi=(600, 600))
    picture = read_picture(tmp_path / f"a{suffix}")
    picture.deep = color()
    write_picture(tmp_path / f"b{suffix}", picture)
    with Image.open(tmp_path / f"b{suffix}") as written:
        assert written.getexif()[0x010E] == "the old mill"
        assert written.getexif().get_ifd(0x8769)[0x9003] == "1932:05:01 12:00:00"
        assert np.allclose([float(v) for v in written.info["dpi"]], 600, atol=0.05)
        assert suffix == ".png" or written.info["xmp"].rstrip(b"\0") == xmp


@pytest.mark.parametrize("size", [(96, 144), (700, 1500)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_output_has_the_lightness_of_all_16_bits(
    colorizer: Colorizer, size: tuple[int, int], channels: int
) -> None:
    deep = ramp(*size) if channels == 1 else np.stack([ramp(*size), ramp(*size)[::-1], ramp(*size) // 2], axis=-1)
    rgb = np.rint((deep if channels == 3 else deep[..., None].repeat(3, axis=2)) / 257.0).astype(np.uint8)
    colorizer.set_image(rgb)
    painted = colorizer.color_deep(deep)
    assert painted.dtype == np.uint16 and painted.shape == (*size, 3)
    shown = deep if channels == 3 else deep[..., None].repeat(3, axis=2)
    wanted, found = (rgb2lab(x / 65535.0)[..., 0] for x in (shown, painted))
    assert np.abs(wanted - found).max() < 0.01
    # Its 8-bit colors are those of the picture at 8 bits, and it really has more of them.
    assert np.abs(painted / 257.0 - colorizer.color()).mean() < 0.7
    assert len(np.unique(painted[..., 1])) > 2000
    assert np.abs(rgb2lab(painted / 65535.0)[..., 1:]).max() > 1


def test_a_hint_is_obeyed_at_16_bits(colorizer: Colorizer) -> None:
    deep = np.full((96, 144), 30000, np.uint16) + ramp() // 64
    colorizer.set_image(np.rint(deep[..., None].repeat(3, axis=2) / 257.0).astype(np.uint8))
    hints = np.zeros((*colorizer.grid, 4), np.uint8)
    hints[120:136, 180:200] = (200, 60, 50, 255)
    at = np.s_[46:50, 70:74]
    lab = rgb2lab(colorizer.color_deep(deep, hints)[at] / 65535.0).mean(axis=(0, 1))
    wanted = rgb2lab(np.array([[[200, 60, 50]]], np.uint8))[0, 0]
    assert np.abs(lab[1:] - wanted[1:]).max() < 12


def test_lab_there_and_back_at_16_bits() -> None:
    samples = color()
    assert np.abs(lab_to_rgb16(rgb_to_lab(samples)).astype(int) - samples).max() <= 1
    assert np.abs(rgb_to_lab(samples) - rgb2lab(samples / 65535.0)).max() < 0.01


def test_samples_of_another_size_are_refused(colorizer: Colorizer) -> None:
    colorizer.set_image(np.zeros((40, 50, 3), np.uint8))
    with pytest.raises(PictureError, match="size of the picture"):
        colorizer.color_deep(np.zeros((41, 50), np.uint16))
