"""Hint files of both kinds: painted overlays (hint_pictures.py), and JSON points and strokes (hint_json.py)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .aspect import Size, check_aspect
from .errors import HintError
from .hint_folder import SUFFIXES
from .hint_json import MAX_JSON_BYTES, parse_json
from .hints import Hints, Mark

MAX_PICTURE_BYTES = 1 << 30


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


def parse_picture(data: bytes, size: Size | None) -> Hints:
    """A painted overlay as hints for a picture of `size` (W, H), or of the overlay's own size where that is None.

    Raises `HintError` for what `decode` refuses, and for another aspect than the picture's.
    """
    from .hint_pictures import decode, warnings_of  # not above: Pillow's readers take their time to be imported

    overlay = decode(data)
    found = overlay.shape[1], overlay.shape[0]
    if size is not None:
        check_aspect(found, size)
    return Hints(size or found, overlay, warnings=warnings_of(overlay))
