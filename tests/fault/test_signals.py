"""Ctrl-C once and twice, SIGTERM: the exit codes, a valid journal, and a rerun that goes on."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from gcolor.runtime.pictures import read_picture
from PIL import Image

pytestmark = pytest.mark.smoke


@pytest.fixture
def images(tmp_path: Path, make_scene) -> Path:
    """Forty pictures that take a while."""
    folder = tmp_path / "imgs"
    folder.mkdir()
    Image.fromarray(make_scene(600, 800)).convert("L").save(folder / "p00.png")
    for number in range(1, 40):
        shutil.copy(folder / "p00.png", folder / f"p{number:02d}.png")
    return folder


def start(images: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gcolor", "batch", str(images), "-o", str(images.with_name("out")), "--jobs", "2"]
    return subprocess.Popen([*command, *more], stderr=subprocess.PIPE, text=True)


def check_outputs(out: Path, list_outputs) -> int:
    """Every output is whole and every line of the journal valid; returns how many outputs are there."""
    lines = (out / ".gcolor.journal").read_text().splitlines()
    known = {value["out"] for value in map(json.loads, lines) if "out" in value}
    made = [name for name in list_outputs(out) if not name.startswith(".gcolor-")]
    assert set(made) <= known
    for name in made:
        assert read_picture(out / name).rgb.shape == (600, 800, 3)
    return len(made)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_finishes_what_is_in_work(images: Path, list_outputs, number: signal.Signals) -> None:
    out = images.with_name("out")
    with start(images) as process:
        assert process.stderr
        said = [process.stderr.readline()]
        process.send_signal(number)
        said += process.stderr.readlines()
    assert process.returncode == 128 + number
    assert any("stopping: pictures in work are finished first" in line for line in said)
    made = check_outputs(out, list_outputs)
    # Those in work were finished and are counted, and nothing is left behind.
    assert 1 <= made < 40 and len(list_outputs(out)) == made
    assert said[-1].startswith(f"{made} colored, 0 current, 0 failed")
    with start(images) as process:
        assert process.stderr
        said = process.stderr.readlines()
    assert process.returncode == 0 and f"{40 - made} colored, {made} current, 0 failed" in said[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_twice_stops_at_once(images: Path, list_outputs, number: signal.Signals) -> None:
    # One picture that takes seconds, beside which others are in work: whoever waits for it is late.
    Image.fromarray(np.zeros((7500, 7500), np.uint8)).save(images / "a_large.png")
    out = images.with_name("out")
    with start(images) as process:
        assert process.stderr
        process.stderr.readline()
        process.send_signal(number)
        assert any("once more to stop at once" in line for line in process.stderr)
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == 128 + number
    assert " colored, " not in rest and not (out / "a_large.png").exists()
    (images / "a_large.png").unlink()
    made = check_outputs(out, list_outputs)
    with start(images) as process:
        assert process.stderr
        said = process.stderr.readlines()
    assert process.returncode == 0 and f"{40 - made} colored, {made} current" in said[-1]
    assert len(list_outputs(out)) == 40  # and no temporary


def test_before_the_work_begins(images: Path) -> None:
    """While it starts, Ctrl-C is Ctrl-C: one line, 130, or the signal's own end before Python can hear it."""
    with start(images, "-q") as process:
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.stderr
        said = process.stderr.read()
    assert process.returncode in (130, -signal.SIGINT), said
