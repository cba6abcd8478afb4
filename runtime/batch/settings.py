"""How the pictures of a batch are read and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..formats import MAX_PIXELS, SUFFIXES
from .journal import canonical

# Counted up when gcolor itself paints or writes otherwise than before: outputs are then made again.
STEPS = 1
# Formats, by Pillow's names, whose files a quality changes.
LOSSY = ("JPEG", "WEBP", "AVIF", "HEIF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How pictures are read and written."""

    quality: int | None = None
    """See `save_picture`."""
    keep_color: bool = False
    """Leave pictures that are in colour already, and have no hints, as they are."""
    max_pixels: int = MAX_PIXELS

    def shaping(self, name: str) -> str:
        """The settings that the bytes of an output of such a name or ending depend on. A limit changes none."""
        values: dict[str, Any] = {"steps": STEPS}
        kind = SUFFIXES.get(name[name.rfind(".") :].lower())
        if kind and kind.name in LOSSY:
            values["quality"] = self.quality
        if self.keep_color:
            values["keep_color"] = True
        return canonical(values)
