"""What goes with a picture stays with it: EXIF, XMP, captions, resolution; a JPEG's own quality."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gcolor.runtime.pictures import Picture, read_picture, write_picture
from gcolor.runtime.pictures.notes.exif import patch
from gcolor.runtime.pictures.plugins import can_write
from PIL import Image, ImageFilter, IptcImagePlugin, PngImagePlugin

pytestmark = pytest.mark.smoke

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description dc:title="M\xc3\xbchle"/></x:xmpmeta>'
MAKER_NOTE, COLOR_SPACE, WIDTH, HEIGHT = 0x927C, 0xA001, 0xA002, 0xA003
KEEPERS = [".jpg", ".png", ".tif", ".webp"] + [
    ending for ending, name in ((".avif", "AVIF"), (".heic", "HEIF")) if can_write(name)
]


def full_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "M\u00fchle am Bach".encode()  # UTF-8, as most programs write it
    exif[0x8298] = "Archiv"
    inner = exif.get_ifd(0x8769)
    inner[0x9003] = "1932:05:01 12:00:00"
    inner[MAKER_NOTE] = bytes(range(60))
    inner[WIDTH], inner[HEIGHT] = 144, 96
    exif.get_ifd(0x8825)[1] = "N"
    return exif


@pytest.mark.parametrize("suffix", KEEPERS)
def test_exif_and_xmp_stay(tmp_path: Path, make_scene, suffix: str) -> None:
    image = Image.fromarray(make_scene()).convert("L")
    if suffix == ".png":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        text.add_text("Author", "J. M\u00fcller")
        image.save(tmp_path / "a.png", exif=full_exif(), pnginfo=text)
    elif suffix == ".tif":
        exif = full_exif()
        exif[700] = XMP
        image.save(tmp_path / "a.tif", exif=exif.tobytes())
        # Pillow itself loses what is not ASCII there.
        data = (tmp_path / "a.tif").read_bytes()
        (tmp_path / "a.tif").write_bytes(data.replace(b"M??hle", "M\u00fchle".encode()))
    else:
        image.save(tmp_path / f"a{suffix}", exif=full_exif(), xmp=XMP)
    write_picture(tmp_path / f"b{suffix}", read_picture(tmp_path / f"a{suffix}"))
    with Image.open(tmp_path / f"b{suffix}") as written:
        exif = written.getexif()
        # Pillow reads EXIF's text as Latin-1.
        assert exif[0x010E].encode("latin-1") == "M\u00fchle am Bach".encode()
        assert exif[0x8298] == "Archiv"
        assert exif.get_ifd(0x8769)[0x9003] == "1932:05:01 12:00:00"
        assert exif.get_ifd(0x8769)[MAKER_NOTE] == bytes(range(60))
        assert exif.get_ifd(0x8825)[1] == "N"
        assert written.info["xmp"].rstrip(b"\0") == XMP
        if suffix == ".png":
            assert written.text["Author"] == "J. M\u00fcller"


def test_raw_exif_is_changed_where_it_must_be_and_nowhere_else() -> None:
    exif = full_exif(6)
    exif.get_ifd(0x8769)[COLOR_SPACE] = 65535
    before = exif.tobytes()
    after = patch(before, swapped=True, converted=True)
    assert len(after) == len(before)
    read = Image.Exif()
    read.load(after)
    inner = read.get_ifd(0x8769)
    assert read[0x0112] == 1 and (inner[WIDTH], inner[HEIGHT]) == (96, 144) and inner[COLOR_SPACE] == 1
    changed = np.flatnonzero(np.frombuffer(before, np.uint8) != np.frombuffer(after, np.uint8))
    assert 0 < len(changed) <= 2 + 2 + 4  # orientation; the two sides; the color space


def test_the_preview_is_cut_off() -> None:
    tiff = struct.pack("<2sHI HHHII I", b"II", 42, 8, 1, 0x0112, 3, 1, 8, 26) + struct.pack("<HI", 0, 0)
    after = patch(b"Exif\0\0" + tiff, swapped=False, converted=False)
    assert after[6 + 8 + 2 + 12 :][:4] == bytes(4)
    assert after[6 + 8 + 2 + 8 :][:2] == b"\x01\x00"


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"nonsense"])
def test_exif_that_is_none_goes_through(exif: bytes) -> None:
    assert patch(exif, swapped=True, converted=True) == exif


def test_a_tiffs_own_layout_is_not_taken_over(tmp_path: Path, make_scene) -> None:
    tifffile = pytest.importorskip("tifffile")
    grey = make_scene()[..., 0].copy()
    tifffile.imwrite(
        tmp_path / "a.tif",
        grey,
        tile=(32, 32),
        photometric="miniswhite",
        description="the old mill",
        metadata=None,
        extratags=[(33432, "s", 0, "Archiv", True)],
        resolution=(600, 600),
    )
    write_picture(tmp_path / "b.tif", read_picture(tmp_path / "a.tif"))
    with tifffile.TiffFile(tmp_path / "b.tif") as written:
        assert np.array_equal(written.asarray(), (255 - grey)[..., None].repeat(3, axis=2))
        page = written.pages[0]
        assert page.photometric == 2 and not page.is_tiled
        assert page.tags[270].value == "the old mill" and page.tags[33432].value == "Archiv"
        assert page.tags["XResolution"].value == (600, 1)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_resolution_stays_and_turns_along(tmp_path: Path, make_scene, suffix: str, turned: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1
    options = {} if suffix == ".bmp" else {"exif": exif}
    Image.fromarray(make_scene()).save(tmp_path / f"a{suffix}", dpi=(300, 600), **options)
    write_picture(tmp_path / f"b{suffix}", read_picture(tmp_path / f"a{suffix}"))
    with Image.open(tmp_path / f"b{suffix}") as written:
        expected = (600, 300) if turned and suffix != ".bmp" else (300, 600)
        assert np.allclose([float(v) for v in written.info["dpi"]], expected, atol=0.05)


def test_captions_and_comments_of_jpegs_stay(tmp_path: Path, make_scene) -> None:
    iptc = b"\x1c\x02\x78" + struct.pack(">H", 8) + b"The mill"
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    segment = b"Photoshop 3.0\0" + resource
    marker = b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment
    Image.fromarray(make_scene()).save(tmp_path / "a.jpg", extra=marker, comment=b"box 12")
    write_picture(tmp_path / "b.jpg", read_picture(tmp_path / "a.jpg"))
    with Image.open(tmp_path / "b.jpg") as written:
        assert IptcImagePlugin.getiptcinfo(written)[(2, 120)] == b"The mill"
        assert written.info["comment"] == b"box 12"


def quantization(path: Path) -> list[list[int]]:
    with Image.open(path) as image:
        return [list(table) for _, table in sorted(image.quantization.items())]


@pytest.mark.parametrize("quality", [30, 75, 92, 100])
def test_a_jpeg_keeps_its_quality_and_gets_full_chroma(tmp_path: Path, make_scene, quality: int) -> None:
    image = Image.fromarray(make_scene())
    image.save(tmp_path / "a.jpg", quality=quality, subsampling=2)
    image.convert("L").save(tmp_path / "grey.jpg", quality=quality)
    for name in ("a.jpg", "grey.jpg"):
        write_picture(tmp_path / "b.jpg", read_picture(tmp_path / name))
        assert quantization(tmp_path / "b.jpg") == quantization(tmp_path / "a.jpg"), name
        with Image.open(tmp_path / "b.jpg") as written:
            assert [layer[1:3] for layer in written.layer] == [(1, 1)] * 3


def test_a_cameras_own_tables_stay(tmp_path: Path, make_scene) -> None:
    tables = [[3 + (i * 7) % 40 for i in range(64)], [5 + (i * 3) % 50 for i in range(64)]]
    Image.fromarray(make_scene()).save(tmp_path / "a.jpg", qtables=tables)
    write_picture(tmp_path / "b.jpg", read_picture(tmp_path / "a.jpg"))
    assert quantization(tmp_path / "b.jpg") == tables


def test_a_quality_that_is_asked_for_counts(tmp_path: Path, make_scene) -> None:
    image = Image.fromarray(make_scene())
    image.save(tmp_path / "a.jpg", quality=50)
    image.save(tmp_path / "wanted.jpg", quality=80)
    write_picture(tmp_path / "b.jpg", read_picture(tmp_path / "a.jpg"), quality=80)
    assert quantization(tmp_path / "b.jpg") == quantization(tmp_path / "wanted.jpg")


def test_a_lossless_webp_stays_lossless(tmp_path: Path, make_scene) -> None:
    smooth = Image.fromarray(make_scene()).filter(ImageFilter.GaussianBlur(2))
    for name, lossless in (("a", True), ("lossy", False)):
        smooth.save(tmp_path / f"{name}.webp", lossless=lossless)
        picture = read_picture(tmp_path / f"{name}.webp")
        write_picture(tmp_path / f"{name}2.webp", picture)
        again = read_picture(tmp_path / f"{name}2.webp")
        assert np.array_equal(again.rgb, picture.rgb) == lossless


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path, make_scene) -> None:
    Image.fromarray(make_scene()).save(tmp_path / "a.jpg", exif=full_exif(3), xmp=XMP, dpi=(300, 300))
    picture = read_picture(tmp_path / "a.jpg")
    for suffix in (".jpg", ".png", ".tif", ".webp"):
        for name in ("one", "two"):
            write_picture(tmp_path / f"{name}{suffix}", picture)
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_notes_may_be_missing(tmp_path: Path, make_scene) -> None:
    write_picture(tmp_path / "a.jpg", Picture(make_scene()))
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=92)
    with Image.open(file) as standard:
        assert quantization(tmp_path / "a.jpg") == [list(table) for _, table in sorted(standard.quantization.items())]


@pytest.mark.parametrize("quality", [1, 25, 49, 50, 51, 75, 92, 100])
def test_chroma_of_a_gray_jpeg_has_the_tables_of_its_quality(tmp_path: Path, make_scene, quality: int) -> None:
    rgb = Image.fromarray(make_scene())
    rgb.convert("L").save(tmp_path / "gray.jpg", quality=quality)
    rgb.save(tmp_path / "color.jpg", quality=quality)
    picture = read_picture(tmp_path / "gray.jpg")
    write_picture(tmp_path / "a.jpg", replace(picture, pixels=picture.rgb))
    assert quantization(tmp_path / "a.jpg") == quantization(tmp_path / "color.jpg")
