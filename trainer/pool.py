"""Work in several processes: few items under way at a time, stopped by Ctrl-C, none outliving its parent."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from typing import TypeVar

import cv2

from ..color.errors import GcolorError

AHEAD = 2
"""Items under way per process: one in work, one waiting."""

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
    with _one_thread(), ProcessPoolExecutor(jobs, context, _start, (stop,)) as pool:
        try:
            more = True
            while more or pending:
                while more and len(pending) < AHEAD * jobs:
                    try:
                        item = next(waiting)
                    except StopIteration:
                        more = False
                        break
                    with _deaf_children():
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A worker whose parent was killed would otherwise finish its task beside the next call, then wait for ever.
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


@contextlib.contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes started here do not hear Ctrl-C, not even before `_start`: only the parent does, and calls them off."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started here do their linear algebra on one thread: there are as many of them as cores."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
