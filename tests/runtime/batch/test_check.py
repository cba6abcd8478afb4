"""What counts as current, on real files; instead of a model, the test writes the outputs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from gcolor.color.errors import UsageError
from gcolor.runtime.batch.check import Checked, check
from gcolor.runtime.batch.entries import Entry, Recipe
from gcolor.runtime.batch.fingerprint import take
from gcolor.runtime.batch.journal import Journal
from gcolor.runtime.batch.options import Settings
from gcolor.runtime.batch.places import folder as folder_module
from gcolor.runtime.batch.planning.job import Job, Roots

pytestmark = pytest.mark.smoke

SETTINGS = Settings()


def wanted(name: str) -> tuple[str, str]:
    return "bundle", SETTINGS.shaping(name)


class World:
    """Three pictures, the first with a hint, and their outputs and journal."""

    def __init__(self, root: Path) -> None:
        self.root, self.images, self.out, self.hint = root, root / "imgs", root / "out", root / "hints" / "a.json"
        for folder in (self.images / "sub", self.out / "sub", self.hint.parent):
            folder.mkdir(parents=True)
        for name in ("a.jpg", "b.png", "sub/c.jpg"):
            (self.images / name).write_bytes(f"picture {name}".encode())
        self.hint.write_text("hint")
        self.jobs = self.pair(self.images, self.out, self.hint)
        with Journal.open(self.out) as journal:
            for job in self.jobs:
                self.make(job, journal)

    @staticmethod
    def pair(images: Path, out: Path, hint: Path) -> list[Job]:
        roots = Roots(str(images), str(out))
        return [Job(n, n, roots, (str(hint),) if n == "a.jpg" else ()) for n in ("a.jpg", "b.png", "sub/c.jpg")]

    @staticmethod
    def make(job: Job, journal: Journal, content: str = "output") -> None:
        job.output.write_text(content)
        source, *hints = (take(p) for p in (job.source, *job.hints))
        output = take(job.output)._replace(changed=0)
        recipe = Recipe("bundle", SETTINGS.shaping(job.made), "engine")
        journal.record(job.made, Entry(source, tuple(hints), output, recipe))

    def check(self, jobs: list[Job] | None = None, **options: object) -> Checked:
        jobs = jobs or self.jobs
        roots = jobs[0].roots
        with Journal.open(Path(roots.output)) as journal:
            checked = check(jobs, roots.open(), journal, options.pop("wanted", wanted), **options)  # type: ignore[arg-type]
            for job, entry in checked.known:
                journal.record(job.made, entry)
        return checked

    def why(self, **options: object) -> dict[str, str]:
        checked = self.check(**options)
        return {job.name: why for job, why in checked.todo + checked.refused}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that a check had to read."""
    seen: list[str] = []

    def note(path: str) -> object:
        seen.append(Path(path).name)
        return take(path)

    monkeypatch.setattr(folder_module, "take", note)
    return seen


def age(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the files of the test were older than a file system's clock is coarse."""
    monkeypatch.setattr("gcolor.runtime.batch.fingerprint.RECENT_NS", -1)


def test_nothing_changed(world: World) -> None:
    checked = world.check()
    assert len(checked.current) == 3 and not checked.todo and not checked.refused


def test_unchanged_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[str]) -> None:
    age(monkeypatch)
    world = World(tmp_path)
    assert len(world.check().current) == 3 and reads == []
    os.utime(world.images / "b.png")
    os.utime(world.out / "a.jpg", ns=(0, 0))
    assert len(world.check().current) == 3 and sorted(reads) == ["a.jpg", "b.png"]
    reads.clear()
    assert len(world.check().current) == 3 and reads == []  # the new times were written down


def test_a_copied_tree_is_current(world: World, tmp_path: Path, reads: list[str]) -> None:
    for name in ("imgs", "out", "hints"):
        shutil.copytree(tmp_path / name, tmp_path / "copy" / name, copy_function=shutil.copyfile)
    copy = tmp_path / "copy"
    jobs = world.pair(copy / "imgs", copy / "out", copy / "hints" / "a.json")
    assert len(world.check(jobs).current) == 3 and len(reads) == 7


