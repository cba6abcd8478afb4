"""The one engine and the pictures that are open, behind one thread; requests that newer ones overtake are dropped."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from ..color.errors import GcolorError, PictureError
from ..runtime.colorizer import Colorizer
from ..runtime.formats import MAX_PIXELS
from ..runtime.pictures import read_area, read_picture
from .opened import Opened

T = TypeVar("T")

# Open pictures hold at most this many pixels together (some 5 bytes each); the one in use may be larger.
PIXELS_OPEN = 30_000_000
WAITING = 64
PAGES = 256


class OvertakenError(GcolorError):
    """A newer request of the same page made this one needless."""


class BusyError(GcolorError):
    """Too many requests wait."""


class Desk:
    """open_colorizer is called in the thread that uses it, when the first picture is opened."""

    def __init__(self, open_colorizer: Callable[[], Colorizer], max_pixels: int = MAX_PIXELS) -> None:
        self._open_colorizer = open_colorizer
        self._max_pixels = max_pixels
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._engine: Colorizer | None = None
        self._open: OrderedDict[str, Opened] = OrderedDict()
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._count = 0
        self._waiting = 0
        self._lock = threading.Lock()

    async def work(self, name: str, path: Path, do: Callable[[Opened], T], lane: str = "") -> T:
        """`do` with the picture of that name, opened from its file if it is not open, or was changed.

        lane: of the requests with the same one, only the newest is worked on. Raises OvertakenError for the others,
        BusyError where too many wait, PictureError, and what opening an engine raises.
        """
        with self._lock:
            if self._waiting >= WAITING:
                raise BusyError("the studio is busy; try again in a moment")
            self._waiting += 1
            self._count += 1
            number = self._count
            if lane:
                self._newest[lane] = number
                self._newest.move_to_end(lane)
                if len(self._newest) > PAGES:
                    self._newest.popitem(last=False)

        def run() -> T:
            if lane and self._newest.get(lane, number) != number:
                raise OvertakenError("a newer request came")
            return do(self._get(name, path))

        try:
            return await asyncio.wrap_future(self._thread.submit(run))
        finally:
            with self._lock:
                self._waiting -= 1

    async def warm(self) -> Colorizer:
        """The engine, opened now, so that a bundle or device that is wrong ends the start and not the work."""
        return await asyncio.wrap_future(self._thread.submit(self._colorizer))

    def close(self) -> None:
        """Let the work that has begun end; nothing else starts."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _colorizer(self) -> Colorizer:
        if self._engine is None:
            self._engine = self._open_colorizer()
        return self._engine

    def _get(self, name: str, path: Path) -> Opened:
        try:
            status = path.stat()
        except OSError as error:
            self._open.pop(name, None)
            raise PictureError(f"cannot be read ({error.strerror})") from error
        stamp = status.st_mtime_ns, status.st_size
        found = self._open.get(name)
        if found is None or found.stamp != stamp:
            self._open.pop(name, None)
            self._make_room(read_area(path, self._max_pixels))
            found = Opened(name, read_picture(path, self._max_pixels).rgb, self._colorizer().share(), stamp)
            self._open[name] = found
        self._open.move_to_end(name)
        return found

    def _make_room(self, pixels: int) -> None:
        while self._open and sum(one.pixels for one in self._open.values()) + pixels > PIXELS_OPEN:
            self._open.popitem(last=False)
