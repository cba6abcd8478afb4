"""A batch on several devices: a process for each, all fed from one queue, so that a slow picture holds up no other.

Each process has a pipe of its own and only the parent hands out work, so a process may be killed at any moment without
a lock or a picture being lost with it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any

from ....color.errors import BundleError, EngineError, GcolorError
from ...files import TEMPORARY
from ...processes import blocked_signals
from ..opening import Opening
from ..options import Settings
from ..planning.job import Job
from ..result import Result, discard
from .worker import Ready, serve

# A process that finishes in an orderly way has so many seconds for it.
PATIENCE = 5.0


def run_workers(
    devices: list[str],
    jobs: Iterable[Job],
    settings: Settings,
    opening: Opening,
    stopping: Callable[[], object] = lambda: False,
    say: Callable[[str], object] = print,
) -> Generator[Result]:
    """Color the jobs with a process for each device; results come as they are ready.

    Where a process dies, its pictures are tried once more, each alone in a new process; one that is in work when that
    dies, too, has failed. `say` gets a line for each death. Once `stopping` says so no new picture is taken, and the
    results of those in work still come. Closing the iterator waits for them and discards them. Raises EngineError and
    BundleError where an engine cannot be opened, or no process is left.
    """
    waiting = iter(jobs)
    workers: list[_Worker] = []
    lost: list[Job] = []
    try:
        for device in devices:
            workers.append(_Worker(device, opening, settings))
        while True:
            if not stopping():
                for worker in workers:
                    worker.give(waiting)
            if not any(worker.in_work for worker in workers) and (stopping() or _has_nothing_left(workers)):
                return
            for worker in _ready_to_read(workers):
                answer = worker.read()
                if answer:
                    yield answer
                elif worker.exit_reason:
                    lost += worker.in_work.values()
                    say(f"warning: device {worker.device}: a worker process {worker.exit_reason}")
                    yield from worker.failed()
                    _replace(worker, workers)
                elif worker.bundle != (first := next(other.bundle for other in workers if other.bundle)):
                    raise BundleError(f"the bundle was changed during the batch (from {first[:12]}); start it again")
    finally:
        _drain(workers)
        for worker in workers:
            worker.end()
        sweep_beside(lost)


def _has_nothing_left(workers: list[_Worker]) -> bool:
    """Nobody has work, though somebody is ready for it."""
    return any(worker.capacity for worker in workers) and not any(worker.retry_alone for worker in workers)


def _ready_to_read(workers: list[_Worker]) -> list[_Worker]:
    """The workers that have sent something; waits a moment for one."""
    ready = set(map(id, wait([worker.connection for worker in workers], timeout=0.5)))
    return [worker for worker in workers if id(worker.connection) in ready]


def _replace(worker: _Worker, workers: list[_Worker]) -> None:
    """Put a new worker in the place of a dead one, or do without where it could not open its engine any more."""
    workers.remove(worker)
    worker.end()
    if worker.capacity:
        workers.append(_Worker(worker.device, worker.opening, worker.settings, worker.left()))
    elif worker.first and worker.killed and not worker.again:
        workers.append(_Worker(worker.device, worker.opening, worker.settings, again=True))
    elif worker.first or not workers:
        raise EngineError(f"device {worker.device}: a worker process {worker.exit_reason} before its engine was open")
    else:
        workers[0].retry_alone.extend(worker.left())


def _drain(workers: list[_Worker]) -> None:
    """Wait for what is in work, and discard it."""
    while busy := [worker for worker in workers if worker.in_work and not worker.exit_reason]:
        for worker in _ready_to_read(busy):
            with contextlib.suppress(RuntimeError):
                if result := worker.read():
                    discard(result)


def sweep_beside(jobs: Iterable[Job]) -> None:
    """Remove what killed processes were writing for these jobs; nobody else may be at it any more."""
    for folder in {folder for job in jobs if (folder := job.work_folder)}:
        for path in folder.glob(f"{TEMPORARY}*"):
            with contextlib.suppress(OSError):
                path.unlink()


class _Worker:
    """The parent's end of a worker process.

    capacity: pictures that it takes at a time, 0 until its engine is open. in_work: what it has been sent. retry_alone:
    pictures of which a process has died, perhaps; None for the first process of a device. again: that was killed before
    its engine was open, and this is the second. exit_reason: how it ended.
    """

    def __init__(
        self,
        device: str,
        opening: Opening,
        settings: Settings,
        retry_alone: Iterable[Job] | None = None,
        again: bool = False,
    ) -> None:
        self.device, self.opening, self.settings, self.again = device, opening, settings, again
        self.first = retry_alone is None
        self.retry_alone = deque(retry_alone or ())
        self.capacity, self.bundle, self.exit_reason = 0, "", ""
        self.in_work: dict[int, Job] = {}
        self._alone = False
        self._number = 0
        spawn = multiprocessing.get_context("spawn")
        self.connection, there = spawn.Pipe()
        self._process = spawn.Process(target=serve, args=(there, device, opening, settings))
        try:
            with blocked_signals():
                self._process.start()
        except OSError as error:
            raise EngineError(f"device {device}: a worker process cannot be started ({error.strerror})") from error
        finally:
            there.close()

    def give(self, waiting: Iterator[Job]) -> None:
        """Send it jobs until it has enough; what is tried again goes alone, so that it takes no other picture along."""
        while len(self.in_work) < self.capacity and not self._alone:
            if self.retry_alone and self.in_work:
                return
            self._alone = bool(self.retry_alone)
            job = self.retry_alone.popleft() if self.retry_alone else next(waiting, None)
            if job is None:
                return
            self._number += 1
            self.in_work[self._number] = job
            # A dead process shows by the end of its answers.
            with contextlib.suppress(OSError):
                self.connection.send((self._number, job))

    def read(self) -> Result | None:
        """Its next result; None where it is ready now, or it has ended.

        Raises the GcolorError that prevents the first process of a device, RuntimeError for what no picture explains.
        """
        try:
            answer: Any = self.connection.recv()
        except (EOFError, OSError):
            self.exit_reason = self.end()
            return None
        if isinstance(answer, GcolorError):
            if self.first:
                raise answer
            self.exit_reason = f"could not open its engine again ({answer})"
        elif isinstance(answer, Ready):
            self.capacity, self.bundle = answer.capacity, answer.bundle
        else:
            number, result = answer
            self.in_work.pop(number)
            self._alone = False
            if isinstance(result, RuntimeError):
                raise result
            assert isinstance(result, Result)
            return result
        return None

    def failed(self) -> list[Result]:
        """Once it has ended: the picture that it had in work alone, and that has now ended two processes."""
        why = f"the worker process that colored it {self.exit_reason}, twice; it may need more memory than there is"
        return [Result(job, 0.0, error=why) for job in self.in_work.values() if self._alone]

    def left(self) -> list[Job]:
        """Once it has ended: what must be tried again."""
        return [*(() if self._alone else self.in_work.values()), *self.retry_alone]

    @property
    def killed(self) -> bool:
        """Once it has ended: by a signal, which says nothing of its device."""
        return (self._process.exitcode or 0) < 0

    def end(self) -> str:
        """End it and say how it ended. It must have nothing in work."""
        self.connection.close()
        if self.capacity:
            self._process.join(PATIENCE)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        code = self._process.exitcode or 0
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
