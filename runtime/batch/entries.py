"""What the lines of a journal say: a recipe, or what one output was made of. docs/batch.md has the format."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...version import __version__
from .fingerprint import Fingerprint

FORMAT = 1


class Recipe(NamedTuple):
    """What an output was made with. bundle: `bundle.fingerprint`; settings: those that its bytes depend on, as JSON.

    engine and version (of gcolor) are for the record: another one is no reason to make it again.
    """

    bundle: str
    settings: str
    engine: str
    version: str = __version__

    def name(self) -> str:
        """What the lines of its outputs call it."""
        return hashlib.blake2b("\0".join(self).encode(), digest_size=6).hexdigest()


class Entry(NamedTuple):
    """What the journal knows of one output. over: the content's hash of what it was to replace, "" for nothing.

    `output.changed` is always 0: renaming the file into its place changes that time.
    """

    source: Fingerprint
    hints: tuple[Fingerprint, ...]
    output: Fingerprint
    recipe: Recipe
    over: str = ""


def canonical(settings: Any) -> str:
    """Settings as the one JSON text that they are compared by."""
    return json.dumps(settings, sort_keys=True, separators=(",", ":"))


def header_line(shared: bool) -> bytes:
    """The first line. shared: the folder holds other files, too."""
    return _line({"journal": FORMAT, "gcolor": __version__, **({"shared": True} if shared else {})})


def recipe_line(key: str, recipe: Recipe) -> bytes:
    return _line({"recipe": key, **recipe._asdict(), "settings": json.loads(recipe.settings)})


def entry_line(name: str, key: str, entry: Entry) -> bytes:
    """The line of an output, by its path and its recipe's name."""
    made = entry.output
    value: dict[str, Any] = {"out": name, "recipe": key, "in": entry.source, "hints": entry.hints}
    value["made"] = [made.size, made.modified, made.digest]
    if entry.over:
        value["over"] = entry.over
    return _line(value)


def read_recipe(value: dict[str, Any]) -> tuple[str, Recipe]:
    """A recipe and its name. Raises ValueError, TypeError or KeyError where it is none."""
    texts = [value[key] for key in ("recipe", "bundle", "engine", "version")]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("not a recipe")
    key, bundle, engine, version = texts
    recipe = Recipe(bundle, canonical(value["settings"]), engine, version)
    if recipe.name() != key:
        raise ValueError("not the recipe that it was")
    return key, recipe


def read_entry(value: dict[str, Any], recipes: Mapping[str, Recipe]) -> Entry:
    """What a line says of its output. Raises ValueError, TypeError or KeyError where it is no entry."""
    size, modified, digest = value["made"]
    source, *hints = (_fingerprint(given) for given in [value["in"], *value["hints"]])
    output = _fingerprint([size, modified, 0, digest])
    return Entry(source, tuple(hints), output, recipes[value["recipe"]], str(value.get("over", "")))


def _line(value: dict[str, Any]) -> bytes:
    # ASCII: names that are not UTF-8 come through as lone surrogates.
    return json.dumps(value).encode() + b"\n"


def _fingerprint(value: Any) -> Fingerprint:
    size, modified, changed, digest = value
    if not (isinstance(size, int) and isinstance(modified, int) and isinstance(changed, int)):
        raise TypeError("size and times are whole numbers")
    if not isinstance(digest, str):
        raise TypeError("a hash is text")
    return Fingerprint(size, modified, changed, digest)
