"""A batch from a program: what a look finds is a value, and `make` works on the one that it is given."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from gcolor.color.errors import EngineError, GcolorError
from gcolor.runtime.batch.batch import Batch, Look
from gcolor.runtime.batch.opening import Opening
from gcolor.runtime.batch.options import Options


def names(look: Look) -> list[str]:
    return [job.name for job, _ in look.todo]


def options(images: Path, out: Path, **more: object) -> Options:
    return Options(images=images, output=out, device="cpu", opening=Opening(jobs=1), **more)  # type: ignore[arg-type]


def test_look_and_make(grey_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Batch(options(grey_folder, out)) as batch:
        first = batch.first
        assert names(first) == ["a.jpg", "b.png", "sub/c.jpg"] and first.refused == []
        some = Look(first.todo[:1])
        assert [result.error for result in batch.make(some)] == [None]
        assert names(first) == ["a.jpg", "b.png", "sub/c.jpg"], "what was found stays what it was"
        second = batch.look()
        assert names(second) == ["b.png", "sub/c.jpg"]
        (out / "b.png").write_bytes(b"of another hand")
        shutil.copy(grey_folder / "a.jpg", grey_folder / "d.jpg")
        third = batch.look()
        assert names(third) == ["d.jpg", "sub/c.jpg"] and [job.name for job, _ in third.refused] == ["b.png"]
        results = {result.job.name: result.error for result in batch.make(third)}
        assert results.keys() == {"b.png", "d.jpg", "sub/c.jpg"} and results["b.png"] and not results["d.jpg"]
        assert names(batch.look()) == []
        assert (batch.colored, batch.failed, batch.current) == (3, 1, 0)
    assert (out / "b.png").read_bytes() == b"of another hand"


def test_a_batch_that_cannot_begin_holds_nothing(grey_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(GcolorError):
        Batch(options(grey_folder, out, report=tmp_path / "missing" / "report.csv"))
    with Batch(options(grey_folder, out)) as batch:
        assert len(batch.first.todo) == 3


def test_an_unknown_device_is_found_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="not known"):
        Batch(Options(images=tmp_path / "missing", device="abacus"))
