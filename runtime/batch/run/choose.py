"""Who colors the jobs of a batch: threads of this process, a process for each of several devices, a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from ...device import parse_devices
from ..options import Options
from ..planning.job import Job
from ..result import Result
from .threads import run_batch

if TYPE_CHECKING:
    from ...colorizer import Colorizer


def run_jobs(
    jobs: list[Job],
    options: Options,
    colorizer: Callable[[int], tuple[Colorizer, int]],
    stopping: Callable[[], object],
    say: Callable[[str], object],
) -> Generator[Result]:
    """Color the jobs; results as they are ready, each to be finished. See `run_batch`, `run_workers`, `run_ray`.

    colorizer: one for so many pictures and the number of threads, for this process."""
    devices = list(map(str, parse_devices(options.device)))
    opening = replace(options.opening, pictures=-(-len(jobs) // len(devices)), processes=len(devices))
    if options.ray is not None:
        from .cluster import run_ray

        return run_ray(jobs, options.settings, opening, options.device, options.ray, stopping, say)
    if len(devices) > 1:
        from .processes import run_workers  # not above: one process needs none of it

        return run_workers(devices, jobs, options.settings, opening, stopping, say)
    own, workers = colorizer(len(jobs))
    return run_batch(own, jobs, options.settings, workers, stopping)
