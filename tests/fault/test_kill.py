"""`kill -9` at random moments, and at each step between an output's bytes and its place."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "batch_faults.py"


def test_fifty_kills_lose_and_tear_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, str(BENCHMARK), "--rounds", "50", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    with capsys.disabled():
        print(done.stderr.strip(), end=" ")
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["faults"] == 50 and found["killed_with_work_done"] > 10 and found["runs"] > 50
    assert found["lost"] == found["torn"] == found["left_over"] == 0


# Runs gcolor with SIGKILL before or after a function's call of this number.
DIE = """
import os, signal, sys
import gcolor.runtime.batch.result as result, gcolor.runtime.batch.journal as journal
from gcolor.cli.main import main
owner, name = {"line": (journal.Journal, "record"), "place": (result.os, "replace")}[sys.argv[1]]
before, left, act = sys.argv[2] == "before", int(sys.argv[3]), getattr(owner, name)
def die(*arguments, **options):
    global left
    left -= 1
    if left or not before:
        act(*arguments, **options)
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, die)
main(sys.argv[4:])
"""


@pytest.mark.parametrize("existing", [False, True], ids=["new", "replaced"])
@pytest.mark.parametrize("moment", ["before line", "after line", "before place", "after place"])
def test_killed_at_each_step_a_rerun_makes_the_same(
    gcolor, grey_folder: Path, tmp_path: Path, list_outputs, moment: str, existing: bool
) -> None:
    hints = tmp_path / "hints"
    hints.mkdir()
    batch = ["batch", grey_folder, "--hints", hints, "--jobs", 1, "-o"]
    if existing:
        assert gcolor(*batch, tmp_path / "out").returncode == 0
    for name in ("a", "b", "sub/c"):
        (hints / name).parent.mkdir(exist_ok=True)
        (hints / f"{name}.json").write_text('{"version": 1, "points": [{"x": 9, "y": 9, "color": "#c03028"}]}')
    assert gcolor(*batch, tmp_path / "wanted").returncode == 0
    when, what = moment.split()
    killed = subprocess.run(
        [sys.executable, "-c", DIE, what, when, "2", *map(str, [*batch, tmp_path / "out"])],
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert existing or 1 <= len([name for name in list_outputs(tmp_path / "out") if name[0] != "."]) < 3
    done = gcolor(*batch, tmp_path / "out")
    # Before its place and after its line, an output is made again; after its place it is current.
    made = 1 if moment == "after place" else 2
    assert done.returncode == 0 and f"{made} colored, {3 - made} current, 0 failed" in done.stderr
    assert list_outputs(tmp_path / "out") == list_outputs(tmp_path / "wanted") == ["a.jpg", "b.png", "sub/c.jpg"]
    for name in list_outputs(tmp_path / "out"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "wanted" / name).read_bytes()


def test_nobody_elses_file_is_replaced_after_a_kill(gcolor, grey_folder: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        DIE,
        "place",
        "before",
        "1",
        "batch",
        str(grey_folder),
        "-o",
        str(tmp_path / "out"),
    ]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    lines = (tmp_path / "out" / ".gcolor.journal").read_text().splitlines()
    name = json.loads(lines[-1])["out"]
    assert not (tmp_path / "out" / name).exists()
    (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "out" / name).write_text("somebody's own")
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out")
    assert done.returncode == 3 and "was changed since" in done.stderr and "2 colored" in done.stderr
    assert (tmp_path / "out" / name).read_text() == "somebody's own"
