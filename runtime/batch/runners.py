"""Who colours the jobs of a batch: threads of this process, a process for each of several devices, a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from .plan import Job
from .result import Result
from .threads import run_batch
from .worker import Opening
from .workers import run_workers, split_devices

if TYPE_CHECKING:
    from ..colorizer import Colorizer
    from .make import Options


def run_jobs(
    jobs: list[Job],
    options: Options,
    painter: Callable[[int], tuple[Colorizer, int]],
    stopping: Callable[[], object],
    say: Callable[[str], object],
) -> Generator[Result]:
    """Colour the jobs; results as they are ready, each to be finished. See `run_batch`, `run_workers`, `run_ray`.

    painter: a colorizer for so many pictures and the number of threads, for this process."""
    devices = split_devices(options.device)
    opening = Opening(
        pictures=-(-len(jobs) // len(devices)),
        processes=len(devices),
        jobs=options.jobs,
        bundle=options.bundle,
        backend=options.backend,
        batch_size=options.batch_size,
    )
    if options.ray is not None:
        from .ray_data import run_ray

        return run_ray(jobs, options.settings, opening, options.device, options.ray, stopping, say)
    if len(devices) > 1:
        return run_workers(devices, jobs, options.settings, opening, stopping, say)
    colorizer, workers = painter(len(jobs))
    return run_batch(colorizer, jobs, options.settings, workers, stopping)
