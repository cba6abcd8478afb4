"""Processes that are started to help this one: which signals they hear, how many threads they take, when they end."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from multiprocessing import resource_tracker

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def blocked_signals(signals: Iterable[signal.Signals] = STOPS) -> Iterator[None]:
    """A process that is started meanwhile does not hear Ctrl-C before it can ignore it: it inherits what is blocked."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it with the first process would unblock again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def follow_parent(signals: Iterable[signal.Signals] = STOPS) -> None:
    """In a helping process, first of all: it is the parent's business to be stopped, and a killed parent ends it."""
    for number in signals:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes started meanwhile do their linear algebra on one thread: there are as many of them as cores."""
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
