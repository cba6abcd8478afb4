"""One worker process of a batch: it opens an engine, then colours what it is sent. `workers.py` is the other end."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from ...color.errors import GcolorError
from ..bundle import fingerprint
from ..colorizer import Colorizer
from .plan import Job
from .settings import Settings
from .threads import color_by_threads, open_colorizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What each worker opens, and how much of the machine is its own.

    pictures: about how many each will have. jobs: pictures in work of each, None by its cores. processes: how many
    share the machine. The rest: see `open_colorizer`.
    """

    pictures: int
    processes: int
    jobs: int | None = None
    bundle: Path | None = None
    backend: str = "auto"
    batch_size: int = 0

    def open(self, device: str) -> tuple[Colorizer, int]:
        """See `open_colorizer`."""
        return open_colorizer(
            self.pictures,
            self.jobs,
            bundle=self.bundle,
            backend=self.backend,
            device=device,
            batch_size=self.batch_size,
            processes=self.processes,
        )


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has opened its engine. capacity: pictures that it takes at a time; bundle: its fingerprint."""

    capacity: int
    bundle: str


def serve(connection: Connection, device: str, opening: Opening, settings: Settings) -> None:
    """Answer Ready, or the GcolorError that prevents it; then (number, job) by (number, Result) until the other end
    closes. A picture's unexpected exception is answered in place of its Result.
    """
    # An interrupt is the parent's business: it lets us finish, or dies and takes us along.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        colorizer, capacity = opening.open(device)
    except GcolorError as error:
        connection.send(error)
        return
    connection.send(Ready(capacity, fingerprint(colorizer.bundle.manifest)))
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


def _end_with_parent() -> None:
    """A killed parent leaves nobody to work for."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
