"""Painted PNG hints and JSON beside them, broken in every way: what is read, and the sentence for what is not."""

from __future__ import annotations

import io
import json
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gcolor.color.aspect import same_aspect
from gcolor.color.errors import HintError
from gcolor.color.hint_files import load_hints, parse_picture
from gcolor.color.hint_json import parse_json
from gcolor.color.hints import Bytes, Hints
from PIL import Image, PngImagePlugin

SIZE = (64, 48)


def png(pixels: Bytes, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def overlay(width: int = SIZE[0], height: int = SIZE[1]) -> Bytes:
    """Scattered pixels of any color, the others transparent."""
    rng = np.random.default_rng(7)
    found = rng.integers(0, 256, (height, width, 4), np.uint8)
    found[rng.random((height, width)) > 0.3] = 0
    return found


def text(**members: object) -> bytes:
    return json.dumps({"version": 1, **members}).encode()


def test_png_reads_what_pillow_wrote() -> None:
    pixels = overlay()
    hints = parse_picture(png(pixels), SIZE)
    assert hints.size == SIZE and hints.overlay is not None and not hints.marks
    np.testing.assert_array_equal(hints.overlay, pixels)
    assert parse_picture(png(pixels), None).size == SIZE


@pytest.mark.parametrize("scale", [(32, 24), (640, 480), (31, 24), (4, 3)])
def test_png_of_the_same_aspect_keeps_the_pictures_size(scale: tuple[int, int]) -> None:
    assert parse_picture(png(overlay(*scale)), SIZE).size == SIZE


@pytest.mark.parametrize(("found", "word"), [((48, 64), "turn them"), ((64, 64), "aspect"), ((100, 48), "aspect")])
def test_png_of_another_aspect_names_both_sizes(found: tuple[int, int], word: str) -> None:
    with pytest.raises(HintError, match=rf"{found[0]} x {found[1]}.*64 x 48.*{word}"):
        parse_picture(png(overlay(*found)), SIZE)


def test_same_aspect_allows_for_rounding_only() -> None:
    for width, height in [(4000, 3000), (4096, 2731), (100, 37), (17, 1000)]:
        for side in (50, 256, 333, 1024):
            scaled = max(1, round(width * side / 1000)), max(1, round(height * side / 1000))
            assert same_aspect(scaled, (width, height))
        assert not same_aspect((round(width * 1.02) + 2, height), (width, height))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "I;16"])
def test_png_without_alpha_says_so(mode: str) -> None:
    file = io.BytesIO()
    Image.new("L", SIZE).convert(mode).save(file, "PNG")
    with pytest.raises(HintError, match="no alpha"):
        parse_picture(file.getvalue(), SIZE)


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_png_with_other_kinds_of_alpha(mode: str) -> None:
    image = Image.new("RGBA", SIZE)
    image.putpixel((5, 6), (80, 80, 80, 255))
    file = io.BytesIO()
    image.convert(mode).save(file, "PNG")
    found = parse_picture(file.getvalue(), SIZE).overlay
    assert found is not None and found[6, 5].tolist() == [80, 80, 80, 255] and found[..., 3].sum() == 255


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(width: int, height: int, body: bytes, depth: int = 8, color_type: int = 6) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b"")


def test_png_of_16_bits_keeps_the_high_bytes() -> None:
    row = struct.pack(">8H", 0x12FF, 0x3400, 0x5600, 0x8000, 0xFFFF, 0xFFFF, 0xFFFF, 0x7FFF)
    hints = parse_picture(raw_png(2, 1, b"\0" + row, depth=16), (2, 1))
    assert hints.rasterize((1, 2))[0].tolist() == [[0x12, 0x34, 0x56, 255], [0, 0, 0, 0]]


@pytest.mark.parametrize("side", [20_000, 65_535, 2**31 - 1, 2**32 - 1])
def test_png_bomb_is_refused_before_decoding(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(PngImagePlugin, "PngImageFile", decode)
    with pytest.raises(HintError, match=f"{side} x {side} pixels"):
        parse_picture(raw_png(side, side, b"\0" * 100), None)


def test_png_cut_short_at_any_byte() -> None:
    whole = png(overlay())
    for end in [*range(0, 60), *range(60, len(whole) - 20, 97)]:
        with pytest.raises(HintError):
            parse_picture(whole[:end], SIZE)


def test_png_cut_between_its_chunks() -> None:
    """As an interrupted copy may leave it: every chunk that is there is whole."""
    rows = b"".join(b"\0" + row.tobytes() for row in overlay())
    body = zlib.compress(rows)
    parts = [raw_png(*SIZE, b"")[:33], *(chunk(b"IDAT", body[i : i + 500]) for i in range(0, len(body), 500))]
    assert len(parts) > 5
    for last in range(1, len(parts)):
        with pytest.raises(HintError):
            parse_picture(b"".join(parts[:last]), SIZE)
    found = parse_picture(b"".join([*parts, chunk(b"IEND", b"")]), SIZE).overlay
    np.testing.assert_array_equal(found, overlay())


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"GIF89a" + b"\0" * 40, b"\xff\xd8\xff\xe0" + b"\0" * 40])
def test_other_files_are_no_hints(data: bytes) -> None:
    with pytest.raises(HintError, match="no picture of hints|damaged"):
        parse_picture(data, SIZE)


