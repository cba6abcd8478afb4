"""Rarer kinds of picture are read, or named for what they are; nobody is told to remove a master."""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gcolor.color.errors import PictureError
from gcolor.runtime.pictures import OtherKindError, read_area, read_picture
from made import DEEP, GRAY, HEIGHT, WIDTH, jpeg, packed, tiff
from PIL import Image

tifffile = pytest.importorskip("tifffile")
imagecodecs = pytest.importorskip("imagecodecs")


def whole(values: np.ndarray, bits: int) -> np.ndarray:
    return np.rint(values * (65535 / ((1 << bits) - 1)))


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("white", [False, True])
@pytest.mark.parametrize("big", [False, True])
def test_gray_of_10_to_16_bits(tmp_path: Path, bits: int, order: str, white: bool, big: bool) -> None:
    values = DEEP >> (16 - bits)
    stored = (1 << bits) - 1 - values if white else values
    data = stored.astype(order + "u2").tobytes() if bits == 16 else packed(stored, bits)
    path = tiff(tmp_path / "a.tif", data, bits=bits, order=order, photometric=0 if white else 1, big=big)
    picture = read_picture(path)
    assert picture.deep is not None and np.abs(picture.deep - whole(values, bits)).max() <= 1
    assert read_area(path) == HEIGHT * WIDTH


LAYOUTS: dict[str, dict[str, Any]] = {
    "planes": {"planarconfig": "separate"},
    "planes, deflated": {"planarconfig": "separate", "compression": "zlib"},
    "planes, tiles": {"planarconfig": "separate", "tile": (32, 32)},
    "tiles, LZW, differences": {"tile": (32, 32), "compression": "lzw", "predictor": True},
    "big-endian": {"byteorder": ">", "compression": "zlib"},
    "LERC": {"compression": "lerc"},
    "zstd": {"compression": "zstd"},
    "JPEG 2000": {"compression": "jpeg2000", "compressionargs": {"reversible": True, "level": 0}},
    "PNG": {"compression": "png"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_layouts_of_color(tmp_path: Path, layout: str, kind: type) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max + 1, (HEIGHT, WIDTH, 3)).astype(kind)
    options = dict(LAYOUTS[layout])
    stored = np.moveaxis(pixels, -1, 0) if "planarconfig" in options else pixels
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", metadata=None, **options)
    picture = read_picture(tmp_path / "a.tif")
    assert np.array_equal(picture.rgb if kind is np.uint8 else picture.deep, pixels)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_gray_and_alpha(tmp_path: Path, bits: int, planes: bool, compression: str | None) -> None:
    gray = GRAY if bits == 8 else DEEP
    alpha = np.full_like(gray, np.iinfo(gray.dtype).max)
    alpha[:20] = 7
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.stack([gray, alpha], axis=0 if planes else -1),
        photometric="minisblack",
        planarconfig="separate" if planes else "contig",
        extrasamples=["unassalpha"],
        compression=compression,
        metadata=None,
    )
    picture = read_picture(tmp_path / "a.tif")
    found = picture.rgb[..., 0] if bits == 8 else picture.deep
    assert np.array_equal(found if found.ndim == 2 else found[..., 0], gray) and np.array_equal(picture.alpha, alpha)


