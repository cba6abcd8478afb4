"""Hint files, version 1: painted overlays (hint_pictures.py), JSON points and strokes.

JSON: {"version": 1, "size": [W, H], "unit": "pixel",
       "points":  [{"x": 412.5, "y": 233.5, "color": "#b5533c", "radius": 4}],
       "strokes": [{"points": [[10, 20], [60, 80]], "color": "#3f6fa8", "width": 9}]}

`size` is the picture's own when left out; another size of the same aspect scales everything. With `"unit": "fraction"`
x and y are 0..1, and `radius` and `width` are fractions of the picture's width. Points come first, then strokes; later
entries lie over earlier ones.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageColor

from .errors import HintError
from .hint_folder import SUFFIXES
from .hints import MAX_PIXELS, Hints, Mark
from .lab import lab_to_rgb

VERSION = 1
MAX_JSON_BYTES = 1 << 20
MAX_POINTS = 10_000  # points and stroke vertices together
MAX_PICTURE_BYTES = 1 << 30

_HEX = re.compile("[0-9a-f]{3}|[0-9a-f]{6}")
_LAB = re.compile(r"lab\(\s*([-+.\d]+)%?[\s,]+([-+.\d]+)[\s,]+([-+.\d]+)\s*\)")

Size = tuple[int, int]


def load_hints(paths: Sequence[Path], size: Size | None) -> Hints:
    """The hints of one picture of `size` (W, H): a painted one, a JSON, or both, with the JSON on top, or none.

    Where `size` is None, the first file's own size stands for the picture's. Raises `HintError`, with the file's name
    in front.
    """
    overlay, marks, warnings = None, list[Mark](), list[str]()
    seen: dict[bool, Path] = {}
    for path in paths:
        kind = path.suffix.lower()
        is_json = kind == ".json"
        try:
            if kind not in SUFFIXES:
                raise HintError(f"not a hint file: give one of {' '.join(SUFFIXES)}")
            if is_json in seen:
                raise HintError(f"{seen[is_json]} holds hints of its kind for the same picture, too: keep one of them")
            seen[is_json] = path
            if is_json:
                hints = parse_json(_read(path, MAX_JSON_BYTES), size)
                marks = hints.marks
            else:
                hints = parse_picture(_read(path, MAX_PICTURE_BYTES), size)
                overlay = hints.overlay
            size = hints.size
            warnings += [f"{path}: {warning}" for warning in hints.warnings]
        except HintError as error:
            raise HintError(f"{path}: {error}") from error
    if size is None:
        raise HintError("there is no hint file and no picture to take a size from")
    return Hints(size, overlay, marks, warnings)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise HintError(f"cannot be read: {error.strerror or error}") from error
    if len(data) > limit:
        raise HintError(f"the file is larger than {limit >> 20} MB: too large for hints of one picture")
    return data


def same_aspect(size: Size, other: Size) -> bool:
    """Whether one size is the other scaled, give or take the rounding of a side to whole pixels."""
    return abs(size[0] * other[1] - size[1] * other[0]) <= max(*size, *other)


def _check_aspect(found: Size, size: Size) -> None:
    if same_aspect(found, size):
        return
    turned = same_aspect(found[::-1], size)
    raise HintError(
        f"the hints are {found[0]} x {found[1]}, the picture is {size[0]} x {size[1]} pixels: "
        + ("turn them; the picture's EXIF rotation counts" if turned else "make them of the picture's aspect")
    )


def parse_picture(data: bytes, size: Size | None) -> Hints:
    """A painted overlay as hints for a picture of `size` (W, H), or of the overlay's own size where that is None.

    Raises `HintError` for what `decode` refuses, and for another aspect than the picture's.
    """
    from .hint_pictures import decode, warnings_of  # not above: Pillow's readers take their time to be imported

    overlay = decode(data)
    found = overlay.shape[1], overlay.shape[0]
    if size is not None:
        _check_aspect(found, size)
    return Hints(size or found, overlay, warnings=warnings_of(overlay))


# --- JSON ---


def parse_json(text: bytes, size: Size | None) -> Hints:
    """JSON hints for a picture of `size` (W, H), or of the size that they name where that is None.

    Raises `HintError`; the message begins with the JSON path of what is wrong, as `points[3].x`.
    """
    if len(text) > MAX_JSON_BYTES:
        raise HintError(f"the file is larger than {MAX_JSON_BYTES >> 20} MB: paint a PNG overlay instead")
    try:
        raw = json.loads(text.decode("utf-8-sig"), parse_int=_integer, object_pairs_hook=_object)
    except RecursionError:
        raise HintError("this is not a hint file: its lists are nested too deep") from None
    except UnicodeDecodeError as error:
        raise HintError(f"this is not UTF-8 text (byte {error.start}): save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise HintError(f"line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}") from None

    top = _members(raw, "", ("version",), ("size", "unit", "points", "strokes"))
    if type(top["version"]) is not int or top["version"] != VERSION:
        raise HintError(f"version: {_show(top['version'])} is unknown: this gcolor reads version {VERSION}")
    place = _Place(top, size)
    points, strokes = _list(top.get("points", []), "points"), _list(top.get("strokes", []), "strokes")

    marks = []
    count = 0
    for i, entry in enumerate(points):
        where = f"points[{i}]"
        point = _members(entry, where, ("x", "y", "color"), ("radius",))
        vertex = place.vertex(point["x"], point["y"], f"{where}.x", f"{where}.y")
        radius = place.length(point.get("radius", 0), f"{where}.radius")
        marks.append(Mark(np.array([vertex]), _color(point["color"], f"{where}.color"), radius))
        count += 1
        _check_count(count, where)
    for i, entry in enumerate(strokes):
        where = f"strokes[{i}]"
        stroke = _members(entry, where, ("points", "color"), ("width",))
        corners = _list(stroke["points"], f"{where}.points")
        if not corners:
            raise HintError(f"{where}.points: empty: give at least one [x, y]")
        count += len(corners)
        _check_count(count, where)
        vertices = []
        for j, corner in enumerate(corners):
            at = f"{where}.points[{j}]"
            if not isinstance(corner, list) or len(corner) != 2:
                raise HintError(f"{at}: expected [x, y], found {_show(corner)}")
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
        _check_aspect(named, self.size)
        unit = top.get("unit", "pixel")
        if unit not in ("pixel", "fraction"):
            raise HintError(f'unit: expected "pixel" or "fraction", found {_show(unit)}')
        self.limits = (1, 1) if unit == "fraction" else named
        self.scale = self.size[0] / self.limits[0], self.size[1] / self.limits[1]

    def vertex(self, x: object, y: object, where_x: str, where_y: str) -> tuple[float, float]:
        """x and y in picture pixels."""
        return self._along(0, x, where_x), self._along(1, y, where_y)

    def _along(self, axis: int, value: object, where: str) -> float:
        found = _number(value, where)
        if not 0 <= found <= self.limits[axis]:
            raise HintError(f"{where}: {_show(value)} is outside the picture: give 0 to {self.limits[axis]}")
        return min(found * self.scale[axis], self.size[axis])  # the product may pass the border by a rounding error

    def length(self, value: object, where: str) -> float:
        """A radius or a width in picture pixels."""
        length = _number(value, where) * self.scale[0]
        most = 2 * sum(self.size)  # covers the picture from any place in it
        if not 0 <= length <= most:
            raise HintError(f"{where}: {_show(value)} is no length: give 0 to {most / self.scale[0]:.6g}")
        return length


def _integer(digits: str) -> int | float:
    """A JSON integer; a very long one becomes a float (maybe infinite), so that the error can name its place."""
    return int(digits) if len(digits) < 20 else float(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key hides another."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise HintError(f"the key {_show(twice)} stands twice in one object: keep one")
    return found


def _members(value: object, where: str, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Any]:
    """`value` as an object with all of the required keys and no unknown one."""
    if not isinstance(value, dict):
        raise HintError(f"{where or 'the whole file'}: expected an object {{...}}, found {_show(value)}")
    dot = f"{where}." if where else ""
    for key in value:
        if key not in required and key not in optional:
            raise HintError(f"{dot}{_show(key)[1:-1]}: unknown key; known are {', '.join((*required, *optional))}")
    for key in required:
        if key not in value:
            raise HintError(f"{dot}{key}: missing: add it")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise HintError(f"{where}: expected a list [...], found {_show(value)}")
    return value


def _check_count(count: int, where: str) -> None:
    if count > MAX_POINTS:
        raise HintError(f"{where}: more than {MAX_POINTS} points and vertices in all: paint a PNG overlay instead")


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise HintError(f"{where}: expected a finite number, found {_show(value)}")
    return float(value)


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
        raise HintError(f"{where}: {what}, found {_show(value)}") from None
    return r, g, b


def _spaced(text: str) -> str:
    """CSS's newer rgb(181 83 60) as the older form, with commas."""
    name, bracket, rest = text.partition("(")
    inner = rest.rstrip(") ").strip()
    return f"{name}({','.join(inner.split())})" if bracket and "," not in inner else text


def _size(value: object) -> Size:
    sides = value if isinstance(value, list) else []
    if len(sides) != 2 or not all(type(side) is int and side > 0 for side in sides):
        raise HintError(f"size: expected [width, height] in whole pixels, found {_show(value)}")
    if sides[0] * sides[1] > MAX_PIXELS:
        raise HintError(f"size: {sides[0]} x {sides[1]} is more than {MAX_PIXELS // 10**6} million pixels")
    return sides[0], sides[1]


def _show(value: object) -> str:
    """A JSON value for a message: short and in plain ASCII, whatever the file holds."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:36]}...{text[-1]}"


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
