"""Captions stay; where a format has no place for them, that is said once; odd notes cost no picture."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from gcolor.runtime.pictures import read_picture, write_picture
from gcolor.runtime.pictures.notes.jp2 import boxes
from made import GRAY, chunk, jpeg, segment, with_chunks
from PIL import Image, PngImagePlugin

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
XMP = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:source>box 12</dc:source></rdf:Description></rdf:RDF></x:xmpmeta>'
).encode()
NAME, EXTENSION = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"


def with_segments(*segments: bytes) -> bytes:
    data = jpeg()
    return data[:2] + b"".join(segments) + data[2:]


def extended(count: int) -> tuple[bytes, bytes, list[bytes]]:
    """Main XMP, the extension, and both as segments."""
    whole = XMP.replace(b"box 12", b"x" * count)
    guid = hashlib.md5(whole).hexdigest().upper().encode()
    note = b'<xmpNote:HasExtendedXMP xmlns:xmpNote="http://ns.adobe.com/xmp/note/">%s</xmpNote:HasExtendedXMP>' % guid
    main = XMP.replace(b"<dc:source>", note + b"<dc:source>")
    parts = [segment(0xE1, NAME + main)]
    for at in range(0, len(whole), 65000):
        head = EXTENSION + guid + struct.pack(">II", len(whole), at)
        parts.append(segment(0xE1, head + whole[at : at + 65000]))
    return main, whole, parts


def extension_of(data: bytes) -> bytes:
    out, at = {}, 0
    while (at := data.find(EXTENSION, at)) >= 0:
        length = int.from_bytes(data[at - 2 : at], "big") - 2
        body = data[at : at + length]
        out[int.from_bytes(body[len(EXTENSION) + 36 :][:4], "big")] = body[len(EXTENSION) + 40 :]
        at += length
    return b"".join(out[k] for k in sorted(out))


def test_every_comment_of_a_jpeg(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(with_segments(segment(0xFE, b"first"), segment(0xFE, "Mühle".encode())))
    write_picture(tmp_path / "b.jpg", read_picture(tmp_path / "a.jpg"))
    data = (tmp_path / "b.jpg").read_bytes()
    assert segment(0xFE, b"first") in data and segment(0xFE, "Mühle".encode()) in data


@pytest.mark.parametrize("count", [100, 150_000])
def test_extended_xmp(tmp_path: Path, count: int) -> None:
    main, whole, parts = extended(count)
    (tmp_path / "a.jpg").write_bytes(with_segments(*parts))
    write_picture(tmp_path / "b.jpg", read_picture(tmp_path / "a.jpg"))
    data = (tmp_path / "b.jpg").read_bytes()
    assert NAME + main in data and extension_of(data) == whole


def test_xmp_that_a_jpeg_has_no_room_for_in_one_piece_is_split(tmp_path: Path, exiftool) -> None:
    large = XMP.replace(b"box 12", b"y" * 100_000)
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", large.decode())
    Image.fromarray(GRAY).save(tmp_path / "a.png", pnginfo=info)
    write_picture(tmp_path / "b.jpg", read_picture(tmp_path / "a.png"))
    assert exiftool(tmp_path / "b.jpg")["XMP-dc:Source"] == "y" * 100_000


def raw_profile(name: str, data: bytes) -> str:
    digits = data.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    return f"\n{name}\n{len(data):8d}\n{lines}\n"


@pytest.mark.parametrize("name", ["iptc", "8bim", "APP1"])
def test_raw_profiles_of_a_png_go_through(tmp_path: Path, name: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text(f"Raw profile type {name}", raw_profile(name, b"\x1c\x02\x78\x00\x04mill"), zip=True)
    Image.fromarray(GRAY).save(tmp_path / "a.png", pnginfo=info)
    write_picture(tmp_path / "b.png", read_picture(tmp_path / "a.png"))
    with Image.open(tmp_path / "a.png") as before, Image.open(tmp_path / "b.png") as after:
        assert after.text[f"Raw profile type {name}"] == before.text[f"Raw profile type {name}"]


def test_a_raw_profile_of_xmp_becomes_xmp(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type xmp", raw_profile("xmp", XMP), zip=True)
    Image.fromarray(GRAY).save(tmp_path / "a.png", pnginfo=info)
    write_picture(tmp_path / "b.png", read_picture(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.png") as after:
        assert after.info["xmp"] == XMP


def jp2(name: str, *added: bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.dstack([GRAY] * 3)).save(file, "JPEG2000", no_jp2=name.endswith(".j2k"))
    return file.getvalue() + b"".join(struct.pack(">I4s", len(box) + 8, b"uuid") + box for box in added)


UUIDS = {
    "XMP": bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC"),
    "EXIF": b"JpgTiffExif->JP2",
    "IPTC": bytes.fromhex("33C7A4D2B81D4723A0BAF1A3E097AD38"),
}


@pytest.mark.parametrize("kind", UUIDS)
def test_the_notes_of_jpeg_2000(tmp_path: Path, kind: str) -> None:
    value = XMP if kind == "XMP" else b"II*\0\x08\0\0\0\0\0\0\0\0\0"
    (tmp_path / "a.jp2").write_bytes(jp2("a.jp2", UUIDS[kind] + value))
    write_picture(tmp_path / "b.jp2", read_picture(tmp_path / "a.jp2"))
    data = (tmp_path / "b.jp2").read_bytes()
    assert UUIDS[kind] + value in [data[start:end] for name, start, end in boxes(data) if name == b"uuid"]
    assert np.array_equal(read_picture(tmp_path / "b.jp2").rgb[..., 0], GRAY)


@pytest.mark.parametrize("suffix", [".j2k", ".j2c", ".jpc"])
def test_a_codestream_has_no_container(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(jp2("a.j2k"))
    write_picture(tmp_path / f"b{suffix}", read_picture(tmp_path / f"a{suffix}"))
    assert (tmp_path / f"b{suffix}").read_bytes().startswith(b"\xff\x4f\xff\x51")
    assert np.array_equal(read_picture(tmp_path / f"b{suffix}").rgb[..., 0], GRAY)


def test_what_a_format_has_no_place_for_is_said_once_with_the_count(tmp_path: Path, batch) -> None:
    exif = Image.Exif()
    exif[0x010E] = "the old mill"
    file = io.BytesIO()
    Image.fromarray(GRAY).save(file, "PNG", exif=exif)
    for name in ("a.bmp", "b.bmp", "c.tga"):
        (tmp_path / "imgs" / name).write_bytes(file.getvalue())
    made = batch()
    assert made.code == 0
    said = [line for line in made.stderr.splitlines() if "no place" in line]
    assert said == [
        "warning: .bmp has no place for EXIF; 2 pictures lost theirs",
        "warning: .tga has no place for EXIF; 1 picture lost its own",
    ]


ODD = {
    "zTXt": chunk(b"zTXt", b"Comment\0\0" + b"this is no zlib stream"),
    "zTXt of another method": chunk(b"zTXt", b"Comment\0\x07" + zlib.compress(b"x")),
    "iTXt": chunk(b"iTXt", b"Comment\0\1\0\0\0broken"),
    "cHRM": chunk(b"cHRM", b"\0\0"),
    "pHYs": chunk(b"pHYs", b"\0\0\x0b"),
    "gAMA": chunk(b"gAMA", b"\1"),
    "tIME": chunk(b"tIME", b"\1"),
    "sRGB": chunk(b"sRGB", b""),
    "bad checksum": chunk(b"tEXt", b"Title\0mill")[:-1] + b"!",
    "eXIf": chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"),
    "raw EXIF": chunk(b"tEXt", b"Raw profile type exif\0\nexif\n      12\n4d4d002a0000\nzz\n"),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_note_that_no_one_can_parse_costs_no_picture(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.png").write_bytes(with_chunks(ODD[kind], chunk(b"tEXt", b"Author\0J. M.")))
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.rgb[..., 0], GRAY)
    write_picture(tmp_path / "b.png", picture)
    with Image.open(tmp_path / "b.png") as written:
        assert written.text["Author"] == "J. M."
    if kind in ("zTXt of another method", "cHRM", "bad checksum", "raw EXIF"):
        assert len(picture.warnings) == 1 and "cannot be read and is left out" in picture.warnings[0]


def test_odd_exif_in_other_formats(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(with_segments(segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")))
    Image.fromarray(np.dstack([GRAY] * 3)).save(tmp_path / "a.webp", exif=b"Exif\0\0nonsense", lossless=True)
    for name in ("a.jpg", "a.webp"):
        assert read_picture(tmp_path / name).rgb.shape[:2] == GRAY.shape
