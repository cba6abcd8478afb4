"""Where the time of one picture goes in `gcolor batch`: CPU seconds of one thread, measured around its own calls."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from gcolor.runtime.batch import color_one
from gcolor.runtime.batch.options import Settings
from gcolor.runtime.batch.planning.job import Job, Roots
from gcolor.runtime.colorizer import Colorizer

from peers.contestants import set_up_threads

STAGES = ("decode", "shrink", "network", "paint", "encode")


def measure_stages(files: list[Path], out: Path, quality: int) -> dict[str, float]:
    """CPU seconds per picture of each stage, and "rest" for what none of them holds; one worker, one thread.

    Without the painting kernel, a picture small enough for the model's own graph has its painting under "network".
    """
    set_up_threads()
    colorizer = Colorizer(None, "cpu", 1)
    spent = dict.fromkeys(STAGES, 0.0)
    jobs = [Job(path.name, path.name, Roots(str(path.parent), str(out))) for path in files]
    with ExitStack() as stack:
        for owner, name, stage in (
            (color_one, "read_area", "decode"),
            (color_one, "read_picture", "decode"),
            (color_one, "save_picture", "encode"),
            (Colorizer, "set_image", "shrink"),
            (colorizer.engine, "color", "network"),
            (colorizer.engine, "chroma", "network"),
            (colorizer.engine.kernel or colorizer.engine, "paint", "paint"),
        ):
            stack.enter_context(_timed(owner, name, spent, stage))
        total = 0.0
        for job in jobs:
            begun = time.thread_time()
            result = color_one.color_one(colorizer, job, Settings(quality=quality), color_one.PixelBudget(10**9))
            total += time.thread_time() - begun
            if result.error:
                raise SystemExit(f"error: {job.source}: {result.error}")
            os.replace(result.temporary, job.output)
    spent["rest"] = total - sum(spent.values())
    return {stage: seconds / len(files) for stage, seconds in spent.items()}


@contextmanager
def _timed(owner: Any, name: str, spent: dict[str, float], stage: str) -> Iterator[None]:
    own = name in vars(owner)
    work: Callable[..., Any] = getattr(owner, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        begun = time.thread_time()
        try:
            return work(*arguments, **options)
        finally:
            spent[stage] += time.thread_time() - begun

    setattr(owner, name, wrapped)
    try:
        yield
    finally:
        setattr(owner, name, work) if own else delattr(owner, name)
