"""One worker process of a batch: it opens an engine, then colors what it is sent. `processes.py` is the other end."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection

from ....color.errors import GcolorError
from ...processes import follow_parent
from ..color_one import color_by_threads
from ..opening import Opening
from ..options import Settings
from ..planning.job import Job


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has opened its engine. capacity: pictures that it takes at a time; bundle: its fingerprint."""

    capacity: int
    bundle: str


def serve(connection: Connection, device: str, opening: Opening, settings: Settings) -> None:
    """Answer Ready, or the GcolorError that prevents it; then (number, job) by (number, Result) until the other end
    closes. A picture's unexpected exception is answered in place of its Result.
    """
    follow_parent()
    try:
        colorizer, capacity = opening.open(device)
    except GcolorError as error:
        connection.send(error)
        return
    connection.send(Ready(capacity, colorizer.bundle.manifest.fingerprint))
    color = color_by_threads(colorizer, settings)
    lock = threading.Lock()

    def work(number: int, job: Job) -> None:
        try:
            answer: object = color(job)
        except Exception as error:
            answer = RuntimeError(f"{type(error).__name__}: {error}")
        with lock, contextlib.suppress(OSError):
            connection.send((number, answer))

    with ThreadPoolExecutor(capacity) as pool:
        while True:
            try:
                number, job = connection.recv()
            except (EOFError, OSError):
                return
            pool.submit(work, number, job)
