"""JSON hint files, version 1: points and strokes.

    {"version": 1, "size": [W, H], "unit": "pixel",
     "points":  [{"x": 412.5, "y": 233.5, "color": "#b5533c", "radius": 4}],
     "strokes": [{"points": [[10, 20], [60, 80]], "color": "#3f6fa8", "width": 9}]}

`size` is the picture's own when left out; another size of the same aspect scales everything. With `"unit": "fraction"`
x and y are 0..1, and `radius` and `width` are fractions of the picture's width. Points come first, then strokes; later
entries lie over earlier ones.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from PIL import ImageColor

from .aspect import Size, check_aspect
from .errors import HintError
from .hints import MAX_PIXELS, Hints, Mark
from .json_values import integer, listed, members, number, show, unique_object
from .lab import lab_to_rgb

VERSION = 1
MAX_JSON_BYTES = 1 << 20
MAX_POINTS = 10_000  # points and stroke vertices together

_HEX = re.compile("[0-9a-f]{3}|[0-9a-f]{6}")
_LAB = re.compile(r"lab\(\s*([-+.\d]+)%?[\s,]+([-+.\d]+)[\s,]+([-+.\d]+)\s*\)")


def parse_json(text: bytes, size: Size | None) -> Hints:
    """JSON hints for a picture of `size` (W, H), or of the size that they name where that is None.

    Raises `HintError`; the message begins with the JSON path of what is wrong, as `points[3].x`.
    """
    if len(text) > MAX_JSON_BYTES:
        raise HintError(f"the file is larger than {MAX_JSON_BYTES >> 20} MB: paint a PNG overlay instead")
    try:
        raw = json.loads(text.decode("utf-8-sig"), parse_int=integer, object_pairs_hook=unique_object)
    except RecursionError:
        raise HintError("this is not a hint file: its lists are nested too deep") from None
    except UnicodeDecodeError as error:
        raise HintError(f"this is not UTF-8 text (byte {error.start}): save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise HintError(f"line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}") from None

    top = members(raw, "", ("version",), ("size", "unit", "points", "strokes"))
    if type(top["version"]) is not int or top["version"] != VERSION:
        raise HintError(f"version: {show(top['version'])} is unknown: this gcolor reads version {VERSION}")
    place = _Place(top, size)
    points, strokes = listed(top.get("points", []), "points"), listed(top.get("strokes", []), "strokes")

    marks = []
    count = 0
    for i, entry in enumerate(points):
        where = f"points[{i}]"
        point = members(entry, where, ("x", "y", "color"), ("radius",))
        vertex = place.vertex(point["x"], point["y"], f"{where}.x", f"{where}.y")
        radius = place.length(point.get("radius", 0), f"{where}.radius")
        marks.append(Mark(np.array([vertex]), _color(point["color"], f"{where}.color"), radius))
        count += 1
        _check_count(count, where)
    for i, entry in enumerate(strokes):
        where = f"strokes[{i}]"
        stroke = members(entry, where, ("points", "color"), ("width",))
        corners = listed(stroke["points"], f"{where}.points")
        if not corners:
            raise HintError(f"{where}.points: empty: give at least one [x, y]")
        count += len(corners)
        _check_count(count, where)
        vertices = []
        for j, corner in enumerate(corners):
            at = f"{where}.points[{j}]"
            if not isinstance(corner, list) or len(corner) != 2:
                raise HintError(f"{at}: expected [x, y], found {show(corner)}")
            vertices.append(place.vertex(corner[0], corner[1], f"{at}[0]", f"{at}[1]"))
        radius = place.length(stroke.get("width", 0), f"{where}.width") / 2.0
        marks.append(Mark(np.array(vertices), _color(stroke["color"], f"{where}.color"), radius))
    if "unit" not in top and marks and place.size != (1, 1):
        _ask_for_unit(marks)
    return Hints(place.size, None, marks)


def _ask_for_unit(marks: list[Mark]) -> None:
    """Raise `HintError` where every place lies in the first pixel: someone meant fractions of the picture."""
    vertices = np.concatenate([mark.vertices for mark in marks])
    if vertices.max() <= 1.0 and len({tuple(vertex) for vertex in vertices.tolist()}) > 1:
        raise HintError(
            'every x and y lies within 0..1: are they fractions of the picture? Add "unit": "fraction", or "unit": '
            '"pixel" if the first pixel is meant'
        )


class _Place:
    """Where the file's numbers lie in the picture: the picture's size, and the scale from the file's unit to it."""

    def __init__(self, top: dict[str, Any], size: Size | None) -> None:
        named = _size(top["size"]) if "size" in top else size
        if named is None:
            raise HintError('size: missing, and no picture gives it: add "size": [width, height]')
        self.size = size or named
        check_aspect(named, self.size)
        unit = top.get("unit", "pixel")
        if unit not in ("pixel", "fraction"):
            raise HintError(f'unit: expected "pixel" or "fraction", found {show(unit)}')
        self.limits = (1, 1) if unit == "fraction" else named
        self.scale = self.size[0] / self.limits[0], self.size[1] / self.limits[1]

    def vertex(self, x: object, y: object, where_x: str, where_y: str) -> tuple[float, float]:
        """x and y in picture pixels."""
        return self._along(0, x, where_x), self._along(1, y, where_y)

    def _along(self, axis: int, value: object, where: str) -> float:
        found = number(value, where)
        if not 0 <= found <= self.limits[axis]:
            raise HintError(f"{where}: {show(value)} is outside the picture: give 0 to {self.limits[axis]}")
        return min(found * self.scale[axis], self.size[axis])  # the product may pass the border by a rounding error

    def length(self, value: object, where: str) -> float:
        """A radius or a width in picture pixels."""
        length = number(value, where) * self.scale[0]
        most = 2 * sum(self.size)  # covers the picture from any place in it
        if not 0 <= length <= most:
            raise HintError(f"{where}: {show(value)} is no length: give 0 to {most / self.scale[0]:.6g}")
        return length


