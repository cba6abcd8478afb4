"""A folder that fills up: look again and again, and take what has come to rest."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator

from ...color.errors import UsageError
from .batch import Batch, Look
from .planning.job import Job
from .result import Result

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
    look, complaint, seconds = batch.first, "", 0.0
    while True:
        for result in batch.make(waiting.ready(look), stopping, say):
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
            look, complaint = batch.look(), ""
        except UsageError as error:
            if complaint != str(error):
                complaint = str(error)
                say(f"error: {complaint}")
            look = Look()
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

    def ready(self, look: Look) -> Look:
        """What can be taken now of what a look found."""
        seen: dict[str, Stat] = {}
        todo = [pair for pair in look.todo if self._ready(pair[0], seen)]
        refused = [pair for pair in look.refused if self._failed.get(pair[0].name) != _state(pair[0])]
        self._seen = seen
        return Look(todo, refused)

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
