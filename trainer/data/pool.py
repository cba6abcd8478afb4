"""Work in several processes: few items under way at a time, stopped by Ctrl-C, none outliving its parent."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from typing import TypeVar

import cv2

from ...color.errors import GcolorError
from ...runtime.processes import blocked_signals, follow_parent, one_thread_each

AHEAD = 2
"""Items under way per process: one in work, one waiting."""

# Only the parent hears Ctrl-C, and calls them off. SIGTERM they hear: where one died, the executor ends the others so.
UNHEARD = (signal.SIGINT,)

Item = TypeVar("Item")
Result = TypeVar("Result")
_stop: Event | None = None


class StoppedError(GcolorError):
    """The work was called off."""


def check() -> None:
    """For long tasks, to be called now and then: raises StoppedError where the work was called off."""
    if _stop is not None and _stop.is_set():
        raise StoppedError("stopped")


def run_all(task: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> Generator[Result, None, None]:
    """The results of `task` over items, in the order in which they are done; close the iterator to call the rest off.

    Items are drawn when there is room for them. jobs: how many processes; 1 works in this process. Raises what a task
    raises, and GcolorError where a process dies.
    """
    if jobs == 1:
        yield from map(task, items)
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    waiting = iter(items)
    pending: set[Future[Result]] = set()
    with one_thread_each(), ProcessPoolExecutor(jobs, context, _start, (stop,)) as pool:
        try:
            more = True
            while more or pending:
                while more and len(pending) < AHEAD * jobs:
                    try:
                        item = next(waiting)
                    except StopIteration:
                        more = False
                        break
                    with blocked_signals(UNHEARD):
                        pending.add(pool.submit(task, item))
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise GcolorError(
                "a worker process died, most often for want of memory; run the same call again with fewer --jobs: "
                "what is done is kept"
            ) from error
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _start(stop: Event) -> None:
    global _stop
    _stop = stop
    follow_parent(UNHEARD)
    cv2.setNumThreads(1)
