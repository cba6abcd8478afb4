from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from gcolor import Colorizer
from gcolor.runtime.batch import PixelBudget, Settings, run_batch
from gcolor.runtime.pictures import Picture, read_picture, write_picture
from gcolor.runtime.plan import make_plan

pytestmark = pytest.mark.smoke


def test_a_batch_paints_what_a_plain_loop_paints(grey_folder: Path, tmp_path: Path) -> None:
    colorizer = Colorizer(device="cpu", threads=1)
    plan = make_plan(grey_folder, None, tmp_path / "out")
    results = list(run_batch(colorizer, plan.jobs, Settings(), workers=3))
    assert sorted(str(r.job.relative) for r in results) == ["a.jpg", "b.png", "sub/c.jpg"]
    assert all(r.error is None and r.pixels == 96 * 144 and r.seconds > 0 for r in results)
    alone = Colorizer(device="cpu", threads=1)
    for job in plan.jobs:
        picture = read_picture(job.source)
        alone.set_image(picture.rgb)
        write_picture(tmp_path / job.source.name, replace(picture, rgb=alone.color()))
        assert (tmp_path / job.source.name).read_bytes() == job.output.read_bytes()


def test_a_vanished_picture_and_an_unwritable_output_fail_alone(grey_folder: Path, tmp_path: Path) -> None:
    plan = make_plan(grey_folder, None, tmp_path / "out")
    (grey_folder / "a.jpg").unlink()
    (tmp_path / "out" / "b.png").mkdir(parents=True)
    results = run_batch(Colorizer(device="cpu"), plan.jobs, Settings(), workers=2)
    errors = {str(r.job.relative): r.error for r in results}
    assert "No such file" in str(errors["a.jpg"])
    assert "cannot be written" in str(errors["b.png"])
    assert errors["sub/c.jpg"] is None


def test_closing_early_leaves_the_rest(grey_folder: Path, tmp_path: Path, make_scene) -> None:
    for i in range(20):
        write_picture(grey_folder / f"more{i}.png", Picture(make_scene(seed=i), None, None))
    plan = make_plan(grey_folder, None, tmp_path / "out")
    results = run_batch(Colorizer(device="cpu"), plan.jobs, Settings(), workers=2)
    next(results)
    results.close()
    assert 1 <= len([p for p in (tmp_path / "out").rglob("*") if p.is_file()]) < 10


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
