"""JSON hint files: what they say, and the place of what is wrong in them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gcolor.color.errors import HintError
from gcolor.color.hint_json import MAX_POINTS, parse_json, to_json
from gcolor.color.hints import Hints, Mark

SIZE = (64, 48)


def text(**members: object) -> bytes:
    return json.dumps({"version": 1, **members}).encode()


def test_json_as_documented() -> None:
    hints = parse_json(
        b'{"version":1,"size":[640,480],"points":[{"x":412.5,"y":233.5,"color":"#b5533c","radius":4}],'
        b'"strokes":[{"points":[[10,20],[60,80]],"color":"#3f6fa8","width":9}]}',
        (640, 480),
    )
    dot, line = hints.marks
    assert dot.vertices.tolist() == [[412.5, 233.5]] and dot.color == (0xB5, 0x53, 0x3C) and dot.radius == 4
    assert line.vertices.tolist() == [[10, 20], [60, 80]] and line.color == (0x3F, 0x6F, 0xA8) and line.radius == 4.5


def test_json_scales_from_its_own_size() -> None:
    members = {"points": [{"x": 8, "y": 6, "color": "#000000", "radius": 2}]}
    (mark,) = parse_json(text(size=[32, 24], **members), SIZE).marks
    assert mark.vertices.tolist() == [[16, 12]] and mark.radius == 4
    assert parse_json(text(size=[32, 24], **members), None).size == (32, 24)
    with pytest.raises(HintError, match="32 x 32.*64 x 48"):
        parse_json(text(size=[32, 32], **members), SIZE)
    with pytest.raises(HintError, match="size: missing"):
        parse_json(text(**members), None)


def test_json_in_fractions() -> None:
    members = {"unit": "fraction", "strokes": [{"points": [[0.5, 0.25], [1, 1]], "color": "#ffffff", "width": 0.25}]}
    (mark,) = parse_json(text(**members), SIZE).marks
    assert mark.vertices.tolist() == [[32, 12], [64, 48]] and mark.radius == 8
    members["strokes"] = [{"points": [[1.01, 0]], "color": "#ffffff"}]
    with pytest.raises(HintError, match=r"strokes\[0\]\.points\[0\]\[0\]: 1\.01 is outside"):
        parse_json(text(**members), SIZE)


def test_json_may_be_empty_or_begin_with_a_mark() -> None:
    assert parse_json(b'{"version": 1}', SIZE).count == 0
    assert parse_json(b'\xef\xbb\xbf{"version": 1}', SIZE).count == 0


GOOD = {"x": 1, "y": 2, "color": "#000000"}
WRONG: list[tuple[str, bytes, str]] = [
    ("no version", b"{}", r"^version: missing"),
    ("later version", b'{"version": 2}', r"^version: 2 is unknown"),
    ("version is a boolean", b'{"version": true}', r"^version: true"),
    ("a list", b"[]", r"^the whole file: expected an object"),
    ("null", b"null", r"^the whole file: .*null"),
    ("unknown key", text(dots=[]), r"^dots: unknown key"),
    ("twice the same key", b'{"version": 1, "points": [], "points": []}', r'"points" stands twice'),
    ("points no list", text(points={}), r"^points: expected a list"),
    ("point no object", text(points=[GOOD, 3]), r"^points\[1\]: expected an object.*found 3"),
    ("unknown key in a point", text(points=[{**GOOD, "colour": 1}]), r"^points\[0\]\.colour: unknown key"),
    ("missing y", text(points=[{"x": 1, "color": "#000000"}]), r"^points\[0\]\.y: missing"),
    ("outside", text(points=[GOOD, GOOD, GOOD, {**GOOD, "x": 64.1}]), r"^points\[3\]\.x: 64\.1 is outside.*0 to 64"),
    ("below", text(points=[{**GOOD, "y": -1e-9}]), r"^points\[0\]\.y: .*outside.*0 to 48"),
    ("NaN", text(points=[{**GOOD, "x": float("nan")}]), r"^points\[0\]\.x: expected a finite number, found NaN"),
    ("Infinity", text(points=[{**GOOD, "y": float("inf")}]), r"^points\[0\]\.y: .*Infinity"),
    ("1e999", b'{"version":1,"points":[{"x":1e999,"y":1,"color":"#000000"}]}', r"^points\[0\]\.x: .*finite"),
    ("a huge integer", text(points=[{**GOOD, "x": 10**400}]), r"^points\[0\]\.x: .*finite"),
    ("5000 digits", b'{"version":1,"points":[{"x":1' + b"0" * 5000 + b"}]}", r"^points\[0\]\."),
    ("a boolean number", text(points=[{**GOOD, "x": True}]), r"^points\[0\]\.x: .*true"),
    ("a text as number", text(points=[{**GOOD, "x": "1"}]), r'^points\[0\]\.x: .*"1"'),
    ("negative radius", text(points=[{**GOOD, "radius": -1}]), r"^points\[0\]\.radius: -1"),
    ("endless radius", text(points=[{**GOOD, "radius": 1e300}]), r"^points\[0\]\.radius: 1e\+300"),
    ("no color's name", text(points=[{**GOOD, "color": "reddish"}]), r'^points\[0\]\.color: .*"reddish"'),
    ("five digits", text(points=[{**GOOD, "color": "#fffff"}]), r"^points\[0\]\.color"),
    ("a transparent color", text(points=[{**GOOD, "color": "#ff000080"}]), r"^points\[0\]\.color"),
    ("no lab", text(points=[{**GOOD, "color": "lab(1 2)"}]), r"^points\[0\]\.color"),
    ("places in 0..1", text(points=[{**GOOD, "x": 0.5, "y": 0.1}, {**GOOD, "x": 0.2, "y": 1}]), r"are they fractions"),
    ("foreign digits", text(points=[{**GOOD, "color": "#\u0661\u0661\u0661\u0661\u0661\u0661"}]), r"\.color"),
    ("lone surrogate", text(points=[{**GOOD, "color": "\ud800"}]), r"\.color.*\\ud800"),
    ("no vertex", text(strokes=[{"points": [], "color": "#000000"}]), r"^strokes\[0\]\.points: empty"),
    ("vertex of three", text(strokes=[{"points": [[1, 2, 3]], "color": "#000000"}]), r"^strokes\[0\]\.points\[0\]:"),
    ("width is null", text(strokes=[{"points": [[1, 2]], "color": "#000000", "width": None}]), r"width: .*null"),
    ("unit", text(unit="inch"), r'^unit: .*"inch"'),
    ("size of one", text(size=[64]), r"^size: expected"),
    ("size of nothing", text(size=[0, 0]), r"^size: expected"),
    ("size in fractions", text(size=[64.5, 48]), r"^size: expected"),
    ("size beyond all", text(size=[10**9, 10**9]), r"^size: .*million"),
    ("cut short", b'{"version": 1, "points": [', r"^line 1, column \d+: this is not JSON"),
    ("no JSON", b"hello", r"not JSON"),
    ("nothing", b"", r"not JSON"),
    ("not UTF-8", b'{"version": 1, "\xff\xfe": 2}', r"not UTF-8 text \(byte 16\)"),
    ("too deep", b"[" * 100_000, r"nested too deep"),
    ("too deep inside", b'{"version": 1, "points": ' + b'{"a":' * 50_000, r"nested too deep"),
    ("too long", b" " * (1 << 20) + b"{}", r"larger than 1 MB"),
    ("too many", text(points=[{"x": 1, "y": 1, "color": "#000000"}] * (MAX_POINTS + 1)), rf"points\[{MAX_POINTS}\]"),
    ("too many vertices", text(strokes=[{"points": [[1, 1]] * (MAX_POINTS + 1), "color": "#000000"}]), r"strokes\[0\]"),
]


@pytest.mark.parametrize(("data", "message"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_json_errors_name_the_place(data: bytes, message: str) -> None:
    with pytest.raises(HintError, match=message) as caught:
        parse_json(data, SIZE)
    assert len(str(caught.value)) < 300 and str(caught.value).isascii()


def test_json_of_the_most_points_is_read() -> None:
    entries = [{"x": 1, "y": 1, "color": "#000000"}] * (MAX_POINTS - 2)
    hints = parse_json(text(points=entries, strokes=[{"points": [[1, 1], [2, 2]], "color": "#000000"}]), SIZE)
    assert hints.count == MAX_POINTS - 1


def test_to_json_reads_back_in_order() -> None:
    marks = [
        Mark(np.array([[0.1, 1 / 3]]), (1, 2, 3), 0.7),
        Mark(np.array([[1, 2], [3, 4.5]]), (1, 2, 3), 2.3),
        Mark(np.array([[64.0, 48.0]]), (255, 254, 253)),
    ]
    again = parse_json(to_json(Hints(SIZE, None, marks)).encode(), SIZE)
    assert again.size == SIZE
    for mark, other in zip(marks, again.marks, strict=True):
        assert mark.vertices.tolist() == other.vertices.tolist()
        assert (mark.color, mark.radius) == (other.color, other.radius)