# --- Files and folders ---


def test_json_lies_on_top_of_png(tmp_path: Path) -> None:
    painted, dotted = tmp_path / "a.png", tmp_path / "a.JSON"
    pixels = np.full((48, 64, 4), 200, np.uint8)
    pixels[-1, -1] = 0
    painted.write_bytes(png(pixels))
    dotted.write_bytes(text(points=[{"x": 10, "y": 10, "color": "#0000ff"}]))
    for paths in ([painted, dotted], [dotted, painted]):
        for size in (SIZE, None) if paths[0] == painted else (SIZE,):
            cells = load_hints(paths, size).rasterize((48, 64))
            assert cells[10, 10].tolist() == [0, 0, 255, 255] and cells[0, 0].tolist() == [200, 200, 200, 255]
    assert load_hints([], SIZE).count == 0


def test_load_names_the_file(tmp_path: Path) -> None:
    broken, other, gone = tmp_path / "a.json", tmp_path / "a.txt", tmp_path / "b.png"
    broken.write_bytes(text(points=[{"x": 99, "y": 1, "color": "#000000"}]))
    other.write_bytes(b"")
    huge = tmp_path / "c.json"
    huge.write_bytes(b" " * (2 << 20))
    for path, message in [
        (broken, "points[0].x: 99 is outside"),
        (other, "not a hint file"),
        (gone, "cannot be read"),
        (huge, "the file is larger than 1 MB"),
    ]:
        with pytest.raises(HintError) as caught:
            load_hints([path], SIZE)
        assert str(caught.value).startswith(f"{path}: {message}")
    painted = tmp_path / "b.png"
    painted.write_bytes(png(overlay()))
    with pytest.raises(HintError, match="keep one"):
        load_hints([painted, painted], SIZE)


# --- Random bytes ---


def mutate(data: bytes, random_: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random_.randint(1, 6)):
        at = random_.randrange(len(changed) + 1)
        match random_.randrange(4):
            case 0:
                changed[at:at] = random_.randbytes(random_.randint(1, 9))
            case 1:
                del changed[at : at + random_.randint(1, 20)]
            case 2:
                changed[at:at] = random_.choice([b"NaN", b"1e400", b"[", b"{", b'"', b"-", b"null", b"\xff", b"9" * 50])
            case _ if at < len(changed):
                changed[at] = random_.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize("parse", [parse_json, parse_picture])
def test_only_hint_errors_escape(parse: Callable[[bytes, tuple[int, int] | None], Hints]) -> None:
    random_ = random.Random(11)
    seeds = [
        png(overlay(16, 12))
        if parse is parse_picture
        else text(size=[16, 12], points=[{"x": 1, "y": 2, "color": "#abc"}] * 3),
        png(overlay(16, 12), compress_level=0)
        if parse is parse_picture
        else text(unit="fraction", strokes=[{"points": [[0.1, 0.2], [1, 1]], "color": "#123456", "width": 0.1}]),
    ]
    read = 0
    for trial in range(3000):
        seed = seeds[trial % 2]
        data = mutate(seed, random_) if trial % 10 else random_.randbytes(random_.randrange(200))
        try:
            hints = parse(data, random_.choice([(16, 12), None]))
        except HintError:
            continue
        read += 1
        width, height = hints.size
        if width * height < 10_000:
            assert hints.rasterize((4, 4)).shape == (4, 4, 4)
    assert 0 < read < 3000


def test_png_chunks_with_right_checksums() -> None:
    """Mutations behind valid CRCs reach the decoder itself."""
    random_ = random.Random(5)
    body = b"".join(b"\0" + overlay(16, 12)[y].tobytes() for y in range(12))
    for _ in range(1000):
        header = [16, 12, random_.choice([1, 2, 4, 8, 16, 3]), random_.choice([0, 2, 3, 4, 6, 5]), 0, 0, 0]
        header[random_.randrange(4, 7)] = random_.choice([0, 0, 1, 200])
        parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", struct.pack(">IIBBBBB", *header))]
        for kind in random_.sample(
            [b"PLTE", b"tRNS", b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"acTL", b"fcTL"], 3
        ):
            parts.append(chunk(kind, random_.randbytes(random_.randrange(30))))
        parts += [chunk(b"IDAT", zlib.compress(body[: random_.randrange(len(body))])), chunk(b"IEND", b"")]
        try:
            parse_picture(b"".join(parts), None).rasterize((4, 4))
        except HintError:
            pass
