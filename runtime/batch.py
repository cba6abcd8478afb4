"""Colour the pictures of a plan: a few workers, each taking one picture from file to file, so memory stays flat."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from ..color.errors import PictureError
from ..color.hint_files import load_hints
from .colorizer import Colorizer
from .engines.engine import cores
from .files import replace_file
from .memory import keep_freed_memory
from .pictures import MAX_PIXELS, Picture, is_coloured, read_area, read_picture, write_picture
from .plan import Job, show

# Pictures in work at one time hold at most this many pixels together; one larger goes alone. A pixel takes about 12
# bytes, with 16 bits 20.
PIXELS_IN_WORK = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How pictures are read and written."""

    quality: int | None = None
    """See `write_picture`."""
    keep_color: bool = False
    """Leave pictures that are in colour already, and have no hints, as they are."""
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one picture: `error` is None, or the sentence that says what is wrong with it."""

    job: Job
    seconds: float
    pixels: int = 0
    error: str | None = None
    kept: bool = False
    """It was in colour already, and the output is the same."""


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
    pixels, kept = 0, False
    try:
        area = read_area(job.source, settings.max_pixels)
        budget.take(area)
        pixels = area
        try:
            picture = read_picture(job.source, settings.max_pixels)
            kept = settings.keep_color and not job.hints and is_coloured(picture.rgb)
            job.output.parent.mkdir(parents=True, exist_ok=True)
            if kept and job.output.suffix == job.source.suffix:
                replace_file(job.output, lambda temporary: shutil.copyfile(job.source, temporary))
            else:
                write_picture(job.output, picture if kept else _paint(colorizer, picture, job), settings.quality)
        finally:
            colorizer.clear()
            budget.give_back(pixels)
    except PictureError as error:
        return Result(job, time.monotonic() - begun, error=str(error))
    except OSError as error:
        return Result(job, time.monotonic() - begun, error=f"{show(error.filename or job.output)}: {error.strerror}")
    return Result(job, time.monotonic() - begun, pixels, kept=kept)


def _paint(colorizer: Colorizer, picture: Picture, job: Job) -> Picture:
    height, width = picture.rgb.shape[:2]
    hints = load_hints(job.hints, (width, height)) if job.hints else None
    colorizer.set_image(picture.rgb)
    if picture.deep is None:
        return replace(picture, rgb=colorizer.color(hints))
    return replace(picture, deep=colorizer.color_deep(picture.deep, hints))


def open_colorizer(
    pictures: int,
    jobs: int | None = None,
    *,
    bundle: Path | None = None,
    backend: str = "auto",
    device: str = "auto",
    batch_size: int = 0,
) -> tuple[Colorizer, int]:
    """A colorizer and the number of workers for so many pictures: the threads of both together use each core once.

    jobs: workers asked for. By default there is one for each core, and two on a GPU, where they mostly read and write.
    Sets how this process's OpenCV and allocator behave. Raises BundleError and EngineError.
    """
    workers = min(jobs or cores(), pictures)
    # A worker is a thread; OpenCV's own threads would only get in their way.
    cv2.setNumThreads(1)
    keep_freed_memory(one_arena=True)
    colorizer = Colorizer(bundle, device, max(1, cores() // workers), backend, batch_size)
    if colorizer.engine.device != "cpu":
        workers = min(jobs or 2 * cores(), pictures)
    return colorizer, workers


def run_batch(colorizer: Colorizer, jobs: list[Job], settings: Settings, workers: int) -> Generator[Result]:
    """Colour the jobs with some workers that share one engine; results come as they are ready.

    Closing the iterator stops taking new pictures and waits for those in work.
    """
    local = threading.local()
    budget = PixelBudget(PIXELS_IN_WORK)

    def work(job: Job) -> Result:
        if not hasattr(local, "colorizer"):
            local.colorizer = colorizer.share()
        return color_one(local.colorizer, job, settings, budget)

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
