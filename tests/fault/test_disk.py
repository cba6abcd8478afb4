"""Disks that are full, files that may not grow, folders that are read-only or taken away."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ENDINGS = (".jpg", ".png", ".webp", ".bmp", ".tif")


def color(images: Path, out: Path, *more: str, before: Callable[[], object] | None = None):
    command = [sys.executable, "-m", "gcolor", "batch", str(images), "-o", str(out), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, preexec_fn=before)


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """Pictures that compress badly, 100 KB and more each, and a small one."""
    folder = tmp_path / "imgs"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for ending in ENDINGS:
        Image.fromarray(rng.integers(0, 256, (300, 400), np.uint8)).save(folder / f"a{ending}")
    Image.fromarray(np.full((16, 16), 90, np.uint8)).save(folder / "small.png")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 120 KB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a file system can be mounted by the superuser only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_fails_the_pictures_that_do_not_fit(
    noise: Path, small_disk: Path, tmp_path: Path, list_outputs
) -> None:
    assert color(noise, tmp_path / "wanted").returncode == 0
    done = color(noise, small_disk / "out", "--jobs", "1")
    assert done.returncode == 3, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) >= 4 and all("No space left on device" in line for line in errors)
    made = list_outputs(small_disk / "out")
    assert "small.png" in made and len(made) == 6 - len(errors)
    for name in made:
        assert (small_disk / "out" / name).read_bytes() == (tmp_path / "wanted" / name).read_bytes()
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    done = color(noise, small_disk / "out")
    assert done.returncode == 0 and f"{len(errors)} colored, {len(made)} current" in done.stderr
    for name in list_outputs(tmp_path / "wanted"):
        assert (small_disk / "out" / name).read_bytes() == (tmp_path / "wanted" / name).read_bytes()


def test_a_disk_too_full_for_the_journal_stops_the_batch(noise: Path, small_disk: Path, list_outputs) -> None:
    out = small_disk / "out"
    assert color(noise, out, "--match", "small.png").returncode == 0
    # The journal's page is full to the last bytes, and no other is left.
    with (out / ".gcolor.journal").open("ab") as file:
        file.write(b" " * (4096 - file.tell() - 51) + b"\n")
    (out / "small.png").unlink()
    with (small_disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"x" * 512)
    os.truncate(small_disk / "filler", (small_disk / "filler").stat().st_size - 4096)
    before = (out / ".gcolor.journal").read_bytes()
    done = color(noise, out, "--match", "small.png")
    assert done.returncode == 2
    assert ".gcolor.journal: cannot be written (No space left on device); run again" in done.stderr
    # Without its line, no output is put into its place; the journal is as it was.
    assert (out / ".gcolor.journal").read_bytes() == before and list_outputs(out) == []
    (small_disk / "filler").unlink()
    done = color(noise, out, "--match", "small.png")
    assert done.returncode == 0 and "1 colored" in done.stderr


def limit(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_files_that_may_not_grow(noise: Path, tmp_path: Path, list_outputs) -> None:
    done = color(noise, tmp_path / "out", before=limit(20_000))
    assert done.returncode == 3, done.stderr
    errors = sorted(line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert [line.split(":")[1].strip() for line in errors] == [f"a{e}" for e in sorted(ENDINGS)]
    assert all("File too large" in line for line in errors)
    assert list_outputs(tmp_path / "out") == ["small.png"]
    assert "5 colored, 1 current" in color(noise, tmp_path / "out").stderr


def test_a_journal_that_may_not_grow(tmp_path: Path, list_outputs) -> None:
    images, out = tmp_path / "imgs", tmp_path / "out"
    images.mkdir()
    for number in range(20):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(images / f"{number:02d}.png")
    done = color(images, out, "--jobs", "2", before=limit(2000))
    assert done.returncode == 2
    assert ".gcolor.journal: cannot be written (File too large); run again to go on from here" in done.stderr
    made = list_outputs(out)
    assert 1 <= len(made) < 20 and not [name for name in made if name.startswith(".")]
    assert (out / ".gcolor.journal").read_bytes().endswith(b"\n")
    done = color(images, out)
    assert done.returncode == 0 and f"{20 - len(made)} colored, {len(made)} current" in done.stderr


def test_read_only_is_found_before_the_model_loads(noise: Path, tmp_path: Path) -> None:
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime" / "__init__.py").write_text("raise SystemExit(99)")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    (noise / "sub").mkdir()
    shutil.copy(noise / "small.png", noise / "sub" / "b.png")
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    command = [sys.executable, "-m", "gcolor", "batch", str(noise), "-o", str(out)]
    for folder in (out / "sub", out):
        folder.chmod(0o555)
        done = subprocess.run(command, capture_output=True, text=True, env=env)
        folder.chmod(0o755)
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith(f"error: {folder}: cannot write there (Permission denied")
        assert done.stderr.count("\n") == 1
    assert subprocess.run(command, capture_output=True, env=env).returncode == 99  # the model is what comes next
    (out / "sub").rmdir()
    (out / "sub").write_text("a file")
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 2 and f"{out / 'sub'}: cannot write there (Not a folder)" in done.stderr


@pytest.mark.parametrize("kept", [False, True], ids=["removed", "renamed"])
def test_an_output_folder_that_is_taken_away_ends_the_batch(noise: Path, tmp_path: Path, kept: bool) -> None:
    for number in range(30):
        shutil.copy(noise / "a.png", noise / f"more{number}.png")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "gcolor", "batch", str(noise), "-o", str(out), "--jobs", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.readline().startswith("[1/36]")
        out.rename(tmp_path / "gone")
        if not kept:
            shutil.rmtree(tmp_path / "gone")
        said = process.stderr.read()
    assert process.returncode == 2
    assert ".gcolor.journal: was removed while the batch ran; run again" in said.splitlines()[-1]
    assert said.count("error: ") < 10 and not out.exists()  # it is not made again, without a journal
    assert color(noise, out).returncode == 0


@pytest.mark.parametrize("command", ["prepare", "convert"])
def test_a_full_disk_ends_other_commands_with_the_same_exit_code(
    noise: Path, small_disk: Path, tmp_path: Path, command: str
) -> None:
    (small_disk / "filler").write_bytes(bytes(108 * 1024))
    hints = tmp_path / "hints.json"
    points = [{"x": x + 0.5, "y": y + 0.5, "color": "#b5533c"} for x in range(90) for y in range(90)]
    hints.write_text(json.dumps({"version": 1, "size": [900, 900], "points": points}))
    arguments = {
        "prepare": ["prepare", noise, "-o", small_disk / "shards", "--max-grey", "1"],
        "convert": ["hints", "convert", hints, "-o", small_disk / "hints.json"],
    }[command]
    done = subprocess.run([sys.executable, "-m", "gcolor", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 2 and "No space left on device" in done.stderr, done.stderr
    assert "unexpected" not in done.stderr and str(small_disk) in done.stderr
    assert [path.name for path in small_disk.iterdir() if path.is_file()] == ["filler"]
