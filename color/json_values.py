"""Values out of JSON that somebody wrote: checked, and in messages named by their place, as `points[3].x`."""

from __future__ import annotations

import json
import math
from typing import Any

from .errors import HintError


def integer(digits: str) -> int | float:
    """A JSON integer; a very long one becomes a float (maybe infinite), so that the error can name its place."""
    return int(digits) if len(digits) < 20 else float(digits)


def unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key hides another."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise HintError(f"the key {show(twice)} stands twice in one object: keep one")
    return found


def members(value: object, where: str, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Any]:
    """`value` as an object with all of the required keys and no unknown one."""
    if not isinstance(value, dict):
        raise HintError(f"{where or 'the whole file'}: expected an object {{...}}, found {show(value)}")
    dot = f"{where}." if where else ""
    for key in value:
        if key not in required and key not in optional:
            raise HintError(f"{dot}{show(key)[1:-1]}: unknown key; known are {', '.join((*required, *optional))}")
    for key in required:
        if key not in value:
            raise HintError(f"{dot}{key}: missing: add it")
    return value


def listed(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise HintError(f"{where}: expected a list [...], found {show(value)}")
    return value


def number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise HintError(f"{where}: expected a finite number, found {show(value)}")
    return float(value)


def show(value: object) -> str:
    """A JSON value for a message: short and in plain ASCII, whatever the file holds."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:36]}...{text[-1]}"
