from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from gcolor import Colorizer
from gcolor.runtime.batch import color_one
from gcolor.runtime.batch.color_one import PixelBudget
from gcolor.runtime.batch.journal import Journal
from gcolor.runtime.batch.options import Settings
from gcolor.runtime.batch.planning.job import Job
from gcolor.runtime.batch.planning.plan import find_jobs
from gcolor.runtime.batch.result import Result, finish
from gcolor.runtime.batch.run.threads import run_batch
from gcolor.runtime.pictures import Picture, read_picture, write_picture

pytestmark = pytest.mark.smoke


def color(jobs: list[Job], out: Path) -> list[Result]:
    """Color the jobs and put the outputs into their places."""
    out.mkdir(exist_ok=True)
    with Journal.open(out) as journal:
        return [
            finish(r, journal)
            for r in run_batch(Colorizer(device="cpu", threads=1), jobs, Settings(provenance=False), 3)
        ]


def test_a_batch_paints_what_a_plain_loop_paints(grey_folder: Path, tmp_path: Path) -> None:
    jobs = find_jobs(grey_folder, None, tmp_path / "out").jobs
    results = color(jobs, tmp_path / "out")
    assert sorted(r.job.name for r in results) == ["a.jpg", "b.png", "sub/c.jpg"]
    assert all(r.error is None and r.size == (144, 96) and r.pixels == 96 * 144 and r.seconds > 0 for r in results)
    alone = Colorizer(device="cpu", threads=1)
    for job in jobs:
        picture = read_picture(job.source)
        alone.set_image(picture.rgb)
        write_picture(tmp_path / job.source.name, replace(picture, pixels=alone.color()))
        assert (tmp_path / job.source.name).read_bytes() == job.output.read_bytes()


def test_a_vanished_picture_and_an_unwritable_output_fail_alone(
    grey_folder: Path, tmp_path: Path, list_outputs
) -> None:
    jobs = find_jobs(grey_folder, None, tmp_path / "out").jobs
    (grey_folder / "a.jpg").unlink()
    (tmp_path / "out" / "b.png").mkdir(parents=True)
    errors = {r.job.name: r.error for r in color(jobs, tmp_path / "out")}
    assert "No such file" in str(errors["a.jpg"])
    assert "came or was changed while the batch ran" in str(errors["b.png"])
    assert errors["sub/c.jpg"] is None
    assert list_outputs(tmp_path / "out") == ["sub/c.jpg"]


def test_what_comes_or_changes_in_the_meantime_is_left_alone(grey_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    jobs = find_jobs(grey_folder, None, out).jobs
    color(jobs[:1], out)
    with Journal.open(out) as journal:
        results = list(run_batch(Colorizer(device="cpu"), jobs, Settings(), 1))
        for name in ("a.jpg", "b.png"):  # one that the journal knows, one that it does not
            (out / name).write_text("retouched")
        errors = {r.job.name: finish(r, journal).error for r in results}
        assert "came or was changed" in str(errors["a.jpg"]) and "came or was changed" in str(errors["b.png"])
        assert errors["sub/c.jpg"] is None
        assert (out / "a.jpg").read_text() == (out / "b.png").read_text() == "retouched"
        (result,) = run_batch(Colorizer(device="cpu"), jobs[:1], Settings(), 1)
        assert finish(result, journal, overwrite=True).error is None
    assert read_picture(out / "a.jpg").rgb.shape == (96, 144, 3)
    assert not list(out.rglob(".gcolor-*"))


def test_nothing_lies_in_its_place_before_it_is_finished(grey_folder: Path, tmp_path: Path, list_outputs) -> None:
    (tmp_path / "out").mkdir()
    jobs = find_jobs(grey_folder, None, tmp_path / "out").jobs
    with Journal.open(tmp_path / "out") as journal:
        for result in run_batch(Colorizer(device="cpu"), jobs, Settings(), workers=1):
            assert not result.job.output.exists()
            assert journal.entry(result.job.made) is None
            finish(result, journal)
            assert result.job.output.exists() and journal.entry(result.job.made) == result.entry
    assert list_outputs(tmp_path / "out") == ["a.jpg", "b.png", "sub/c.jpg"]


def test_stopping_yields_what_is_in_work_and_closing_discards_it(
    grey_folder: Path, tmp_path: Path, make_scene, list_outputs
) -> None:
    for i in range(20):
        write_picture(grey_folder / f"more{i}.png", Picture(make_scene(seed=i), None, None))
    (tmp_path / "out").mkdir()
    jobs = find_jobs(grey_folder, None, tmp_path / "out").jobs
    seen: list[Result] = []
    colorizer = Colorizer(device="cpu")
    seen.extend(run_batch(colorizer, jobs, Settings(), 2, lambda: not seen))
    assert seen == []
    results = run_batch(colorizer, jobs, Settings(), 2, lambda: len(seen) > 1)
    for result in results:
        seen.append(result)
    assert 2 <= len(seen) <= 3 and all(Path(r.temporary).exists() for r in seen)
    for result in seen:
        Path(result.temporary).unlink()
    results = run_batch(colorizer, jobs, Settings(), workers=2)
    Path(next(results).temporary).unlink()
    results.close()
    assert list_outputs(tmp_path / "out") == []


def test_a_picture_that_changes_while_it_is_read_fails(
    grey_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    jobs = find_jobs(grey_folder, None, tmp_path / "out").jobs

    def read_and_change(path: Path, most: int, page: int | None) -> Picture:
        picture = read_picture(path, most, page)
        if path.name == "b.png":
            data = path.read_bytes()
            path.write_bytes(data[:-1] + b"x")
        return picture

    monkeypatch.setattr(color_one, "read_picture", read_and_change)
    errors = {r.job.name: r.error for r in color(jobs, tmp_path / "out")}
    assert "changed while it was read" in str(errors.pop("b.png")) and set(errors.values()) == {None}


def test_the_pixel_budget_bounds_what_is_in_work() -> None:
    budget = PixelBudget(100)
    lock, used, most, together = threading.Lock(), [0], [0], [0]

    def work(pixels: int) -> None:
        for _ in range(50):
            budget.take(pixels)
            with lock:
                used[0] += pixels
                most[0] = max(most[0], used[0])
                together[0] += used[0] > 500 and used[0] != pixels
            with lock:
                used[0] -= pixels
            budget.give_back(pixels)

    threads = [threading.Thread(target=work, args=(p,)) for p in (30, 30, 60, 90, 501)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(t.is_alive() for t in threads)
    assert most[0] == 501 and together[0] == 0  # one above the limit goes, alone


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(run_batch(Colorizer(device="cpu"), [], Settings(), workers=2)) == []
