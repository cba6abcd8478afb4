"""Every output says that its colors are inferred, and nothing that is not so; exiftool reads it back."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from gcolor.runtime.manifest import read_manifest
from gcolor.runtime.pictures.notes.xmp import Provenance, make_true, with_provenance
from gcolor.runtime.pictures.plugins import can_write
from gcolor.version import __version__
from made import DEEP, GRAY
from PIL import Image

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
ENDINGS = [".png", ".jpg", ".tif", ".webp"] + [
    ending for ending, name in ((".avif", "AVIF"), (".heic", "HEIF")) if can_write(name)
]
NOTE = Provenance(version="1.0", bundle="abc", hints=2, hint_files=("blake2b-128:12",))


def packet(inner: str, attributes: str = "") -> bytes:
    return (
        f'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}>'
        f'<rdf:Description rdf:about="" {attributes}>{inner}</rdf:Description></rdf:RDF></x:xmpmeta>'
        f'{" " * 50}<?xpacket end="w"?>'
    ).encode()


XMP = packet("<dc:source>box 12</dc:source>", DC)


def test_every_format_says_it_and_keeps_what_it_said(tmp_path: Path, batch, exiftool) -> None:
    image = Image.fromarray(GRAY)
    for ending in ENDINGS:
        path = tmp_path / f"imgs/a{ending}"
        if ending == ".png":
            from PIL import PngImagePlugin

            info = PngImagePlugin.PngInfo()
            info.add_itxt("XML:com.adobe.xmp", XMP.decode())
            image.save(path, pnginfo=info)
        elif ending == ".tif":
            exif = Image.Exif()
            exif[700] = XMP
            image.save(path, exif=exif.tobytes())
        else:
            image.convert("RGB").save(path, xmp=XMP)
        image.save(tmp_path / f"imgs/plain{ending}")
    hints = tmp_path / "hints"
    hints.mkdir()
    points = [{"x": 10, "y": 10, "color": "#c83c28"}, {"x": 60, "y": 40, "color": "#2846c8"}]
    (hints / "a.jpg.json").write_text(json.dumps({"version": 1, "points": points}))
    made = batch("--hints", hints)
    assert made.code == 0, made.stderr
    for ending in ENDINGS:
        for name in ("a", "plain"):
            found = exiftool(made.out / f"{name}{ending}")
            assert found["XMP-iptcExt:DigitalSourceType"] == SOURCE, (name, ending)
            assert found["XMP-gcolor:Software"] == f"gcolor {__version__}"
            assert found["XMP-gcolor:Bundle"] == read_manifest(None).fingerprint
            assert str(found["XMP-gcolor:Hints"]) == ("2" if (name, ending) == ("a", ".jpg") else "0")
            assert (found.get("XMP-dc:Source") == "box 12") == (name == "a")
            assert "ExifTool:Warning" not in found
    hashed = exiftool(made.out / "a.jpg")["XMP-gcolor:HintFiles"]
    assert hashed.startswith("blake2b-128:") and len(hashed) == len("blake2b-128:") + 32


def test_it_is_the_same_on_every_run_and_can_be_left_out(tmp_path: Path, batch) -> None:
    for name in ("a.png", "a.jpg", "a.tif"):
        Image.fromarray(GRAY).save(tmp_path / "imgs" / name)
    first = {path.name: path.read_bytes() for path in batch().out.glob("a.*")}
    assert {path.name: path.read_bytes() for path in batch("--force").out.glob("a.*")} == first
    assert all(SOURCE.encode() in data for data in first.values())
    made = batch("--no-provenance")
    assert made.summary["colored"] == 3  # other settings
    assert not any(b"DigitalSourceType" in (made.out / name).read_bytes() for name in first)


def test_outputs_of_before_are_current(tmp_path: Path, batch) -> None:
    Image.fromarray(GRAY).save(tmp_path / "imgs/a.jpg")
    made = batch()
    lines = [json.loads(line) for line in (made.out / ".gcolor.journal").read_text().splitlines()]
    assert next(line["settings"] for line in lines if "settings" in line) == {"quality": None, "steps": 1}


def test_a_mark_in_the_corner(tmp_path: Path, batch) -> None:
    large = np.asarray(Image.fromarray(GRAY).resize((600, 400)))
    Image.fromarray(large).save(tmp_path / "imgs/a.png")
    Image.fromarray(DEEP).save(tmp_path / "imgs/deep.png")
    plain = {path.name: np.asarray(Image.open(path)).astype(int) for path in batch().out.glob("*.png")}
    made = batch("--mark")
    assert made.summary["colored"] == 2
    for name, before in plain.items():
        apart = np.abs(np.asarray(Image.open(made.out / name)).astype(int) - before).max(axis=-1)
        height, width = apart.shape
        ys, xs = np.nonzero(apart)
        assert len(ys) and ys.min() > height // 2, "it is small, and below"
        if name == "a.png":
            assert xs.min() > width // 3 and (apart > 100).any()


def test_what_is_not_so_any_more_goes() -> None:
    true = make_true(
        packet(
            '<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"/></rdf:Seq></Container:Directory>'
            "<tiff:Orientation>6</tiff:Orientation><dc:source>box 12</dc:source>"
            "<xmp:Thumbnails><rdf:Alt><rdf:li/></rdf:Alt></xmp:Thumbnails>",
            f'{DC} xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" hdrgm:GainMapMax="2.3" '
            'xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
            'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:t="http://ns.adobe.com/tiff/1.0/" t:Orientation=\'8\'',
        )
    )
    for gone in (b"hdrgm:Version", b"GainMapMax", b"Container:Directory", b"xmp:Thumbnails", b">6<", b"'8'"):
        assert gone not in true
    assert b"<tiff:Orientation>1</tiff:Orientation>" in true and b"<dc:source>box 12</dc:source>" in true


def test_a_gain_map_is_gone_from_the_output(tmp_path: Path, batch) -> None:
    xmp = packet("", 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"')
    file = io.BytesIO()
    Image.fromarray(GRAY).save(file, "JPEG", xmp=xmp)
    (tmp_path / "imgs/a.jpg").write_bytes(file.getvalue())
    made = batch()
    assert b"hdrgm:Version" not in (made.out / "a.jpg").read_bytes()


@pytest.mark.parametrize("form", ["attribute", "element", "own prefix", "closed", "utf-16"])
def test_an_older_source_is_replaced_whatever_its_form(tmp_path: Path, exiftool, form: str) -> None:
    space = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    old = "http://cv.iptc.org/newscodes/digitalsourcetype/negativeFilm"
    xmp = {
        "attribute": packet("", f'xmlns:Iptc4xmpExt="{space}" Iptc4xmpExt:DigitalSourceType="{old}"'),
        "element": packet(
            f"<Iptc4xmpExt:DigitalSourceType>{old}</Iptc4xmpExt:DigitalSourceType>", f'xmlns:Iptc4xmpExt="{space}"'
        ),
        "own prefix": packet(f"<e:DigitalSourceType>{old}</e:DigitalSourceType>", f'xmlns:e="{space}"'),
        "closed": f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}/></x:xmpmeta>'.encode(),
        "utf-16": XMP.decode().encode("utf-16"),
    }[form]
    (tmp_path / "a.xmp").write_bytes(with_provenance(with_provenance(xmp, NOTE), NOTE))
    found = exiftool(tmp_path / "a.xmp")
    assert found["XMP-iptcExt:DigitalSourceType"] == SOURCE and found["XMP-gcolor:Bundle"] == "abc"
    assert b"negativeFilm" not in (tmp_path / "a.xmp").read_bytes()


def test_xmp_that_is_none_stays_and_is_said(tmp_path: Path, batch) -> None:
    Image.fromarray(GRAY).save(tmp_path / "imgs/a.jpg", xmp=b"<notes>mill</notes>")
    made = batch()
    assert made.code == 0 and "nothing in it says where the colors come from" in made.rows["a.jpg"]["warnings"][0]
    assert b"<notes>mill</notes>" in (made.out / "a.jpg").read_bytes()
