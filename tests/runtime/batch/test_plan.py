from __future__ import annotations

import os
from pathlib import Path

import pytest
from gcolor.color.errors import NothingToDoError, UsageError
from gcolor.runtime.batch.planning.plan import find_jobs
from gcolor.runtime.files import check_writable, show, sweep

pytestmark = pytest.mark.smoke


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def test_pictures_hints_and_outputs_are_paired(tmp_path: Path) -> None:
    images = touch(tmp_path / "imgs", "a.jpg", "sub/b.png", "sub/c.tif", "notes.txt")
    hints = touch(tmp_path / "hints", "a.jpg.json", "a.png", "sub/b.png", "sub/b.json", "lost.json")
    plan = find_jobs(images, hints, None)
    assert plan.groups[0].places.output.here == tmp_path / "imgs_color"
    pairs = {j.name: [str(h.relative_to(hints)) for h in j.hints] for j in plan.jobs}
    assert pairs == {"a.jpg": ["a.jpg.json"], "sub/b.png": ["sub/b.png", "sub/b.json"], "sub/c.tif": []}
    assert [j.output for j in plan.jobs][1] == tmp_path / "imgs_color" / "sub" / "b.png"
    assert [Path(p).name for p in plan.unused_hints] == ["a.png", "lost.json"]


def test_one_picture(tmp_path: Path) -> None:
    images = touch(tmp_path / "imgs", "a.jpg", "b.jpg")
    plan = find_jobs(images / "a.jpg", None, tmp_path / "out")
    assert [j.name for j in plan.jobs] == ["a.jpg"]


def test_match_keeps_some(tmp_path: Path) -> None:
    images = touch(tmp_path / "imgs", "a.jpg", "b.png", "1932/c.jpg")
    assert [j.name for j in find_jobs(images, None, None, pattern="*.jpg").jobs] == ["1932/c.jpg", "a.jpg"]
    assert [j.name for j in find_jobs(images, None, None, pattern="1932/*").jobs] == ["1932/c.jpg"]


def test_a_list_keeps_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = touch(tmp_path / "imgs", "a.jpg", "b.png", "sub/c.jpg", "notes.txt")
    hints = touch(tmp_path / "hints", "a.json", "b.json")
    monkeypatch.chdir(tmp_path)
    listed = ["sub/c.jpg", "imgs/a.jpg", str(images / "a.jpg"), "./sub/../gone.jpg", "notes.txt"]
    found = find_jobs(images, hints, None, listed=listed)
    assert [job.name for job in found.jobs] == ["a.jpg", "gone.jpg", "sub/c.jpg"]
    assert [(job.name, "not named like a picture" in why) for job, why in found.refused] == [("notes.txt", True)]
    assert found.unused_hints == []
    touch(tmp_path, "other/d.jpg")
    for path in (str(tmp_path / "other" / "d.jpg"), "../imgs2/a.jpg"):
        with pytest.raises(UsageError, match="lies outside"):
            find_jobs(images, None, None, listed=[path])
    with pytest.raises(NothingToDoError, match="the list names no picture"):
        find_jobs(images, None, None, listed=[])
    with pytest.raises(UsageError, match="needs the folder"):
        find_jobs(images / "a.jpg", None, None, listed=["a.jpg"])


def test_two_pictures_of_one_output_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = touch(tmp_path / "imgs", "A.png", "a.png", "sub/b.png")
    if len(list(images.iterdir())) < 3:
        pytest.skip("this file system does not tell A.png from a.png")
    assert len(find_jobs(images, None, tmp_path / "out").jobs) == 3
    # As on a file system that does not tell them apart.
    monkeypatch.setattr(Path, "exists", lambda p: p.name.lower() in {q.name.lower() for q in p.parent.iterdir()})
    with pytest.raises(UsageError, match=r"A\.png and a\.png: both would become"):
        find_jobs(images, None, tmp_path / "out")
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".gcolor-")]


@pytest.mark.parametrize("output", ["imgs", "imgs/out", "imgs/../imgs"])
def test_output_inside_the_input_is_refused(tmp_path: Path, output: str) -> None:
    images = touch(tmp_path / "imgs", "a.jpg")
    with pytest.raises(UsageError, match="outside"):
        find_jobs(images, None, tmp_path / output)


def test_wrong_calls(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        find_jobs(tmp_path / "missing", None, None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToDoError, match="no picture found"):
        find_jobs(tmp_path / "empty", None, None)
    images = touch(tmp_path / "imgs", "a.jpg", "a.tif")
    with pytest.raises(UsageError, match="folder of their own"):
        find_jobs(images, images, None)
    with pytest.raises(UsageError, match="hints"):
        find_jobs(images, tmp_path / "nohints", None)
    with pytest.raises(UsageError, match=r"a\.json may belong to"):
        find_jobs(images, touch(tmp_path / "hints", "a.json"), None)


def test_a_read_only_folder_is_found_even_by_the_superuser(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    folder.chmod(0o555)
    with pytest.raises(UsageError, match="cannot write there"):
        check_writable(folder)
    folder.chmod(0o755)
    check_writable(folder)
    assert list(folder.iterdir()) == []
    (folder / "sub").mkdir(mode=0o555)
    check_writable(folder, ["a.png", "new/b.png"])
    for made in ("sub/a.png", "sub/new/a.png"):
        with pytest.raises(UsageError, match="sub: cannot write there"):
            check_writable(folder, [made])
    (folder / "sub").chmod(0o755)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write there"):
        check_writable(tmp_path / "file")


def test_temporaries_of_killed_runs_are_swept(tmp_path: Path) -> None:
    touch(tmp_path, ".gcolor-abc.jpg", "sub/.gcolor-def.png", "keep.png")
    assert sweep(tmp_path) == 2
    assert [p.name for p in tmp_path.rglob("*.*")] == ["keep.png"]


def test_names_are_shown_on_one_line() -> None:
    assert show("日本語.jpg") == "日本語.jpg"
    assert show("a\nb.jpg") == "a\\nb.jpg"
    assert show(os.fsdecode(b"caf\xe9.jpg")) == "caf\\xe9.jpg"


def test_a_job_for_another_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "imgs", "sub/a.jpg")
    touch(tmp_path / "hints", "sub/a.json")
    monkeypatch.chdir(tmp_path)
    (job,) = find_jobs("imgs", "hints", "out").jobs
    assert (job.source, job.output, job.hints) == (
        Path("imgs/sub/a.jpg"),
        Path("out/sub/a.jpg"),
        (Path("hints/sub/a.json"),),
    )
    there = job.absolute()
    assert (there.source, there.output) == (tmp_path / "imgs/sub/a.jpg", tmp_path / "out/sub/a.jpg")
    assert there.hints == (tmp_path / "hints/sub/a.json",) and there.name == job.name
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert there.source.exists() and not job.source.exists()
