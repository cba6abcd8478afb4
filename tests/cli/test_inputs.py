"""What people type behind `gcolor batch`: pictures and folders, files for hints and output, pipes, empty arguments."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gcolor.color import lab
from PIL import Image

Run = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = [sys.executable, "-m", "gcolor"]
RED = {"version": 1, "points": [{"x": 20, "y": 16, "color": "red", "radius": 6}]}


def redness(path: Path | io.BytesIO) -> float:
    with Image.open(path) as image:
        return float(lab.rgb_to_lab(np.asarray(image.convert("RGB"))[16, 20])[1])


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A current folder with two pictures, hints for one of them, and two folders with pictures of one name."""
    folder = tmp_path / "here"
    gray = Image.fromarray(np.linspace(40, 200, 48 * 36).reshape(36, 48).astype(np.uint8))
    for name in ("a.jpg", "b.jpg", "one/x.png", "one/sub/y.jpg", "two/x.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        gray.save(folder / name)
    (folder / "a.json").write_text(json.dumps(RED))
    return folder


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    lines = map(json.loads, done.stdout.splitlines())
    return {line["picture"]: line["output"] for line in lines if "picture" in line}


def test_pictures_and_folders_each_go_where_they_would_alone(gcolor: Run, here: Path) -> None:
    inputs = ("a.jpg", "b.jpg", "one/x.png", "two")
    done = gcolor("batch", *inputs, "--json", cwd=here)
    assert done.returncode == 0, done.stderr
    assert rows(done) == {
        "a.jpg": "a_color.jpg",
        "b.jpg": "b_color.jpg",
        "one/x.png": str(here / "one_color/x.png"),
        "two/x.png": str(here / "two_color/x.png"),
    }
    assert all((here / output).is_file() for output in rows(done).values())
    assert done.stderr.splitlines()[-1].endswith(f": a_color.jpg and 1 more, {here}/one_color, {here}/two_color")
    # As a shell gives it the second time, with what gcolor made.
    again = gcolor("batch", "a.jpg", "a_color.jpg", "b.jpg", "b_color.jpg", "one", "one_color", cwd=here)
    assert again.returncode == 0 and "1 colored, 3 current, 0 failed" in again.stderr  # one/sub/y.jpg
    assert "passed over: 3 pictures that gcolor made, in" in again.stderr
    assert not (here / "a_color_color.jpg").exists() and not (here / "one_color_color").exists()


def test_pictures_of_one_name_stay_apart_in_one_output(gcolor: Run, here: Path) -> None:
    done = gcolor("batch", "one", "two/x.png", "a.jpg", "a.jpg", "one/x.png", "-o", "out", "--json", cwd=here)
    assert done.returncode == 0, done.stderr
    made = {"a.jpg", "one/x.png", "one/sub/y.jpg", "two/x.png"}
    assert rows(done) == {name: f"out/{name}" for name in made}
    (here / "more").mkdir()
    done = gcolor("batch", here / "one/x.png", "../two/x.png", "-o", "../up", "--json", cwd=here / "more")
    assert set(rows(done).values()) == {"../up/one/x.png", "../up/two/x.png"}


def test_hints_of_several_inputs(gcolor: Run, here: Path) -> None:
    (here / "hints" / "one").mkdir(parents=True)
    for name in ("one/x.json", "y.json", "b.json"):
        (here / "hints" / name).write_text(json.dumps(RED))
    done = gcolor("batch", "b.jpg", "one", "two", "--hints", "hints", "-o", "out", "--json", cwd=here)
    assert done.returncode == 0, done.stderr
    hints = {row["picture"]: row["hints"] for row in map(json.loads, done.stdout.splitlines()) if "picture" in row}
    assert hints == {
        "b.jpg": ["hints/b.json"],
        "one/x.png": ["hints/one/x.json"],
        "one/sub/y.jpg": [],  # it lies in sub/, below its own folder, too
        "two/x.png": [],
    }
    assert json.loads(done.stdout.splitlines()[-1])["summary"]["with_hints"] == 2
    assert "warning: hints without a picture: hints/y.json" in done.stderr
    (here / "hints" / "x.json").write_text(json.dumps(RED))
    (here / "hints" / "one" / "x.json").unlink()
    done = gcolor("batch", "one", "two", "--hints", "hints", "-o", "out2", cwd=here)
    assert done.returncode == 2 and "one/x.png.json or two/x.png.json" in done.stderr


def test_hints_that_a_star_names_are_no_input(gcolor: Run, here: Path) -> None:
    shutil.copytree(here / "one", here / "hints")
    (here / "hints" / "a.json").write_text(json.dumps(RED))
    for inputs, hints in ((["a.jpg", "a.json"], "a.json"), (["a.jpg", "b.jpg", "hints"], "hints")):
        done = gcolor("batch", *inputs, "--hints", hints, "--dry-run", cwd=here)
        assert done.returncode == 0, done.stderr
        assert [line.split(" -> ")[0] for line in done.stdout.splitlines()] == inputs[:-1]


def test_one_picture_one_hint_file_one_output_file(gcolor: Run, here: Path) -> None:
    done = gcolor("batch", "a.jpg", "--hints", "a.json", cwd=here)
    assert done.returncode == 0 and done.stderr.splitlines()[-1].endswith("; 1 with hints: a_color.jpg"), done.stderr
    assert redness(here / "a_color.jpg") > 25
    done = gcolor("batch", "one/x.png", "--hints", "a.json", "-o", "new/out.tif", cwd=here)
    assert done.returncode == 0 and redness(here / "new/out.tif") > 25, done.stderr
    with Image.open(here / "new/out.tif") as image:
        assert image.format == "TIFF" and image.size == (48, 36)
    done = gcolor("batch", "one/x.png", "--hints", "a.json", "-o", "new/out.tif", cwd=here)
    assert done.returncode == 0 and "0 colored, 1 current" in done.stderr
    Image.new("L", (8, 8)).save(here / "mine.png")
    done = gcolor("batch", "b.jpg", "-o", "mine.png", cwd=here)
    assert done.returncode == 3 and "exists, and not from gcolor" in done.stderr


def test_a_page_of_one_picture_into_a_file(gcolor: Run, here: Path) -> None:
    pages = [Image.new("L", (40, 30), value) for value in (60, 120)]
    pages[0].save(here / "scan.tif", save_all=True, append_images=pages[1:])
    assert gcolor("batch", "scan.tif", "--page", "all", "-o", "out.png", cwd=here).returncode == 0
    assert gcolor("batch", "scan.tif", "--page", "all", cwd=here).returncode == 0
    made = {path.name for path in here.iterdir() if path.is_file() and path.name[0] != "."}
    assert made >= {"out.p1.png", "out.p2.png", "scan.p1_color.tif", "scan.p2_color.tif"}


WRONG = {
    "-o of a folder": (["one", "-o", "x.png"], "x.png: is the name of one picture"),
    "-o of several": (["a.jpg", "b.jpg", "-o", "x.png"], "-o names a folder"),
    "-o the picture": (["a.jpg", "-o", "./a.jpg"], "is the picture itself"),
    "-o a GIF": (["a.jpg", "-o", "x.gif"], "pictures are not written as .gif"),
    "-o a PDF": (["a.jpg", "-o", "x.pdf"], "pictures are not written as .pdf"),
    "-o the folder": (["a.jpg", "b.jpg", "-o", "."], "outside the folder of the pictures"),
    "-o in an input": (["one", "two", "-o", "two/out"], "outside the folder of the pictures"),
    "hints for two": (["a.jpg", "b.jpg", "--hints", "a.json"], "is one hint file, and there are 2 pictures"),
    "hints that are none": (["a.jpg", "--hints", "b.jpg"], "hints are read from .png"),
    "hints that are not there": (["a.jpg", "--hints", "c.json"], "no such file or folder of hints"),
    "hints beside": (["a.jpg", "b.jpg", "--hints", "."], "a folder of their own"),
    "an input that is not there": (["a.jpg", "gone.jpg"], "gone.jpg: no such file or folder"),
    "a pipe and more": (["-", "a.jpg"], "for one picture"),
    "a pipe and JSON": (["-", "--json"], "both want the standard output"),
    "a pipe and a folder of hints": (["-", "--hints", "one"], "has no name"),
    "a folder to a pipe": (["one", "-o", "-"], "takes one picture"),
    "a list and pictures": (["a.jpg", "b.jpg", "--files-from", "a.json"], "needs the folder"),
    "watching two": (["one", "two", "--watch"], "looks at one folder"),
    "empty": ([""], "is empty"),
    "empty -o": (["a.jpg", "-o", ""], "-o: is empty"),
    "empty --output=": (["a.jpg", "--output="], "--output: is empty"),
    "empty --hints": (["a.jpg", "--hints", ""], "--hints: is empty"),
    "empty --match": (["one", "--match", ""], "--match: is empty"),
    "empty --report": (["one", "--report", ""], "--report: is empty"),
    "empty --device": (["one", "--device", ""], "--device: is empty"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls(
    here: Path, case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gcolor.cli.main import run

    arguments, sentence = WRONG[case]
    monkeypatch.chdir(here)
    before = sorted(here.rglob("*"))
    assert run(["batch", *arguments]) == 2
    said = capsys.readouterr()
    assert sentence in said.err and not said.out and sorted(here.rglob("*")) == before


@pytest.mark.parametrize("command", [["doctor"], ["hints", "check"], ["prepare"], ["evaluate", "default"], ["bench"]])
def test_empty_arguments_of_other_commands(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from gcolor.cli.main import run

    assert run([*command, ""]) == 2
    assert "is empty" in capsys.readouterr().err


def test_empty_values_of_a_configuration(gcolor: Run, here: Path) -> None:
    (here / "c.toml").write_text('[batch]\noutput = ""\n')
    done = gcolor("--config", "c.toml", "batch", "a.jpg", cwd=here)
    assert done.returncode == 2 and "output in [batch] is empty" in done.stderr


def pipe(here: Path, data: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, "batch", *arguments], input=data, capture_output=True, cwd=here, timeout=120)


def test_a_picture_through_a_pipe(here: Path) -> None:
    for name, kind, arguments in (
        ("a.jpg", "JPEG", ["-", "-o", "-", "--hints", "a.json"]),
        ("one/x.png", "PNG", ["-", "--hints", "a.json"]),
    ):
        done = pipe(here, (here / name).read_bytes(), *arguments)
        assert done.returncode == 0, done.stderr
        with Image.open(io.BytesIO(done.stdout)) as image:
            assert image.format == kind and image.size == (48, 36)
        assert redness(io.BytesIO(done.stdout)) > 25
    done = pipe(here, b"", "a.jpg", "-o", "-")
    assert done.returncode == 0 and done.stdout[:3] == b"\xff\xd8\xff"
    done = pipe(here, (here / "a.jpg").read_bytes(), "-", "-o", "out.png")
    assert done.returncode == 0 and not done.stdout and redness(here / "out.png") < 25
    assert not [path for path in here.iterdir() if "stdin" in path.name]


@pytest.mark.parametrize("data", [b"", b"no picture", b"%PDF-1.4\n", b"\xff\xd8\xff\xe0 cut"])
def test_nothing_but_a_picture_comes_out_of_a_pipe(here: Path, data: bytes) -> None:
    done = pipe(here, data, "-", "-o", "-")
    assert done.returncode == 3 and not done.stdout and done.stderr.startswith(b"error: stdin")


SHELL = {
    "no stderr": ('"$@" batch one -o out 2>&-', 0),
    "no streams": ('"$@" batch one -o out <&- >&- 2>&-', 0),
    "nobody reads stderr": ('"$@" batch one -o out 2> >(exec true)', 0),
    "no room for stderr": ('"$@" batch one -o out 2>/dev/full', 0),
    "nobody reads stdout": ('"$@" batch one -o out --json --jobs 1 | head -1 >/dev/null; exit ${PIPESTATUS[0]}', 141),
}


def test_help_that_nobody_reads(here: Path) -> None:
    with subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=here) as call:
        assert call.stdout and call.stderr
        call.stdout.close()
        assert call.stderr.read() == b"" and call.wait(timeout=60) == 141


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_a_picture_for_a_closed_output_is_refused(here: Path) -> None:
    done = subprocess.run(["sh", "-c", '"$@" batch - -o - >&-', "sh", *COMMAND], cwd=here, stderr=subprocess.PIPE)
    assert done.returncode == 2 and b"standard output is closed" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
@pytest.mark.parametrize("case", SHELL)
def test_streams_that_are_gone(here: Path, case: str) -> None:
    bash = shutil.which("bash")
    if not bash:
        pytest.skip("bash is not installed")
    line, code = SHELL[case]
    done = subprocess.run([bash, "-c", line, "bash", *COMMAND], capture_output=True, text=True, cwd=here, timeout=120)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr and "Broken" not in done.stderr
    made = {path.relative_to(here / "out").as_posix() for path in (here / "out").rglob("*.*")}
    assert made >= {".gcolor.journal", "x.png"} if not code else made
    lines = (here / "out" / ".gcolor.journal").read_text().splitlines()
    assert all(json.loads(text) for text in lines)  # no message got into it


def test_calls_side_by_side_in_one_folder_wait_for_each_other(here: Path) -> None:
    calls = [subprocess.Popen([*COMMAND, "batch", name, "-q"], cwd=here) for name in ("a.jpg", "b.jpg")]
    assert [call.wait(timeout=120) for call in calls] == [0, 0]
    assert (here / "a_color.jpg").is_file() and (here / "b_color.jpg").is_file()
