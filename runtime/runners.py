"""Who colours the jobs of a batch: threads of this process, a process for each of several devices, a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from .batch import open_colorizer, run_batch
from .plan import Job
from .result import Result
from .worker import Opening
from .workers import run_workers, split_devices

if TYPE_CHECKING:
    from .make import Options


def run_jobs(
    jobs: list[Job], options: Options, stopping: Callable[[], object], say: Callable[[str], object]
) -> Generator[Result]:
    """Colour the jobs; results as they are ready, each to be finished. See `run_batch`, `run_workers`, `run_ray`."""
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
    colorizer, workers = open_colorizer(
        len(jobs),
        options.jobs,
        bundle=options.bundle,
        backend=options.backend,
        device=devices[0],
        batch_size=options.batch_size,
    )
    return run_batch(colorizer, jobs, options.settings, workers, stopping)