def test_premultiplied_alpha_of_16_bits(tmp_path: Path) -> None:
    alpha = np.full_like(DEEP, 32768)
    stored = np.dstack([(DEEP // 2).astype(np.uint16)] * 3 + [alpha])
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["assocalpha"], metadata=None)
    picture = read_picture(tmp_path / "a.tif")
    assert np.abs(picture.deep[..., 0].astype(int) - DEEP).max() <= 2 and np.array_equal(picture.alpha, alpha)


def test_webp_in_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([GRAY] * 3), compression="webp", photometric="rgb", metadata=None)
    assert np.abs(read_picture(tmp_path / "a.tif").rgb[..., 0].astype(int) - GRAY).mean() < 4


@pytest.mark.parametrize("kind", ["12 bits", "lossless", "LS", "LS of 16 bits"])
def test_rarer_jpegs(tmp_path: Path, kind: str) -> None:
    data = {
        "12 bits": lambda: imagecodecs.jpeg8_encode(DEEP >> 4, bitspersample=12, level=98),
        "lossless": lambda: imagecodecs.ljpeg_encode(GRAY),
        "LS": lambda: imagecodecs.jpegls_encode(GRAY),
        "LS of 16 bits": lambda: imagecodecs.jpegls_encode(DEEP),
    }[kind]()
    (tmp_path / "a.jpg").write_bytes(data)
    picture = read_picture(tmp_path / "a.jpg")
    wanted = GRAY if kind in ("lossless", "LS") else np.rint(DEEP / 257)
    assert np.abs(picture.rgb[..., 0] - wanted).max() <= (4 if kind == "12 bits" else 1)
    assert bool(picture.warnings) == ("bits" in kind)


def test_without_the_extra_they_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tifffile", "imagecodecs"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    tiff(tmp_path / "a.tif", packed(DEEP >> 6, 10), bits=10)
    (tmp_path / "b.jpg").write_bytes(imagecodecs.jpegls_encode(GRAY))
    tifffile.imwrite(tmp_path / "c.tif", DEEP[None].repeat(3, 0), photometric="rgb", planarconfig="separate")
    for name, kind in (("a.tif", "a TIFF of 10 bits"), ("b.jpg", "a JPEG-LS picture"), ("c.tif", "planes")):
        with pytest.raises(OtherKindError, match=kind) as raised:
            read_picture(tmp_path / name)
        sentence = str(raised.value)
        assert "pip install 'gcolor[archive]'" in sentence and "keep it" in sentence
        assert not any(word in sentence for word in ("remove", "damaged", "not a picture"))


def psd(depth: int, version: int = 1) -> bytes:
    head = b"8BPS" + struct.pack(">H6xHIIHH", version, 3, HEIGHT, WIDTH, depth, 3)
    return head + bytes(12) + b"\0\0" + bytes(3 * HEIGHT * WIDTH * max(1, depth // 8))


def float_tiff(kind: type) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, np.dstack([GRAY] * 3).astype(kind), photometric="rgb")
    return file.getvalue()


def saved(name: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.dstack([GRAY] * 3)).save(file, name)
    return file.getvalue()


OTHERS = {
    "Photoshop file of 16 bits": ("a.psd", lambda: psd(16)),
    r"large Photoshop file": ("a.psd", lambda: psd(8, version=2)),
    "floating-point samples": ("a.tif", lambda: float_tiff(np.float32)),
    "integer samples of 32 bits": ("a.tif", lambda: float_tiff(np.uint32)),
    "raw camera file": ("a.tif", lambda: b""),
    "JPEG XL": ("a.jpg", lambda: b"\xff\x0a" + bytes(60)),
    "OpenEXR": ("a.tif", lambda: b"\x76\x2f\x31\x01" + bytes(60)),
    "DICOM": ("a.jpg", lambda: b"x" * 128 + b"DICM" + bytes(60)),
    "PDF": ("a.jpg", lambda: b"%PDF-1.4\n" + bytes(60)),
    "SGI": ("a.png", lambda: saved("SGI")),
    "PAM": ("a.ppm", lambda: b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n0"),
    "PNM of floating": ("a.ppm", lambda: b"PF\n2 2\n-1.0\n" + bytes(48)),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_no_one_here_reads_is_named_and_never_to_be_removed(tmp_path: Path, kind: str) -> None:
    name, make = OTHERS[kind]
    path = tmp_path / name
    if kind == "raw camera file":
        tiff(path, GRAY.tobytes(), photometric=32803)
    else:
        path.write_bytes(make())
    with pytest.raises(OtherKindError, match=kind.replace("PNM of floating", "floating-point")) as raised:
        read_picture(path)
    sentence = str(raised.value)
    assert "keep it" in sentence and not any(word in sentence for word in ("remove", "damaged", "not a picture"))


@pytest.mark.parametrize("kind", ["TIFF", "JPEG", "PNG", "BMP", "GIF", "WEBP", "JPEG2000"])
def test_what_is_damaged_is_called_damaged(tmp_path: Path, kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(np.dstack([GRAY] * 3)).save(file, kind)
    data = file.getvalue()
    for kept in (20, len(data) // 2):
        (tmp_path / "a.bin").write_bytes(data[:kept])
        with pytest.raises(PictureError) as raised:
            read_picture(tmp_path / "a.bin")
        assert not isinstance(raised.value, OtherKindError) and "replace" in str(raised.value), str(raised.value)


def test_a_text_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"Dear diary, " * 100)
    with pytest.raises(PictureError, match="is not a picture"):
        read_picture(tmp_path / "a.jpg")
    assert jpeg()[:2] == b"\xff\xd8"
