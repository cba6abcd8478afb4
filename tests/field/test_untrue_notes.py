"""Notes that are not true of the output any more are put right or dropped; all others stay."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import made
import pytest
from gcolor.runtime.pictures import read_picture, write_picture
from gcolor.runtime.pictures.decode.jpeg import APP1, APP13, XMP_NAME, extended_segments, parse, segment
from gcolor.runtime.pictures.notes.resources import NAME
from PIL import Image, ImageCms

SPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:t="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
    'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:xmpNote="http://ns.adobe.com/xmp/note/"'
)


def xmp(attributes: str, inner: str = "") -> bytes:
    head = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {SPACES}><rdf:Description rdf:about="" {attributes}>'
    return f"{head}{inner}</rdf:Description></rdf:RDF></x:xmpmeta>".encode()


def resource(number: int, data: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + b"\0" * (len(data) % 2)


def jpeg(path: Path, extra: bytes = b"", orientation: int = 1, profile: bytes | None = None) -> Path:
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(made.GRAY).convert("RGB").save(path, exif=exif, extra=extra, icc_profile=profile)
    return path


def through(path: Path) -> bytes:
    """The file as it is written again."""
    out = path.with_name(f"out{path.suffix}")
    write_picture(out, read_picture(path))
    return out.read_bytes()


@pytest.mark.parametrize("form", ["attributes", "elements"])
def test_xmp_of_a_picture_that_is_turned_and_converted(tmp_path: Path, form: str) -> None:
    values = {
        "t:Orientation": 6,
        "t:ImageWidth": 83,
        "t:ImageLength": 61,
        "exif:PixelXDimension": 83,
        "exif:PixelYDimension": 61,
        "exif:ColorSpace": 65535,
        "exif:FNumber": "28/10",
        "t:SamplesPerPixel": 1,
        "t:PhotometricInterpretation": 1,
        "photoshop:ColorMode": 1,
        "photoshop:ICCProfile": "Adobe RGB (1998)",
        "photoshop:City": "Jena",
    }
    if form == "attributes":
        note = xmp(" ".join(f'{name}="{value}"' for name, value in values.items()))
    else:
        note = xmp("", "".join(f"<{name}>{value}</{name}>" for name, value in values.items()))
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    wide = _adobe_like() or wide
    path = jpeg(tmp_path / "a.jpg", segment(APP1, XMP_NAME + note), 6, wide)
    text = (parse(through(path)).xmp or b"").decode()
    expected = {
        "t:Orientation": 1,
        "t:ImageWidth": 61,
        "t:ImageLength": 83,
        "exif:PixelXDimension": 61,
        "exif:PixelYDimension": 83,
        "exif:ColorSpace": 1,
        "exif:FNumber": "28/10",
        "photoshop:City": "Jena",
    }
    for name, value in expected.items():
        assert f'{name}="{value}"' in text or f"<{name}>{value}</{name}>" in text, name
    for name in values.keys() - expected.keys():
        assert name not in text


def _adobe_like() -> bytes:
    """A profile of a matrix and a curve that is not sRGB: sRGB's own with red and green primaries exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = {bytes(data[i : i + 4]): i for i in range(132, 132 + 12 * int.from_bytes(data[128:132], "big"), 12)}
    red, green = at[b"rXYZ"], at[b"gXYZ"]
    data[red + 4 : red + 12], data[green + 4 : green + 12] = data[green + 4 : green + 12], data[red + 4 : red + 12]
    return bytes(data)


def test_a_preview_in_the_second_part_of_xmp(tmp_path: Path) -> None:
    preview = f"<xmp:Thumbnails>{'A' * 70000}</xmp:Thumbnails>"
    extended = xmp("", f"{preview}<dc:source>{'b' * 70000}</dc:source>")
    name = hashlib.md5(extended).hexdigest().upper()
    first = xmp(f'xmpNote:HasExtendedXMP="{name}" photoshop:City="Jena"')
    path = jpeg(tmp_path / "a.jpg", segment(APP1, XMP_NAME + first) + extended_segments(extended))
    found = parse(through(path))
    assert b"Jena" in (found.xmp or b"") and b"b" * 70000 in found.extended and b"Thumbnails" not in found.extended


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_previews_among_photoshops_resources(tmp_path: Path, kind: str) -> None:
    iptc = b"\x1c\x02\x78\x00\x05Anna "
    preview = b"\xff\xd8" + bytes(70001)
    parts = [resource(1028, iptc), resource(1036, preview), resource(1039, b"profile"), resource(1, b"x")]
    whole = b"".join(parts)
    if kind == "jpeg":
        extra = b"".join(segment(APP13, NAME + whole[at : at + 60000]) for at in range(0, len(whole), 60000))
        path = jpeg(tmp_path / "a.jpg", extra + segment(0xFE, b"a comment"))
        kept = parse(through(path)).kept
        assert b"a comment" in kept
    else:
        path = made.tiff(tmp_path / "a.tif", made.GRAY.tobytes(), raw=[(34377, 7, len(whole), whole)])
        kept = through(path)
    assert parts[0] in kept and parts[3] in kept and bytes(5000) not in kept
    assert parts[2] in kept  # the colors were not converted


def test_another_format_is_said_in_xmp(tmp_path: Path) -> None:
    path = jpeg(tmp_path / "a.jpg", segment(APP1, XMP_NAME + xmp('dc:format="image/jpeg"')))
    for ending, mime in ((".png", "image/png"), (".tif", "image/tiff"), (".jpg", "image/jpeg"), (".jp2", "image/jp2")):
        out = tmp_path / f"out{ending}"
        write_picture(out, read_picture(path))
        assert f'dc:format="{mime}"'.encode() in out.read_bytes()


def test_odd_resources_stay_as_they_are(tmp_path: Path) -> None:
    odd = b"8BIM\x04\x0c\0\0\xff\xff\xff\xff cut"
    path = jpeg(tmp_path / "a.jpg", segment(APP13, NAME + odd) + segment(APP13, b"Adobe_CM\0x"))
    assert parse(through(path)).kept == parse(path.read_bytes()).kept
