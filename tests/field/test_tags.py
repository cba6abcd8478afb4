"""Every tag of a TIFF that is kept comes out with its own type, count and bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gcolor.runtime.pictures import read_picture, write_picture
from made import DEEP, GRAY, HEIGHT, WIDTH, numbers, tags_of, tiff

IPTC = b"\x1c\x02\x78\x00\x07caption\x1c\x02\x19\x00\x07archive"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF/></x:xmpmeta>  "
TEXT = b"The old mill, 1932\0"
TWO_TEXTS = b"one\0two\0"
KEPT = [
    (33723, 4, IPTC),
    (33723, 7, IPTC),
    (33723, 1, IPTC),
    (700, 1, XMP),
    (700, 7, XMP),
    (34377, 1, b"8BIM\x04\x04\0\0\0\0\0\x02ab"),
    (34377, 7, b"8BIM\x04\x04\0\0\0\0\0\x02ab"),
    (270, 2, TEXT),
    (270, 2, TWO_TEXTS),
    (270, 2, "Mühle\0".encode()),
    (315, 2, TEXT),
    (315, 1, TEXT),
    (33432, 2, TWO_TEXTS),
    (65000, 3, numbers("<", 3, 1, 2, 3, 40000, 5)),
    (65001, 4, numbers("<", 4, 7)),
    (65002, 12, np.arange(3.0).tobytes()),
]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("number", "kind", "value"), KEPT)
def test_a_tag_keeps_type_count_and_bytes(tmp_path: Path, number: int, kind: int, value: bytes, bits: int) -> None:
    value += b"\0" * (-len(value) % 4) if kind == 4 else b""
    count = len(value) // {3: 2, 4: 4, 12: 8}.get(kind, 1)
    data = GRAY.tobytes() if bits == 8 else DEEP.astype("<u2").tobytes()
    tiff(tmp_path / "a.tif", data, raw=[(number, kind, count, value)], bits=bits)
    picture = read_picture(tmp_path / "a.tif")
    assert not picture.warnings and (picture.deep is not None) == (bits == 16)
    if bits == 16:
        picture.deep = np.repeat(picture.deep[..., None], 3, axis=2)  # as colored ones are
    write_picture(tmp_path / "b.tif", picture)
    assert tags_of(tmp_path / "b.tif")[number] == (kind, count, value)


@pytest.mark.parametrize("kind", [1, 7])
def test_a_profile_keeps_its_type(tmp_path: Path, kind: int) -> None:
    from gcolor.color.profile import SRGB

    data = np.repeat(GRAY[..., None], 3, axis=2).tobytes()
    tiff(tmp_path / "a.tif", data, raw=[(34675, kind, len(SRGB), SRGB)], samples=3, photometric=2)
    write_picture(tmp_path / "b.tif", read_picture(tmp_path / "a.tif"))
    assert tags_of(tmp_path / "b.tif")[34675] == (kind, len(SRGB), SRGB)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_both_byte_orders_and_bigtiff(tmp_path: Path, order: str, big: bool) -> None:
    raw = [
        (270, 2, len(TEXT), TEXT),
        (33723, 4, len(IPTC) // 4, IPTC),
        (65000, 3, 3, numbers(order, 3, 1, 2, 40000)),
        (65001, 16, 1, numbers(order, 16, 77)) if big else (65001, 4, 1, numbers(order, 4, 77)),
    ]
    tiff(tmp_path / "a.tif", GRAY.tobytes(), raw=raw, order=order, big=big)
    picture = read_picture(tmp_path / "a.tif")
    assert np.array_equal(picture.rgb[..., 0], GRAY)
    write_picture(tmp_path / "b.tif", picture)
    found = tags_of(tmp_path / "b.tif")
    assert found[270] == (2, len(TEXT), TEXT) and found[33723] == (4, len(IPTC) // 4, IPTC)
    assert found[65000] == (3, 3, numbers("<", 3, 1, 2, 40000)) and found[65001] == (4, 1, numbers("<", 4, 77))


def test_a_number_that_no_ordinary_tiff_holds_is_said(tmp_path: Path) -> None:
    tiff(tmp_path / "a.tif", GRAY.tobytes(), raw=[(65001, 16, 1, numbers("<", 16, 1 << 40))], big=True)
    picture = read_picture(tmp_path / "a.tif")
    assert "65001" in picture.warnings[0]
    write_picture(tmp_path / "b.tif", picture)


def test_a_tag_that_leads_out_of_the_file_is_said_and_left_out(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", GRAY.tobytes(), raw=[(65000, 1, 100, bytes(100))])
    path.write_bytes(path.read_bytes()[:-50])
    picture = read_picture(path)
    assert picture.rgb.shape == (HEIGHT, WIDTH, 3) and "65000" in picture.warnings[0]
    write_picture(tmp_path / "b.tif", picture)
    assert 65000 not in tags_of(tmp_path / "b.tif")


def test_the_command_colors_a_bigtiff(tmp_path: Path, batch) -> None:
    raw = [(305, 2, 8, b"scanner\0")]
    for name, order in (("a", "<"), ("b", ">")):
        tiff(tmp_path / f"imgs/{name}.tif", GRAY.tobytes(), raw=raw, big=True, order=order)
    made = batch()
    assert made.code == 0, made.stderr
    for name in ("a", "b"):
        assert tags_of(made.out / f"{name}.tif")[305] == (2, 8, b"scanner\0")
