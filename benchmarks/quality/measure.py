"""Scores of one photo by all methods, in a process of its own; baselines' scores can be kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from gcolor.color import bins, lab, protocol, scores
from gcolor.color.errors import PictureError
from gcolor.runtime.files import save_json
from gcolor.runtime.pictures import read_picture
from gcolor.trainer.scoring.held_out import stretched

from . import baselines, levin, methods, obedience, protocols
from .methods import BASELINES, Method
from .obedience import obey
from .protocols import Protocol, View

Scores = dict[str, float]
Found = TypeVar("Found")
# A foreign hint, on photos that no filter chose; there is nothing to count.
OBEDIENCE = Protocol("obedience", "256x256, one 3x3 hint of a foreign color", protocol.PAPER, ())
# What baselines' scores depend on, beside the photo.
SOURCES = (baselines, levin, methods, obedience, protocols, bins, lab, protocol, scores)


@dataclass(frozen=True, slots=True)
class Task:
    """A photo and what to score it with; `models` are bundles by name."""

    path: Path
    protocols: tuple[Protocol, ...]
    models: dict[str, Path | None]
    baselines: tuple[str, ...]
    cache: Path | None


@dataclass(slots=True)
class Measured:
    """A photo's rows: `scored` by protocol, method and number of hints; or why it has none."""

    name: str
    scored: dict[tuple[str, str, int], Scores] = field(default_factory=dict)
    obeyed: list[dict[str, float | str | None]] = field(default_factory=list)
    error: str = ""


def choose(found: list[Path], wanted: list[Protocol], limit: int | None) -> Iterator[tuple[Path, tuple[Protocol, ...]]]:
    """The photos that are scored and the protocols that each takes part in: for each protocol the first `limit` of a
    fair sample, of those that pass the filter where it has one."""
    left = {p: limit or len(found) for p in wanted}
    for path in protocol.sample(found):
        if not any(left.values()):
            return
        some = tuple(p for p, room in left.items() if room and (not p.filtered or passes(path)))
        for p in some:
            left[p] -= 1
        if some:
            yield path, some


def passes(path: Path) -> bool:
    """Does a photo pass the near-grey filter? One that cannot be read does, so that its error is told in its turn."""
    try:
        return stretched(path.name, read_picture(path).rgb).filtered
    except PictureError:
        return True


def measure(task: Task) -> Measured:
    """All scores of a photo. What cannot be read has an error in place of them."""
    measured = Measured(task.path.name)
    try:
        rgb = read_picture(task.path).rgb
    except PictureError as error:
        measured.error = f"{task.path}: {error}"
        return measured
    known = {name: partial(methods.spread_hints, BASELINES[name]) for name in task.baselines}
    models = {name: partial(methods.paint, bundle) for name, bundle in task.models.items()}
    kept = Kept(task.cache, task.path)
    for shown in task.protocols:
        view = View.of(measured.name, rgb, shown)
        for count in shown.counts:
            hints = view.hints(count)
            for name, method in known.items():
                # Without hints they all leave the photo grey, and grey has no use for hints.
                if (name == "grey") == (count == 0):
                    key = f"{shown.patches} {shown.full} {name} {count}"
                    measured.scored[shown.name, name, count] = kept.get(key, partial(score, method, view, hints))
            for name, method in models.items():
                row = score(method, view, hints)
                if shown.logits:
                    row |= score_logits(task.models[name], view, hints)
                measured.scored[shown.name, name, count] = row
    if OBEDIENCE in task.protocols:
        view = View.of(measured.name, rgb, OBEDIENCE)
        measured.obeyed = obey(view, models)
        for name, method in known.items():
            if name != "grey":
                measured.obeyed += kept.get(f"obedience {name}", partial(obey, view, {name: method}))
    kept.save()
    return measured


def score(method: Method, view: View, hints: lab.Bytes) -> Scores:
    """The scores of the picture that a method makes."""
    return scores.picture_scores(method(view, hints), view.rgb, view.lab)


def score_logits(bundle: Path | None, view: View, hints: lab.Bytes) -> Scores:
    """The accuracy of a model's most probable bins; nothing where its logits cannot be had."""
    if methods.lacks_logits(bundle):
        return {}
    return {"argmax_accuracy": methods.argmax_accuracy(methods.open_network(bundle), view, hints)}


@cache
def sources() -> str:
    """SHA-256 of the code that baselines' scores come from."""
    return hashlib.sha256(b"".join(Path(str(m.__file__)).read_bytes() for m in SOURCES)).hexdigest()


class Kept:
    """A photo's baseline scores, by what they depend on.

    In a file whose name is the hash of the photo's name and bytes and of the code; in memory alone without a folder.
    """

    def __init__(self, folder: Path | None, photo: Path) -> None:
        self.path: Path | None = None
        self.rows: dict[str, Any] = {}
        if folder:
            digest = hashlib.sha256(photo.read_bytes())
            digest.update(f"{photo.name}/{sources()}".encode("utf-8", "surrogateescape"))
            self.path = folder / f"{digest.hexdigest()}.json"
            if self.path.exists():
                self.rows = json.loads(self.path.read_text())
        self.known = len(self.rows)

    def get(self, key: str, make: Callable[[], Found]) -> Found:
        """What is kept under a key, or what `make` finds, kept from now on."""
        if key not in self.rows:
            self.rows[key] = make()
        found: Found = self.rows[key]
        return found

    def save(self) -> None:
        """Write what is new."""
        if self.path and len(self.rows) > self.known:
            save_json(self.rows, self.path, durable=False)