def _check_count(count: int, where: str) -> None:
    if count > MAX_POINTS:
        raise HintError(f"{where}: more than {MAX_POINTS} points and vertices in all: paint a PNG overlay instead")


def _color(value: object, where: str) -> tuple[int, int, int]:
    """A color as people write it: #b5533c, b5533c, #b53, a CSS name, rgb(…), hsl(…), hsv(…), or lab(L a b)."""
    text = value.strip().lower() if isinstance(value, str) else ""
    try:
        if found := _LAB.fullmatch(text):
            r, g, b = lab_to_rgb(np.array([[[float(v) for v in found.groups()]]]))[0, 0]
            return int(r), int(g), int(b)
        if _HEX.fullmatch(text):
            text = f"#{text}"
        r, g, b = ImageColor.getrgb(_spaced(text))  # type: ignore[misc]  # four of them are the error below
    except ValueError:
        what = 'expected a color as "#b5533c", "red", "rgb(181, 83, 60)", "hsl(11, 50%, 47%)" or "lab(46 37 31)"'
        raise HintError(f"{where}: {what}, found {show(value)}") from None
    return r, g, b


def _spaced(text: str) -> str:
    """CSS's newer rgb(181 83 60) as the older form, with commas."""
    name, bracket, rest = text.partition("(")
    inner = rest.rstrip(") ").strip()
    return f"{name}({','.join(inner.split())})" if bracket and "," not in inner else text


def _size(value: object) -> Size:
    sides = value if isinstance(value, list) else []
    if len(sides) != 2 or not all(type(side) is int and side > 0 for side in sides):
        raise HintError(f"size: expected [width, height] in whole pixels, found {show(value)}")
    if sides[0] * sides[1] > MAX_PIXELS:
        raise HintError(f"size: {sides[0]} x {sides[1]} is more than {MAX_PIXELS // 10**6} million pixels")
    return sides[0], sides[1]


def to_json(hints: Hints) -> str:
    """The hints as a JSON hint file that `parse_json` reads back, marks exactly and in the same order.

    Paint becomes the points and strokes that cover it (hint_shapes.py). Raises `HintError` where they are too many.
    """
    marks = hints.marks
    if hints.overlay is not None:
        from .hint_shapes import marks_of

        marks = marks_of(hints.overlay, hints.size) + marks
    if sum(len(mark.vertices) for mark in marks) > MAX_POINTS:
        raise HintError(f"the painting takes more than {MAX_POINTS} points and vertices: keep the picture")
    points: list[dict[str, object]] = []
    strokes: list[dict[str, object]] = []
    for mark in marks:
        color = "#{:02x}{:02x}{:02x}".format(*mark.color)
        vertices = [[float(x), float(y)] for x, y in mark.vertices]
        # Strokes lie over points, so a point that was set after a stroke is written as a stroke of one vertex.
        if len(vertices) == 1 and not strokes:
            points.append({"x": vertices[0][0], "y": vertices[0][1], "color": color, "radius": float(mark.radius)})
        else:
            strokes.append({"points": vertices, "color": color, "width": 2.0 * mark.radius})
    content: dict[str, object] = {"version": VERSION, "size": list(hints.size)}
    if marks and max(float(mark.vertices.max()) for mark in marks) <= 1.0:
        content["unit"] = "pixel"  # or the reader would ask whether these are fractions
    content |= {"points": points, "strokes": strokes}
    return json.dumps(content, separators=(",", ":")) + "\n"
