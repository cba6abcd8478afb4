"""Colour the pictures of a plan: a few workers, each taking one picture from file to file, so memory stays flat."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import cv2

from ..color.errors import PictureError
from ..color.hint_files import load_hints
from .colorizer import Colorizer
from .engines.engine import cores
from .memory import keep_freed_memory
from .pictures import MAX_PIXELS, Picture, read_picture, read_size, write_picture
from .plan import Job, show

# Pictures in work at one time hold at most this many pixels together (about 12 bytes each); one larger goes alone.
PIXELS_IN_WORK = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How pictures are read and written."""

    quality: int = 92
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one picture: `error` is None, or the sentence that says what is wrong with it."""

    job: Job
    seconds: float
    pixels: int = 0
    error: str | None = None


class PixelBudget:
    """Lets pictures in while the pixels in work stay within a limit; a picture above it waits until it is alone."""

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit, 0
        self._changed = threading.Condition()

    def take(self, pixels: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + pixels <= self._limit)
            self._used += pixels

    def give_back(self, pixels: int) -> None:
        with self._changed:
            self._used -= pixels
            self._changed.notify_all()


def color_one(colorizer: Colorizer, job: Job, settings: Settings, budget: PixelBudget) -> Result:
    """Read, colour and write one picture. What is wrong with the picture ends in the result, not in an exception."""
    begun = time.monotonic()
    pixels = 0
    try:
        width, height = read_size(job.source, settings.max_pixels)
        budget.take(width * height)
        pixels = width * height
        try:
            picture = read_picture(job.source, settings.max_pixels)
            hints = load_hints(job.hints, (width, height)) if job.hints else None
            colorizer.set_image(picture.rgb)
            colored = Picture(colorizer.color(hints), picture.alpha, picture.exif)
            job.output.parent.mkdir(parents=True, exist_ok=True)
            write_picture(job.output, colored, settings.quality)
        finally:
            colorizer.clear()
            budget.give_back(pixels)
    except PictureError as error:
        return Result(job, time.monotonic() - begun, error=str(error))
    except OSError as error:
        return Result(job, time.monotonic() - begun, error=f"{show(error.filename or job.output)}: {error.strerror}")
    return Result(job, time.monotonic() - begun, pixels)


def open_colorizer(
    pictures: int,
    jobs: int | None = None,
    *,
    bundle: Path | None = None,
    backend: str = "auto",
    device: str = "auto",
    batch_size: int = 0,
    processes: int = 1,
) -> tuple[Colorizer, int]:
    """A colorizer and the number of workers for so many pictures: the threads of both together use each core once.

    jobs: workers asked for. By default there is one for each core, and two on a GPU, where they mostly read and write.
    processes: so many share the cores. Sets how this process's OpenCV and allocator behave. Raises BundleError and
    EngineError.
    """
    share = max(1, cores() // processes)
    workers = min(jobs or share, pictures)
    # A worker is a thread; OpenCV's own threads would only get in their way.
    cv2.setNumThreads(1)
    keep_freed_memory(one_arena=True)
    colorizer = Colorizer(bundle, device, max(1, share // workers), backend, batch_size)
    if colorizer.engine.device != "cpu":
        workers = min(jobs or 2 * share, pictures)
    return colorizer, workers


def color_by_threads(colorizer: Colorizer, settings: Settings) -> Callable[[Job], Result]:
    """`color_one` for several threads at once: they share the engine and the pixels in work."""
    local = threading.local()
    budget = PixelBudget(PIXELS_IN_WORK)

    def color(job: Job) -> Result:
        if not hasattr(local, "colorizer"):
            local.colorizer = colorizer.share()
        return color_one(local.colorizer, job, settings, budget)

    return color


def run_batch(colorizer: Colorizer, jobs: list[Job], settings: Settings, workers: int) -> Generator[Result]:
    """Colour the jobs with some workers that share one engine; results come as they are ready.

    Closing the iterator stops taking new pictures and waits for those in work.
    """
    work = color_by_threads(colorizer, settings)
    waiting = iter(jobs)
    running: set[Future[Result]] = set()
    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                # No more than is in work is ever queued, so an interrupt has little to finish.
                while len(running) < workers and (job := next(waiting, None)) is not None:
                    running.add(pool.submit(work, job))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            for future in running:
                future.cancel()
