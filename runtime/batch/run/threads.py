"""Color the pictures of a plan by threads of this process, each taking one from file to file: memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from ...colorizer import Colorizer
from ..color_one import color_by_threads
from ..options import Settings
from ..planning.job import Job
from ..result import Result, discard


def run_batch(
    colorizer: Colorizer,
    jobs: Iterable[Job],
    settings: Settings,
    workers: int,
    stopping: Callable[[], object] = lambda: False,
) -> Generator[Result]:
    """Color the jobs with some workers that share one engine; results come as they are ready, each to be finished.

    Once `stopping` says so no new picture is taken, and the results of those in work still come. Closing the iterator
    waits for them and discards them.
    """
    work = color_by_threads(colorizer, settings)
    waiting = iter(jobs)
    running: set[Future[Result]] = set()
    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                # No more than is in work is ever queued, so an interrupt has little to finish.
                while len(running) < workers and not stopping() and (job := next(waiting, None)) is not None:
                    running.add(pool.submit(work, job))
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    running.remove(future)
                    yield future.result()
        finally:
            for future in running:
                if not future.cancel():
                    discard(future.result())
