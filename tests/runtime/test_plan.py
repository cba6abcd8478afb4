from __future__ import annotations

import os
from pathlib import Path

import pytest
from gcolor.color.errors import NothingToDoError, UsageError
from gcolor.runtime.plan import check_writable, make_plan, show, sweep

pytestmark = pytest.mark.smoke


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def test_pictures_hints_and_outputs_are_paired(tmp_path: Path) -> None:
    images = touch(tmp_path / "imgs", "a.jpg", "sub/b.png", "sub/c.tif", "notes.txt")
    hints = touch(tmp_path / "hints", "a.jpg.json", "a.png", "sub/b.png", "sub/b.json", "lost.json")
    plan = make_plan(images, hints, None)
    assert plan.output == tmp_path / "imgs_color"
    pairs = {str(j.relative): [str(h.relative_to(hints)) for h in j.hints] for j in plan.jobs}
    assert pairs == {"a.jpg": ["a.jpg.json"], "sub/b.png": ["sub/b.png", "sub/b.json"], "sub/c.tif": []}
    assert [j.output for j in plan.jobs][1] == tmp_path / "imgs_color" / "sub" / "b.png"
    assert [p.name for p in plan.unused_hints] == ["a.png", "lost.json"]


def test_one_picture(tmp_path: Path) -> None:
    images = touch(tmp_path / "imgs", "a.jpg", "b.jpg")
    plan = make_plan(images / "a.jpg", None, tmp_path / "out")
    assert [str(j.relative) for j in plan.jobs] == ["a.jpg"]


def test_match_keeps_some(tmp_path: Path) -> None:
    images = touch(tmp_path / "imgs", "a.jpg", "b.png", "1932/c.jpg")
    assert [str(j.relative) for j in make_plan(images, None, None, pattern="*.jpg").jobs] == ["1932/c.jpg", "a.jpg"]
    assert [str(j.relative) for j in make_plan(images, None, None, pattern="1932/*").jobs] == ["1932/c.jpg"]


def test_outputs_that_are_current_are_left(tmp_path: Path) -> None:
    images = touch(tmp_path / "imgs", "a.jpg", "b.jpg")
    hints = touch(tmp_path / "hints", "a.json")
    out = touch(tmp_path / "out", "a.jpg", "b.jpg")
    os.utime(hints / "a.json", ns=(0, (out / "a.jpg").stat().st_mtime_ns + 10**9))
    plan = make_plan(images, hints, out)
    assert [str(j.relative) for j in plan.jobs] == ["a.jpg"]
    assert [str(j.relative) for j in plan.current] == ["b.jpg"]
    assert make_plan(images, hints, out, "skip").jobs == []
    assert len(make_plan(images, hints, out, "overwrite").jobs) == 2
    with pytest.raises(UsageError, match="exists already"):
        make_plan(images, hints, out, "error")


@pytest.mark.parametrize("output", ["imgs", "imgs/out", "imgs/../imgs"])
def test_output_inside_the_input_is_refused(tmp_path: Path, output: str) -> None:
    images = touch(tmp_path / "imgs", "a.jpg")
    with pytest.raises(UsageError, match="outside"):
        make_plan(images, None, tmp_path / output)


def test_wrong_calls(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        make_plan(tmp_path / "missing", None, None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToDoError, match="no picture found"):
        make_plan(tmp_path / "empty", None, None)
    images = touch(tmp_path / "imgs", "a.jpg", "a.tif")
    with pytest.raises(UsageError, match="folder of their own"):
        make_plan(images, images, None)
    with pytest.raises(UsageError, match="hints"):
        make_plan(images, tmp_path / "nohints", None)
    with pytest.raises(UsageError, match=r"a\.json may belong to"):
        make_plan(images, touch(tmp_path / "hints", "a.json"), None)


def test_a_read_only_folder_is_found_even_by_the_superuser(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    folder.chmod(0o555)
    with pytest.raises(UsageError, match="cannot write there"):
        check_writable(folder)
    folder.chmod(0o755)
    check_writable(folder)
    assert list(folder.iterdir()) == []
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
