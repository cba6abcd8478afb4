"""The batch beside the page: real runs of `gcolor batch`, cancelled and finished."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gcolor.color.errors import UsageError
from gcolor.studio.batch_job import BatchJob, Progress
from gcolor.studio.folder import Places
from PIL import Image

from .conftest import ramp

COUNT = 20


@pytest.fixture
def job(tmp_path: Path) -> Iterator[BatchJob]:
    (tmp_path / "imgs").mkdir()
    for number in range(COUNT):
        ramp(90, seed=number).save(tmp_path / "imgs" / f"{number:02}.png")
    made = BatchJob(Places.of(tmp_path / "imgs"), ["--device", "cpu"])
    yield made
    made.close()


def until_end(job: BatchJob) -> Progress:
    while job.runs:
        time.sleep(0.05)
    assert job.progress
    return job.progress


def test_cancel_lets_the_pictures_in_work_be_finished(job: BatchJob, tmp_path: Path) -> None:
    job.start()
    with pytest.raises(UsageError, match="runs already"):
        job.start()
    assert job.progress and job.progress.total == COUNT
    while job.progress.done < 1:
        assert job.runs
        time.sleep(0.01)
    job.cancel()
    job.cancel()
    cancelled = until_end(job)
    assert cancelled.exit_code == 130 and not cancelled.failures and 1 <= cancelled.done < COUNT
    outputs = sorted((tmp_path / "imgs_color").glob("*.png"))
    assert len(outputs) == cancelled.done, "what was begun is there, whole, and nothing else"
    for path in outputs:
        Image.open(path).load()
    assert len(job.look().why) == COUNT - cancelled.done
    job.start()
    rest = until_end(job)
    assert (rest.exit_code, rest.done) == (0, COUNT - cancelled.done)
    assert not job.look().why


def test_a_batch_that_cannot_begin_says_why(job: BatchJob, tmp_path: Path) -> None:
    (tmp_path / "imgs_color").write_text("in the way")
    with pytest.raises(UsageError, match="imgs_color"):
        job.start()
    assert job.progress is None and not job.runs