CHANGES: dict[str, tuple[Callable[[World], object], dict[str, str]]] = {
    "the picture": (lambda w: (w.images / "b.png").write_bytes(b"other"), {"b.png": "the picture changed"}),
    "the hint": (lambda w: w.hint.write_text("tinh"), {"a.jpg": "the hints changed"}),
    "the output is gone": (lambda w: (w.out / "sub/c.jpg").unlink(), {"sub/c.jpg": "the output is gone"}),
    "the folder of outputs is gone": (lambda w: shutil.rmtree(w.out / "sub"), {"sub/c.jpg": "the output is gone"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_only_what_changed_is_made_again(world: World, change: str) -> None:
    act, expected = CHANGES[change]
    act(world)
    assert world.why() == expected


def test_an_edit_that_keeps_size_and_time_is_noticed(world: World) -> None:
    before = (world.images / "b.png").stat()
    (world.images / "b.png").write_bytes(b"b" * before.st_size)
    os.utime(world.images / "b.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert world.why() == {"b.png": "the picture changed"}


def test_hints_that_come_and_go(world: World) -> None:
    bare = [replace(job, hint_files=()) for job in world.jobs]
    both = [replace(job, hint_files=(str(world.hint),)) for job in world.jobs]
    assert [(j.name, why) for j, why in world.check(bare).todo] == [("a.jpg", "hints were removed")]
    assert [(j.name, why) for j, why in world.check(both).todo] == [
        ("b.png", "hints were added"),
        ("sub/c.jpg", "hints were added"),
    ]
    moved = world.hint.rename(world.hint.with_name("other.json"))
    named = [replace(job, hint_files=(str(moved),)) if job.hint_files else job for job in world.jobs]
    assert len(world.check(named).current) == 3  # another name, the same hints


def test_another_bundle_and_other_settings(world: World) -> None:
    assert set(world.why(wanted=lambda name: ("other", SETTINGS.shaping(name))).values()) == {"another bundle"}
    lower = Settings(quality=80)
    # A PNG is the same at every quality.
    expected = {"a.jpg": "other settings", "sub/c.jpg": "other settings"}
    assert world.why(wanted=lambda name: ("bundle", lower.shaping(name))) == expected
    larger = Settings(max_pixels=7)
    assert world.why(wanted=lambda name: ("bundle", larger.shaping(name))) == {}


def test_outputs_that_gcolor_did_not_make_or_others_changed_are_refused(world: World) -> None:
    (world.out / "b.png").write_text("retouched")
    (world.images / "d.jpg").write_text("picture")
    (world.out / "d.jpg").write_text("not ours")
    (world.out / "e.jpg").symlink_to("nowhere")
    (world.out / "f.jpg").mkdir()
    more = [Job(name, name, world.jobs[0].roots) for name in ("d.jpg", "e.jpg", "f.jpg")]
    for force in (False, True):
        checked = world.check(world.jobs + more, force=force)
        wrong = {job.name: why for job, why in checked.refused}
        assert sorted(wrong) == ["b.png", "d.jpg", "e.jpg", "f.jpg"]
        assert "was changed since gcolor made it" in wrong["b.png"]
        assert all("exists, and not from gcolor" in wrong[name] for name in ("d.jpg", "e.jpg", "f.jpg"))
        assert all("--if-exists skip" in why and "--if-exists overwrite" in why for why in wrong.values())
        assert len(checked.todo) == (2 if force else 0)
    assert len(world.check(world.jobs + more, if_exists="overwrite").todo) == 6
    assert len(world.check(world.jobs + more, if_exists="skip").current) == 6
    with pytest.raises(UsageError, match=r"a\.jpg: exists already"):
        world.check(if_exists="error")


def test_force_makes_again_what_is_known(world: World) -> None:
    assert set(world.why(force=True).values()) == {"forced"}


def test_killed_between_the_line_and_the_output(world: World) -> None:
    """The line says what was to come, the file is what was there before; twice in a row, and it is still ours."""
    job = world.jobs[1]
    for content in ("newer", "newest"):
        with Journal.open(world.out) as journal:
            before = journal.entry(job.made)
            assert before
            there = job.output.read_text()
            world.make(job, journal, content)
            made = journal.entry(job.made)
            assert made
            journal.record(job.made, made._replace(over=before.output.digest))
            job.output.write_text(there)
        assert world.why() == {"b.png": "was not finished"}
    job.output.write_text("somebody's own")
    assert "was changed since" in world.why()["b.png"]
    # Nothing was there before: nothing is there now.
    job.output.unlink()
    assert world.why() == {"b.png": "the output is gone"}


def test_a_source_that_is_gone_is_left_to_fail(world: World) -> None:
    (world.images / "b.png").unlink()
    assert world.why() == {"b.png": "the picture changed"}
