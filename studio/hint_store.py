"""The hint files of one picture, read for the page and written for the batch. They are all that the studio keeps."""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..color.aspect import Size
from ..color.errors import GcolorError, HintError, UsageError
from ..color.hint_files import load_hints
from ..color.hint_folder import JSON, HintFolder
from ..color.hint_json import MAX_JSON_BYTES, parse_json, to_json
from ..color.hints import Hints
from ..color.lab import Bytes
from ..runtime.files import make_parent, replace_file, save_json, show
from .folder import Folder, confined

# Hidden, so that neither the batch nor `gcolor hints check` takes it for hints.
PALETTES = ".gcolor.palettes.json"
MAX_PALETTE_BYTES = 1 << 18


class ChangedOutsideError(GcolorError):
    """A hint file is not what the page believes."""


@dataclass(frozen=True, slots=True)
class Found:
    """The hint files of a picture. tag: changes whenever they do. error: what is wrong with them, and then no hints."""

    tag: str
    hints: Hints
    files: tuple[Path, ...] = ()
    error: str = ""

    @property
    def json(self) -> Any:
        """The marks as version 1 JSON in the picture's pixels."""
        return json.loads(to_json(Hints(self.hints.size, None, self.hints.marks)))


class HintStore:
    """Where `gcolor batch --hints` looks: for `sub/a.jpg` at `sub/a.jpg.json`, or at `sub/a.json` if that is there."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._root = folder.places.hints
        self._lock = threading.Lock()
        self._overlays: dict[str, Bytes | None] = {}

    def files(self, name: str) -> tuple[Path, ...]:
        """The hint files of a picture as the batch pairs them. Raises HintError where two pictures would share them."""
        below = os.path.dirname(name)
        siblings = [other for other in self._folder.names if os.path.dirname(other) == below]
        stem = os.path.splitext(name)[0]
        rivals = [other for other in siblings if os.path.splitext(other)[0] == stem]
        try:
            entries = [path.name for path in (confined(self._root, below) if below else self._root).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise HintError(f"{show(self._root / below)}: cannot be read ({error.strerror})") from error
        names = [f"{below}/{entry}" if below else entry for entry in entries]
        try:
            found = HintFolder.listed("", names).pair(dict.fromkeys([name, *rivals]))[0]
        except UsageError as error:
            raise HintError(str(error)) from error
        return tuple(confined(self._root, path.removeprefix("/")) for path in found)

    def load(self, name: str, size: Size) -> Found:
        """What there is for a picture of a size (W, H). What is wrong with it is in the answer."""
        try:
            files = self.files(name)
        except GcolorError as error:
            return Found("", Hints(size), error=str(error))
        tag = _tag(files)
        try:
            return Found(tag, load_hints(files, size) if files else Hints(size), files)
        except HintError as error:
            return Found(tag, Hints(size), files, str(error))

    def tag(self, name: str) -> str:
        """As in `load`, for the cost of looking at the files."""
        try:
            return _tag(self.files(name))
        except GcolorError:
            return ""

    def overlay(self, name: str, size: Size) -> Bytes | None:
        """The painted layer, RGBA, None where there is none or it cannot be read; the last one is kept."""
        painted = tuple(path for path in self.files(name) if path.suffix.lower() != JSON)
        key = f"{name}\0{_tag(painted)}"
        if key not in self._overlays:
            try:
                layer = load_hints(painted, size).overlay if painted else None
            except HintError:
                layer = None
            self._overlays = {key: layer}
        return self._overlays[key]

    def save(self, name: str, text: bytes, size: Size, tag: str) -> str:
        """Write the marks, version 1 JSON, if the files are still those of `tag`; the new tag. No marks: no file.

        Raises ChangedOutsideError, HintError where the marks break the format, UsageError where nothing can be written.
        """
        hints = parse_json(text, size)
        content = to_json(hints).encode()
        if len(content) > MAX_JSON_BYTES:
            raise HintError(f"these hints are larger than {MAX_JSON_BYTES >> 20} MB, which gcolor would not read again")
        with self._lock:
            files = self.files(name)
            if _tag(files) != tag:
                raise ChangedOutsideError("the hint file was changed outside the studio")
            path = self._path(name, files)
            try:
                if hints.marks:
                    self._root.mkdir(parents=True, exist_ok=True)
                    make_parent(path, self._root)
                    replace_file(path, lambda temporary: temporary.write_bytes(content))
                elif path in files:
                    path.unlink()
            except OSError as error:
                raise UsageError(f"{show(path)}: cannot be written ({error.strerror})") from error
            return _tag(self.files(name))

    def _path(self, name: str, files: tuple[Path, ...]) -> Path:
        """The JSON that is there, or a new one that is paired with the PNG that is there."""
        for path in files:
            if path.suffix.lower() == JSON:
                return path
        for path in files:
            return path.with_suffix(JSON)
        return confined(self._root, f"{name}{JSON}")

    def palettes(self) -> Any:
        """The named palettes: {name: ["#rrggbb", ...]}. Raises HintError where the file is damaged."""
        try:
            data = confined(self._root, PALETTES).read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise HintError(f"{PALETTES}: cannot be read ({error.strerror})") from error
        try:
            return check_palettes(json.loads(data))
        except (ValueError, RecursionError) as error:
            raise HintError(f"{show(self._root / PALETTES)}: is no list of palettes; mend or remove it") from error

    def save_palettes(self, value: Any) -> None:
        """Raises HintError, UsageError."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            save_json(check_palettes(value), confined(self._root, PALETTES), durable=False)
        except OSError as error:
            raise UsageError(f"{show(self._root)}: cannot be written ({error.strerror})") from error


def check_palettes(value: Any) -> dict[str, list[str]]:
    """Named lists of colors. Raises HintError."""
    if not isinstance(value, dict) or len(json.dumps(value)) > MAX_PALETTE_BYTES:
        raise HintError("palettes are an object of at most 256 KB: name to list of colors")
    for name, colors in value.items():
        if not isinstance(colors, list) or not all(_is_color(color) for color in colors):
            raise HintError(f'palette {name[:40]!r}: expected a list of colors as "#b5533c"')
    return value


def _is_color(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value) is not None


def _tag(files: tuple[Path, ...]) -> str:
    parts = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        parts.append(f"{path.suffix}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}")
    return "|".join(parts)
