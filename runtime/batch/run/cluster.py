"""A batch on a Ray cluster: Ray Data hands the jobs to actors, one for each GPU or a few cores, that hold an engine.

The driver alone keeps the plan and takes the results, as it does with threads of its own.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import pickle
import re
import socket
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

from ....color.errors import EngineError, GcolorError, one_line
from ...machine import cores
from ..color_one import color_by_threads
from ..opening import Opening
from ..options import Settings
from ..planning.job import Job
from ..result import Result, discard
from .processes import sweep_beside

# Cores of an actor without a GPU: its engine and its threads are shared by so many pictures at a time.
CORES_PER_ACTOR = 4
# Jobs of a task, at most while there are fewer than so many tasks: what is done again where an actor dies.
JOBS_PER_TASK, MOST_TASKS = 64, 10_000
# How often a task whose actor died is tried again before its pictures are tried one by one.
RETRIES = 1
# Seconds that the head of a cluster has to answer, and a thread of Ray Data to end.
TIMEOUT = 20.0


def connect(address: str | None) -> None:
    """Connect to a cluster; "" is the one that runs on this machine, or one that is started here for the while.

    Raises EngineError: Ray is not installed, or cannot be reached.
    """
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
        raise EngineError("ray is not installed; pip install 'gcolor[ray]'")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    try:
        if where := re.fullmatch(r"(?:ray://)?(.+):(\d+)", address or ""):
            # Ray itself goes on trying for minutes.
            socket.create_connection((where[1], int(where[2])), TIMEOUT).close()
        ray.init(
            address=address or None,
            include_dashboard=False if not address else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
            ignore_reinit_error=True,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise EngineError(f"Ray at {address or 'this machine'}: cannot be used ({one_line(error)})") from error


def run_ray(
    jobs: Iterable[Job],
    settings: Settings,
    opening: Opening,
    device: str = "auto",
    address: str | None = None,
    stopping: Callable[[], object] = lambda: False,
    say: Callable[[str], object] = print,
) -> Generator[Result]:
    """Color the jobs on a cluster; results come as they are ready.

    Where an actor or a node dies, what it had in work is tried once more in another; what is missing then is tried
    again picture by picture, and a picture that has no result after that has failed. Once `stopping` says so the
    cluster is left at once: what is in work there has no result. Raises BundleError, and EngineError, also where the
    cluster fails.
    """
    connect(address)
    import ray

    if opening.bundle:
        opening = replace(opening, bundle=opening.bundle.absolute())

    waiting = dict(enumerate(jobs))
    all_jobs = list(waiting.values())
    try:
        actors, resources = choose_actors(ray.nodes(), device)
        for attempt in range(2):
            if not waiting or stopping():
                return
            size = 1 if attempt else _task_size(len(waiting), actors)
            if attempt:
                say(f"warning: {len(waiting)} pictures have no result, since actors died; trying each alone")
            with closing(_run_tasks(waiting, size, actors, resources, settings, opening)) as results:
                for number, result in results:
                    del waiting[number]
                    yield result
                    if stopping():
                        return
        for job in waiting.values():
            yield Result(job, 0.0, error="each Ray actor that colored it died; it may need more memory than there is")
    except ray.exceptions.RayError as error:
        raise EngineError(f"the Ray cluster failed ({one_line(error)}); run again to go on from here") from error
    finally:
        _join_executors()
        ray.shutdown()
        sweep_beside(all_jobs)


def _join_executors() -> None:
    """Wait for Ray Data's threads, for which it waits two seconds itself: one that finds Ray shut down ends the process
    with exit code 1."""
    for thread in threading.enumerate():
        if thread.name.startswith("StreamingExecutor"):
            thread.join(TIMEOUT)


def choose_actors(nodes: list[dict[str, Any]], device: str) -> tuple[int, dict[str, Any]]:
    """How many actors a cluster of such nodes takes, and what each needs: a GPU and its share of the cores beside it,
    or a few cores. Raises EngineError where there is no such resource.
    """
    machines = [node["Resources"] for node in nodes if node["Alive"]]
    gpus = int(sum(machine.get("GPU", 0) for machine in machines))
    if device not in ("auto", "cpu", "cuda"):
        raise EngineError(f"device {device!r}: on a Ray cluster it is auto, cpu or cuda, for all actors")
    if device != "cpu" and gpus:
        beside = min(machine.get("CPU", 0) // machine["GPU"] for machine in machines if machine.get("GPU"))
        return gpus, {"num_gpus": 1, "num_cpus": max(0.0, beside)}
    if device == "cuda":
        raise EngineError("device cuda: no node of the Ray cluster has a GPU; use --device cpu")
    counts = [int(machine["CPU"]) for machine in machines if machine.get("CPU", 0) >= 1]
    if not counts:
        raise EngineError("no node of the Ray cluster has a core to work on")
    share = min(CORES_PER_ACTOR, *counts)
    return sum(count // share for count in counts), {"num_cpus": share}


def _task_size(jobs: int, actors: int) -> int:
    """Jobs of a task: a few tasks for each actor, but no more than the driver can look after."""
    return max(min(JOBS_PER_TASK, -(-jobs // (4 * actors))), jobs // MOST_TASKS)


def _run_tasks(
    waiting: dict[int, Job],
    size: int,
    actors: int,
    resources: dict[str, Any],
    settings: Settings,
    opening: Opening,
) -> Generator[tuple[int, Result]]:
    """Every waiting job once, in tasks of `size`. Closing it discards what has come and was not taken."""
    import ray

    planned = dict(waiting)
    pairs = [(number, job.absolute()) for number, job in planned.items()]
    tasks = [{"jobs": pickle.dumps(pairs[first : first + size])} for first in range(0, len(pairs), size)]
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # what has no result is noticed here
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that max_task_retries is to be named otherwise one day
        data: Any = ray.data.from_items(tasks, override_num_blocks=len(tasks)).map_batches(
            _Actor,
            fn_constructor_args=(pickle.dumps((opening, settings, resources)),),
            batch_size=None,
            compute=ray.data.ActorPoolStrategy(size=min(actors, len(tasks))),
            max_restarts=-1,
            max_task_retries=RETRIES,
            **resources,
        )
        for row in data.iter_rows():
            answer = pickle.loads(row["results"])
            if isinstance(answer, GcolorError):
                raise answer
            results = deque(answer)
            try:
                while results:
                    number, result = results.popleft()
                    yield number, replace(result, job=planned[number])
            finally:
                for _, result in results:
                    discard(result)


class _Actor:
    """An engine on the cluster, and the threads that use it."""

    def __init__(self, arguments: bytes) -> None:
        opening, settings, resources = pickle.loads(arguments)
        own_cores = max(1, int(resources["num_cpus"]))
        self._error: GcolorError | None = None
        try:
            shared = replace(opening, processes=max(1, cores() // own_cores))
            colorizer, capacity = shared.open("cuda" if "num_gpus" in resources else "cpu")
        except GcolorError as error:
            self._error = error  # raised here it would be tried again
            return
        self._color = color_by_threads(colorizer, settings)
        self._pool = ThreadPoolExecutor(capacity)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        if self._error:
            return {"results": [pickle.dumps(self._error)]}
        answers = []
        for task in batch["jobs"]:
            pairs = pickle.loads(task)
            results = self._pool.map(self._color, [job for _, job in pairs])
            answers.append(pickle.dumps([(number, result) for (number, _), result in zip(pairs, results, strict=True)]))
        return {"results": answers}
