"""A folder that fills up: look again and again, and take what has come to rest."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from ...color.errors import UsageError
from .plan import Job
from .result import Result

if TYPE_CHECKING:
    from .make import Batch

# Seconds between two looks, and at least so many times what a look takes.
INTERVAL, SHARE = 2.0, 10.0
# Seconds between asking whether to stop.
STEP = 0.1

Stat = tuple[int, int, int] | None


def watch(
    batch: Batch, stopping: Callable[[], object], say: Callable[[str], None], interval: float = INTERVAL
) -> Generator[Result]:
    """The results of one look after the other until `stopping` says so, the first being the one that `batch` has had.

    A picture is taken once it and its hints are at rest; one that failed is tried again when it, its hints or its
    output changed. What is wrong with the folders (say, hints for two pictures) is said once, and looked at again.
    """
    waiting = Waiting(interval)
    complaint, seconds = "", 0.0
    while True:
        waiting.sift(batch)
        for result in batch.run_once(stopping, say):
            if result.error:
                waiting.failed(result.job)
            yield result
        until = time.monotonic() + max(interval, SHARE * seconds)
        while not stopping() and time.monotonic() < until:
            time.sleep(min(STEP, interval))
        if stopping():
            return
        begun = time.monotonic()
        try:
            batch.look()
            complaint = ""
        except UsageError as error:
            if complaint != str(error):
                complaint = str(error)
                say(f"error: {complaint}")
            batch.forget()
        seconds = time.monotonic() - begun


class Waiting:
    """What is not taken yet: files that still change, and pictures that failed as they are."""

    def __init__(self, interval: float) -> None:
        self._age = round(2e9 * interval)
        self._seen: dict[str, Stat] = {}
        self._failed: dict[str, tuple[Stat, ...]] = {}

    def failed(self, job: Job) -> None:
        """A picture is not to be tried again as it is."""
        self._failed[job.name] = _state(job)

    def sift(self, batch: Batch) -> None:
        """Leave of what a look found what can be taken now."""
        seen: dict[str, Stat] = {}
        found, checked = batch.found, batch.checked
        checked.todo = [pair for pair in checked.todo if self._ready(pair[0], seen)]
        for refused in (found.refused, checked.refused):
            refused[:] = [pair for pair in refused if self._failed.get(pair[0].name) != _state(pair[0])]
        self._seen = seen

    def _ready(self, job: Job, seen: dict[str, Stat]) -> bool:
        if self._failed.get(job.name) == _state(job):
            return False
        now, ready = time.time_ns(), True
        for path in (f"{job.roots.images}/{job.name}", *job.hint_files):
            seen[path] = status = _stat(path)
            old = status is not None and now - max(status[1:]) > self._age
            ready = ready and (old or self._seen.get(path, ()) == status)
        return ready


def _state(job: Job) -> tuple[Stat, ...]:
    return tuple(map(_stat, (f"{job.roots.images}/{job.name}", *job.hint_files, f"{job.roots.output}/{job.made}")))


def _stat(path: str) -> Stat:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
