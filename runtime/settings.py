"""How the pictures of a batch are read and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .journal import canonical
from .pictures import MAX_PIXELS

# Counted up when gcolor itself paints or writes otherwise than before: outputs are then made again.
STEPS = 1
# Endings whose files are the same at every quality.
LOSSLESS = (".png", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How pictures are read and written."""

    quality: int = 92
    max_pixels: int = MAX_PIXELS

    def shaping(self, name: str) -> str:
        """The settings that the bytes of an output of such a name or ending depend on. A limit changes none."""
        values: dict[str, Any] = {"steps": STEPS}
        if not name.lower().endswith(LOSSLESS):
            values["quality"] = self.quality
        return canonical(values)
