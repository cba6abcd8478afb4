"""Thumbnails: small JPEGs of whole pictures, made when they are looked at, and kept while there is room."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from pathlib import Path

from PIL import Image

from ..color.errors import PictureError
from ..runtime.pictures import read_preview

SIDE = 192
KEPT_BYTES = 48 << 20


class Thumbnails:
    """For several threads at once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, path: Path) -> bytes:
        """A JPEG of at most SIDE pixels a side. Raises PictureError."""
        try:
            status = path.stat()
        except OSError as error:
            raise PictureError(f"cannot be read ({error.strerror})") from error
        key = str(path), status.st_mtime_ns, status.st_size
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        file = io.BytesIO()
        Image.fromarray(read_preview(path, SIDE)).save(file, "JPEG", quality=80)
        data = file.getvalue()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = data
                self._bytes += len(data)
            while self._bytes > KEPT_BYTES:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return data
