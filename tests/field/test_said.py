"""What lies in folders besides pictures and their hints is said, once, and counted."""

from __future__ import annotations

import json
from pathlib import Path

import made
import pytest
from gcolor.runtime.formats import SUFFIXES
from PIL import Image

POINT = {"x": 40, "y": 30, "color": "#c03028", "radius": 6}
HINT = json.dumps({"version": 1, "points": [POINT]})


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(made.GRAY).save(path)


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(HINT)
    return folder


def test_files_of_other_kinds_are_counted(batch, tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "a.png")
    raw = [] if ".nef" in SUFFIXES else ["r.nef", "sub/r.CR2"]
    files(tmp_path / "imgs", *raw, "x.PDF", "b.mov", "c.mp4", "d.zip", "e.tar", "f.docx", "g.svg", "h.xcf", "i.jxl")
    files(tmp_path / "imgs", "j.txt", "k.xmp", "Thumbs.db", "desktop.ini", ".hidden.pdf")
    done = batch()
    counts = {"PDF": 1, "video": 2, "zip": 1, "archive": 1, "document": 1, "drawing": 1, "painting": 1}
    counts |= {"other picture": 1, "other file": 2} | ({"RAW": 2} if raw else {})
    assert done.code == 0 and done.summary["passed_over"] == counts
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("passed over: ")]
    assert "1 PDF, 2 videos, 1 zip, 1 archive" in line and "2 other files" in line


def test_what_gcolor_made_is_passed_over(gcolor, tmp_path: Path) -> None:
    for name in ("a.png", "imgs/b.png", "imgs/sub/c.png"):
        picture(tmp_path / "w" / name)
    work = tmp_path / "w"
    assert gcolor("batch", "imgs", cwd=work).returncode == 0  # to imgs_color, a folder of its own
    assert gcolor("batch", "a.png", cwd=work).returncode == 0  # to a_color.png, beside it
    assert gcolor("batch", "imgs/b.png", "-o", "imgs/b2.png", cwd=work).returncode == 0  # among pictures
    picture(work / "imgs_color" / "own.png")
    done = gcolor("batch", ".", "--json", cwd=work)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["picture"] for line in lines[:-1]} == {"a.png", "imgs/b.png", "imgs/sub/c.png"}
    assert lines[-1]["summary"]["made_by_gcolor"] == 5
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("passed over: ")]
    assert line == "passed over: 5 pictures that gcolor made, in ., ./imgs, ./imgs_color"
    done = gcolor("batch", ".", "--dry-run", cwd=work)
    assert done.returncode == 0 and "0 to color, 3 current" in done.stderr
    done = gcolor("batch", "a_color.png", cwd=work)
    assert done.returncode == 4 and "1 that gcolor made were passed over" in done.stderr
    done = gcolor("batch", "imgs_color", cwd=work)  # named: only what is not gcolor's
    assert done.returncode == 0 and "1 colored" in done.stderr and "2 pictures that gcolor made" in done.stderr


def test_a_shared_folder_keeps_its_own_pictures(gcolor, tmp_path: Path) -> None:
    """An output folder that held pictures already is not gcolor's own."""
    picture(tmp_path / "imgs" / "a.png")
    picture(tmp_path / "album" / "mine.png")
    assert gcolor("batch", "imgs", "-o", "album", cwd=tmp_path).returncode == 0
    done = gcolor("batch", "album", "-o", "out", "--json", cwd=tmp_path)
    assert [json.loads(line).get("picture") for line in done.stdout.splitlines()] == ["mine.png", None]


UNREAD = ["a.jpg", "a.bmp", "a.kra", "sub/a.xcf", "a.gif", "a.heic", "a.avif", "a.clip", "a.yaml"]


@pytest.mark.parametrize("what", ["folder", "one", "match", "list"])
def test_hints_that_do_not_count_are_said(gcolor, tmp_path: Path, what: str) -> None:
    images, hints = tmp_path / "imgs", tmp_path / "hints"
    picture(images / "a.png")
    picture(images / "b.png")
    hints.mkdir()
    (tmp_path / "list").write_text("a.png\n")
    folders: dict[str, list[object]] = {
        "folder": [images],
        "one": [images / "a.png"],
        "match": [images, "--match", "a*"],
        "list": [images, "--files-from", tmp_path / "list"],
    }
    count = 2 if what == "folder" else 1

    def warnings() -> list[str]:
        done = gcolor("batch", *folders[what], "--hints", hints, "-o", tmp_path / "out", "--dry-run")
        assert done.returncode == 0, done.stderr
        return [line for line in done.stderr.splitlines() if line.startswith("warning: ")]

    assert warnings() == [f"warning: {hints}: holds no hint file; everything is colored without hints"]
    files(hints, *UNREAD, "notes.txt", "Thumbs.db")
    said = warnings()
    assert len(said) == 2 and f"{len(UNREAD)} files are not read as hints" in said[0] and "and 4 more" in said[0]
    for name in UNREAD:
        (hints / name).unlink()
    files(hints, "b.json", "lost.json", "sub/lost.png")
    said = warnings()
    assert said[0] == f"warning: hints without a picture: {hints}/lost.json, {hints}/sub/lost.png"
    assert len(said) == (1 if count == 2 else 2)  # b.png, which was not asked for, has its own
    files(hints, "a.json")
    assert warnings() == said[:1]


def test_the_summary_counts_hints(batch, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        picture(tmp_path / "imgs" / name)
    files(tmp_path / "hints", "a.json", "b.json")
    for _ in range(2):
        done = batch("--hints", tmp_path / "hints")
        assert done.code == 0 and done.summary["with_hints"] == 2
        assert "; 2 with hints: " in done.stderr.splitlines()[-1]


def test_hints_check_names_what_is_not_read(gcolor, tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "a.png")
    files(tmp_path / "hints", "a.json", "a.kra")
    done = gcolor("hints", "check", tmp_path / "hints", tmp_path / "imgs")
    assert done.returncode == 0 and "a.png: ok, 1 hint" in done.stdout and "a.kra: not read as hints" in done.stdout


def test_hints_below_the_pictures_are_no_pictures(gcolor, tmp_path: Path) -> None:
    work = tmp_path / "w"
    picture(work / "a.png")
    picture(work / "hints" / "a.png")
    (work / "hints" / "a.png").unlink()
    overlay = Image.new("RGBA", (made.WIDTH, made.HEIGHT))
    overlay.putpixel((20, 20), (200, 30, 30, 255))
    overlay.save(work / "hints" / "a.png")
    overlay.save(work / "one.png")
    done = gcolor("batch", ".", "--hints", "hints", "--match", "[!o]*", "--dry-run", cwd=work)
    assert done.stdout.splitlines() == [f"a.png -> {tmp_path}/w_color/a.png with hints/a.png: new"], done.stderr
    (work / "hints" / "a.png").unlink()
    (work / "hints").rmdir()
    done = gcolor("batch", ".", "--hints", "one.png", "--dry-run", cwd=work)
    assert done.stdout.splitlines() == [f"a.png -> {tmp_path}/w_color/a.png with one.png: new"], done.stderr
