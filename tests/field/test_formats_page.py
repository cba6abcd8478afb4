"""docs/formats.md says what is so: its table of formats, checked row by row against what comes out of files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import made
import numpy as np
import pytest
from gcolor.color.errors import PictureError
from gcolor.color.profile import SRGB
from gcolor.runtime.formats import FORMATS, RAW_FILES, output_name
from gcolor.runtime.pictures import Notes, Picture, read_picture, write_picture
from gcolor.runtime.pictures.decode.jpeg import segment
from gcolor.runtime.pictures.notes.exif import PREFIX
from gcolor.runtime.pictures.notes.tags import Directory, ascii_tag, serialize
from gcolor.runtime.pictures.plugins import can_write
from PIL import Image

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
RGB = np.dstack([made.GRAY, made.GRAY // 2, made.GRAY // 3])
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
NOTES = Notes(
    exif=PREFIX + serialize(Directory({315: ascii_tag(b"Anna")})),
    profile=SRGB,
    xmp=XMP,
    dpi=(300.0, 300.0),
    text={"Title": "A mill"},
    segments=segment(0xFE, b"a comment"),
)


@dataclass
class Row:
    endings: list[str]
    alpha: bool
    deep: bool
    stays: str


def rows() -> dict[str, Row]:
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 5 and cells[1].startswith("."):
            found[cells[0]] = Row(re.findall(r"\.\w+", cells[1]), cells[2] == "yes", cells[3] == "yes", cells[4])
    return found


ROWS = rows()


def test_every_ending_has_a_row_and_every_row_its_endings() -> None:
    for kind in FORMATS:
        (row,) = [row for row in ROWS.values() if kind.suffixes[0] in row.endings]
        assert set(kind.suffixes) == set(row.endings) and (not kind.output or kind.output in row.stays)
    assert set(ROWS["camera raw"].endings) - {".tif"} <= set(RAW_FILES.suffixes)
    assert len(ROWS) == len(FORMATS) + 1


WRITTEN = [name for name, row in ROWS.items() if "written as" not in row.stays]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_stays(tmp_path: Path, name: str) -> None:
    row, path = ROWS[name], tmp_path / f"a{ROWS[name].endings[0]}"
    try:
        lost = write_picture(path, Picture(RGB, notes=NOTES))
    except PictureError as error:
        pytest.skip(str(error))
    again = read_picture(path)
    notes = again.notes
    assert notes
    for word, value in (
        ("EXIF", notes.exif),
        ("XMP", notes.xmp),
        ("profile", notes.profile),
        ("resolution", notes.dpi),
    ):
        if name != "JPEG 2000":  # keeps the boxes of its own kind
            assert bool(value) == (word in row.stays), word
    assert ("a comment" in (notes.segments or b"").decode("latin-1")) == ("comments" in row.stays)
    assert (notes.text == NOTES.text) == ("text" in row.stays)
    assert bool(lost) == any(word not in row.stays for word in ("EXIF", "XMP", "comments", "text"))


@pytest.mark.parametrize("name", WRITTEN)
def test_alpha_and_16_bits(tmp_path: Path, name: str) -> None:
    row, path = ROWS[name], tmp_path / f"a{ROWS[name].endings[0]}"
    picture = Picture(RGB)
    deep = RGB.astype(np.uint16) * 257 + 1
    for wanted, given in (
        (row.alpha, replace(picture, alpha=made.GRAY)),
        (row.deep, replace(picture, deep=deep)),
    ):
        try:
            write_picture(path, given)
        except PictureError as error:
            if "this Pillow has no" in str(error):
                pytest.skip(str(error))
            assert not wanted, error
            continue
        assert wanted
        again = read_picture(path)
        if given.alpha is not None:
            assert np.array_equal(again.alpha, given.alpha)
        else:
            assert np.array_equal(again.deep, deep)


@pytest.mark.parametrize("name", [name for name in ROWS if name not in WRITTEN and name != "camera raw"])
def test_what_is_written_as_something_else(tmp_path: Path, name: str) -> None:
    ending = ROWS[name].endings[0]
    made_as = output_name(f"a{ending}")
    assert made_as != f"a{ending}" and f"`{made_as}`" in ROWS[name].stays
    with pytest.raises(PictureError, match="says no format to write"):
        write_picture(tmp_path / f"a{ending}", Picture(RGB))


def test_animated_pictures_have_pages(tmp_path: Path) -> None:
    frames = [Image.fromarray(made.GRAY), Image.fromarray(255 - made.GRAY)]
    for name in ("a.gif", "a.png", "a.webp", "a.tif", *(["a.avif"] if can_write("AVIF") else [])):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(PictureError, match="has 2 pages"):
            read_picture(tmp_path / name)
        assert read_picture(tmp_path / name, page=2).rgb.mean() != read_picture(tmp_path / name, page=1).rgb.mean()
