"""`gcolor prepare` as users run it."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gcolor.cli.commands.prepare import command
from gcolor.trainer.data.prepare import PrepareOptions
from PIL import Image

pytestmark = pytest.mark.smoke


def vivid(scene: np.ndarray) -> np.ndarray:
    return scene // np.array([1, 2, 4], np.uint8)


@pytest.fixture
def folder(tmp_path: Path, make_scene) -> Path:
    """Three photos, one of them grey, and a file that is none."""
    (tmp_path / "photos").mkdir()
    for seed in range(2):
        Image.fromarray(vivid(make_scene(64, 64, seed))).save(tmp_path / "photos" / f"[{seed}].png")
    Image.fromarray(np.full((64, 64), 90, np.uint8)).save(tmp_path / "photos" / "grey.png")
    (tmp_path / "photos" / "text.jpg").write_text("no picture")
    return tmp_path / "photos"


def test_options_and_their_defaults_are_those_of_the_function() -> None:
    defaults = command.make_context("prepare", ["-o", "shards"]).params
    assert {name: defaults[name] for name in asdict(PrepareOptions())} == asdict(PrepareOptions())
    assert command.callback and set(inspect.signature(command.callback).parameters) == set(defaults)


def test_shards_counts_and_a_second_call(gcolor, folder: Path, tmp_path: Path) -> None:
    arguments = ["prepare", folder, "-o", tmp_path / "shards", "--max-grey", 0.9, "--jobs", 1]
    done = gcolor(*arguments, "--json", "--verify")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == "[4/4]"
    assert lines[1] == (
        f"2 photos kept, 2 dropped (1 near-grey, 1 unreadable), 1 shards of 0.00 GB: {tmp_path / 'shards'}; "
        "--max-grey 1 keeps the 1 near-grey, too"
    )
    assert lines[2].startswith("all hashes agree: 2 photos kept")
    counted = json.loads(done.stdout)
    assert (counted["found"], counted["photos"], counted["shards"]) == (4, 2, 1)
    assert counted["dropped"] == {"near-grey": 1, "unreadable": 1} and counted["options"]["max_grey"] == 0.9
    assert counted["bytes"] == (tmp_path / "shards" / "gcolor-00000.tar").stat().st_size
    again = gcolor(*arguments)
    assert again.returncode == 0 and again.stdout == ""
    assert again.stderr.splitlines()[0] == "4 of 4 photos were prepared by an earlier call"


def test_wrong_calls(gcolor, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    wrong: list[tuple[int, list[Any], str]] = [
        (2, [tmp_path / "missing", "-o", out], "no such folder"),
        (2, ["-o", out], "name the folders of photos"),
        (2, ["-o", out, "--verify"], "holds no finished shards"),
        (2, [folder, "-o", folder], "holds something else"),
        (2, [folder], "Missing option '-o'"),
        (4, [tmp_path / "empty", "-o", out], "no photo found"),
        (4, [folder, "-o", out, "--max-grey", 0], "raise --max-grey above 0 (1 keeps all)"),
    ]
    for expected, arguments, sentence in wrong:
        done = gcolor("prepare", *arguments)
        assert done.returncode == expected, (arguments, done.stderr)
        assert sentence in done.stderr and "Traceback" not in done.stderr


def test_a_shard_cut_short_is_told_and_made_again(gcolor, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "shards"
    assert gcolor("prepare", folder, "-o", out, "--max-grey", 1).returncode == 0
    tar = out / "gcolor-00000.tar"
    whole = tar.read_bytes()
    os.truncate(tar, 1000)
    done = gcolor("prepare", "-o", out, "--verify")
    assert done.returncode == 2 and f"error: {tar}: cut short (1000 bytes of {len(whole)})" in done.stderr
    assert gcolor("prepare", folder, "-o", out, "--max-grey", 1).returncode == 0
    assert tar.read_bytes() == whole


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals a process group")
def test_ctrl_c_ends_quietly_and_the_same_call_goes_on(gcolor, tmp_path: Path, make_scene) -> None:
    photos, out = tmp_path / "photos", tmp_path / "shards"
    photos.mkdir()
    Image.fromarray(vivid(make_scene(256, 256))).save(photos / "0.jpg")
    for number in range(1, 500):
        shutil.copy(photos / "0.jpg", photos / f"{number}.jpg")
    arguments = ["prepare", photos, "-o", out, "--max-grey", "1", "--jobs", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gcolor", *arguments], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + 60
    while not list(out.glob("*.json")) and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it, too
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and said.splitlines()[-1] == "interrupted" and "Traceback" not in said
    assert not (out / "manifest.json").exists() and not list(out.glob(".gcolor-*"))
    done = gcolor(*arguments)
    assert done.returncode == 0 and "of 500 photos were prepared by an earlier call" in done.stderr
    assert "500 photos kept, 0 dropped, 8 shards" in done.stderr
