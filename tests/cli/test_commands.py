"""The commands as users run them, each in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gcolor import __version__
from gcolor.color import lab
from gcolor.runtime.manifest import DEFAULT
from PIL import Image

pytestmark = pytest.mark.smoke


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_version_and_help(gcolor) -> None:
    assert gcolor("--version").stdout == f"gcolor, version {__version__}\n"
    shown = gcolor("--help").stdout
    for name in ("batch", "doctor", "export", "hints", "train"):
        assert name in shown


def test_batch_colors_a_folder(gcolor, grey_folder: Path, tmp_path: Path) -> None:
    hints = tmp_path / "hints" / "sub"
    hints.mkdir(parents=True)
    point = {"x": 72, "y": 48, "color": "#c03028", "radius": 6}
    (hints / "c.json").write_text(json.dumps({"version": 1, "points": [point]}))
    done = gcolor("batch", grey_folder, "--hints", tmp_path / "hints")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("3 colored, 0 current, 0 failed in ")
    out = tmp_path / "imgs_color"
    for name in ("a.jpg", "b.png", "sub/c.jpg"):
        before, after = pixels(grey_folder / name), pixels(out / name)
        assert before.shape == after.shape
        assert np.abs(lab.rgb_to_lightness(after) - lab.rgb_to_lightness(before)).mean() < 0.6
    assert lab.rgb_to_lab(pixels(out / "sub/c.jpg")[48, 72])[1] > 25

    again = gcolor("batch", grey_folder, "--hints", tmp_path / "hints")
    assert again.returncode == 0 and again.stderr.splitlines()[-1].startswith("0 colored, 3 current, 0 failed")


def test_batch_is_deterministic_whatever_the_jobs(gcolor, grey_folder: Path, tmp_path: Path) -> None:
    for jobs in (1, 3):
        assert gcolor("batch", grey_folder, "-o", tmp_path / str(jobs), "--jobs", jobs).returncode == 0
    assert np.abs(pixels(tmp_path / "1" / "b.png").astype(int) - pixels(tmp_path / "3" / "b.png")).max() <= 1


def test_one_bad_file_never_stops_the_others(gcolor, grey_folder: Path, tmp_path: Path, list_outputs) -> None:
    data = (grey_folder / "a.jpg").read_bytes()
    (grey_folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (grey_folder / "text.jpg").write_text("not a picture")
    Image.new("L", (8000, 8000)).save(grey_folder / "large.png")
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out", "--max-pixels", 10_000_000)
    assert done.returncode == 3
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    assert any(e.startswith("error: cut.jpg: image data is damaged or cut short") for e in errors)
    assert any(e.startswith("error: text.jpg: is not a picture") for e in errors)
    assert any("8000 x 8000 is 64 megapixels" in e for e in errors)
    assert "3 colored, 0 current, 3 failed" in done.stderr
    assert list_outputs(tmp_path / "out") == ["a.jpg", "b.png", "sub/c.jpg"]


def test_bad_hints_fail_their_picture_only(gcolor, grey_folder: Path, tmp_path: Path) -> None:
    hints = tmp_path / "hints"
    hints.mkdir()
    (hints / "a.json").write_text('{"version": 1, "points": [{"x": 9999, "y": 1, "color": "#ffffff"}]}')
    (hints / "lost.json").write_text("{}")
    done = gcolor("batch", grey_folder, "--hints", hints, "-o", tmp_path / "out")
    assert done.returncode == 3
    assert "points[0].x" in done.stderr
    assert "warning: hints without a picture" in done.stderr and "lost.json" in done.stderr
    assert "2 colored" in done.stderr


def test_json_and_dry_run(gcolor, grey_folder: Path, tmp_path: Path) -> None:
    (grey_folder / "text.jpg").write_text("not a picture")
    dry = gcolor("batch", grey_folder, "-o", tmp_path / "out", "--dry-run", "--json")
    assert dry.returncode == 0 and not (tmp_path / "out").exists()
    assert {json.loads(line)["picture"] for line in dry.stdout.splitlines()} == {
        "a.jpg",
        "b.png",
        "sub/c.jpg",
        "text.jpg",
    }
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out", "--json", "--quiet")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["summary"]["colored"] == 3 and lines[-1]["summary"]["failed"] == 1
    by_name = {line["picture"]: line for line in lines[:-1]}
    assert by_name["text.jpg"]["status"] == "failed" and "not a picture" in by_name["text.jpg"]["error"]


def test_exit_codes_of_wrong_calls(gcolor, grey_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    read_only = tmp_path / "ro"
    read_only.mkdir()
    read_only.chmod(0o555)
    wrong: list[tuple[int, list[Any], str]] = [
        (2, ["batch", tmp_path / "missing"], "no such file or folder"),
        (2, ["batch", grey_folder, "--no-such-option"], "No such option"),
        (2, ["batch", grey_folder, "-o", grey_folder / "out"], "outside the folder"),
        (2, ["batch", grey_folder, "-o", read_only], "cannot write there"),
        (2, ["train", tmp_path / "missing", "-o", tmp_path / "run"], "no such folder"),
        (4, ["batch", tmp_path / "empty"], "no picture found"),
        (5, ["batch", grey_folder, "-o", tmp_path / "o5", "--bundle", tmp_path / "empty"], "no bundle here"),
        (
            6,
            ["batch", grey_folder, "-o", tmp_path / "o6", "--device", "abacus"],
            "device 'abacus' is not known; use auto, cpu, cuda or cuda:N",
        ),
        (
            6,
            ["batch", grey_folder, "-o", tmp_path / "o7", "--dry-run", "--device", "abacus"],
            "device 'abacus' is not known; use auto, cpu, cuda or cuda:N",
        ),
        (
            6,
            ["bench", "--runs", "1", "--device", "abacus"],
            "device 'abacus' is not known; use auto, cpu, cuda or cuda:N",
        ),
        (6, ["bench", "--runs", "1", "--device", "cuda:x"], "device 'cuda:x' is not known"),
        (
            6,
            ["evaluate", DEFAULT, grey_folder, "--device", "abacus"],
            "device 'abacus' is not known; use auto, cpu, cuda or cuda:N",
        ),
    ]
    for expected, arguments, sentence in wrong:
        if arguments[0] == "train" and not _has("torch"):
            continue
        done = gcolor(*arguments)
        assert done.returncode == expected, (arguments, done.stderr)
        assert sentence in done.stderr and "Traceback" not in done.stderr


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def test_strange_names(gcolor, grey_folder: Path, tmp_path: Path, list_outputs) -> None:
    names = [b"[a].jpg", b"two\nlines.jpg", "日本語.jpg".encode(), b"caf\xe9.jpg", b"-o.jpg", b"A.jpg"]
    for name in names:
        shutil.copy(grey_folder / "a.jpg", grey_folder / os.fsdecode(name))
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert {*map(os.fsencode, list_outputs(tmp_path / "out"))} == {*names, b"a.jpg", b"b.png", b"sub/c.jpg"}
    assert "caf\\xe9.jpg" in done.stderr and "two\\nlines.jpg" in done.stderr and "[a].jpg" in done.stderr


def test_settings_come_from_option_then_environment_then_file(
    gcolor, grey_folder: Path, tmp_path: Path, list_outputs
) -> None:
    config = tmp_path / "gcolor.toml"
    config.write_text(f'[batch]\noutput = "{tmp_path / "from_file"}"\nmatch = "*.png"\n')
    assert gcolor("--config", config, "batch", grey_folder).returncode == 0
    assert list_outputs(tmp_path / "from_file") == ["b.png"]
    env = {"GCOLOR_BATCH_OUTPUT": str(tmp_path / "from_env")}
    assert gcolor("--config", config, "batch", grey_folder, env=env).returncode == 0
    assert (tmp_path / "from_env" / "b.png").exists()
    assert gcolor("--config", config, "batch", grey_folder, "-o", tmp_path / "from_option", env=env).returncode == 0
    assert (tmp_path / "from_option" / "b.png").exists()
    config.write_text("[batch]\nqualty = 90\n")
    done = gcolor("--config", config, "batch", grey_folder)
    assert done.returncode == 2 and "unknown key 'qualty' in [batch]" in done.stderr


def test_an_interrupt_finishes_what_is_in_work(grey_folder: Path, tmp_path: Path, list_outputs) -> None:
    for i in range(60):
        shutil.copy(grey_folder / "b.png", grey_folder / f"copy{i}.png")
    command = [sys.executable, "-m", "gcolor", "batch", str(grey_folder), "-o", str(tmp_path / "out"), "--jobs", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert first.startswith("[1/63]")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "stopping" in rest
    made = list_outputs(tmp_path / "out")
    assert 1 <= len(made) < 60
    for name in made:
        pixels(tmp_path / "out" / name)
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and f"{63 - len(made)} colored, {len(made)} current" in done.stderr


def test_hints_check_names_each_wrong_file(gcolor, grey_folder: Path, tmp_path: Path) -> None:
    hints = tmp_path / "hints"
    hints.mkdir()
    (hints / "a.json").write_text('{"version": 1, "points": [{"x": 5, "y": 5, "color": "#ffffff"}]}')
    (hints / "b.json").write_text('{"version": 1, "points": [{"x": "left", "y": 5, "color": "#ffffff"}]}')
    done = gcolor("hints", "check", hints, grey_folder)
    assert done.returncode == 3
    assert "a.jpg: ok, 1 hint" in done.stdout and "points[0].x" in done.stdout
    (hints / "b.json").unlink()
    assert gcolor("hints", "check", hints, grey_folder).returncode == 0
    (hints / "lost.json").write_text("{}")
    assert gcolor("hints", "check", hints, grey_folder).returncode == 3


def test_hints_render_and_convert(gcolor, grey_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    source.write_text('{"version": 1, "points": [{"x": 50, "y": 40, "color": "#d02010", "radius": 7}]}')
    done = gcolor("hints", "render", source, "-o", tmp_path / "drawn.png", "--picture", grey_folder / "a.jpg")
    assert done.returncode == 0, done.stderr
    drawn = pixels(tmp_path / "drawn.png")
    assert drawn.shape == pixels(grey_folder / "a.jpg").shape
    assert tuple(drawn[40, 50]) == (0xD0, 0x20, 0x10)
    assert gcolor("hints", "convert", source, "-o", tmp_path / "a.png", "--size", 144, 96).returncode == 0
    with Image.open(tmp_path / "a.png") as overlay:
        assert overlay.mode == "RGBA" and overlay.size == (144, 96)
        assert overlay.getpixel((50, 40)) == (0xD0, 0x20, 0x10, 255) and overlay.getpixel((5, 5))[3] == 0
    assert gcolor("hints", "convert", source, "-o", tmp_path / "a.txt", "--size", 144, 96).returncode == 2


def test_doctor_says_what_runs(gcolor) -> None:
    done = gcolor("doctor", "--json")
    report = json.loads(done.stdout)
    states = {row["part"]: row["state"] for row in report["parts"]}
    assert done.returncode == 0 and report["usable"] and states["engine onnx on cpu"] == "runs"
    assert set(report) == {"gcolor", "usable", "machine", "runs", "missing", "do", "parts"}
    table = gcolor("doctor", "-v", env={"COLUMNS": "80"}).stdout
    text = "".join(line.replace("│", "").replace(" ", "") for line in table.splitlines())
    assert "'gcolor[" in table and "…" not in table and all(len(line) <= 80 for line in table.splitlines())
    for row in report["parts"]:
        assert all(word in text for word in row["part"].split()), row


@pytest.mark.parametrize("width", [40, 80, 200])
def test_doctor_has_five_lines_for_people(monkeypatch: pytest.MonkeyPatch, capsys, width: int) -> None:
    from gcolor.cli.main import run
    from gcolor.runtime import doctor

    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(doctor, "_try", lambda backend, device, *_: "runs" if device == "cpu" else "does not run: why")
    monkeypatch.setattr(doctor, "_version", lambda name: None if name in ("rawpy", "ray") else "1.0")
    monkeypatch.setattr(doctor, "TWICE", {})
    assert run(["doctor"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said if line[0] != " "] == ["gcolor", "machine", "runs", "missing", "to"]
    assert all(len(line) <= max(width, 40) for line in said)
    text = " ".join(line.strip() for line in said)
    assert "onnx on cpu, torch on cpu" in text and "camera raw files (raw)" in text
    assert "pip install 'gcolor[raw,ray]'" in text


def test_doctor_names_the_one_command_that_mends(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from gcolor.cli.main import run
    from gcolor.runtime import doctor

    monkeypatch.setattr(doctor, "_try", lambda *_: "does not run: nothing is installed")
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    assert run(["doctor"]) == 6
    said = capsys.readouterr().out
    assert "cannot color here" in said and said.splitlines()[-1].split("to do")[1].strip() in (
        "pip install 'gcolor[cpu]'",
        "pip install 'gcolor[gpu]'",
    )


def test_doctor_finds_onnxruntime_installed_twice(gcolor, tmp_path: Path) -> None:
    """What is left after one of the two was removed: an empty package, and the other one's claim to be installed."""
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime" / "__init__.py").touch()
    for name in ("onnxruntime", "onnxruntime_gpu"):
        about = tmp_path / f"{name}-1.31.1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.31.1\n")
    env = {"PYTHONPATH": str(tmp_path)}
    report = json.loads(gcolor("doctor", "--json", env=env).stdout)
    states = {row["part"]: row for row in report["parts"]}
    assert "pip uninstall" in states["onnxruntime and onnxruntime-gpu"]["do"]
    assert "broken" in states["engine onnx on cpu"]["state"]
    (tmp_path / "imgs").mkdir()
    Image.new("L", (40, 40)).save(tmp_path / "imgs" / "a.png")
    done = gcolor("batch", tmp_path / "imgs", env=env)
    assert done.returncode == 6 and "pip uninstall" in done.stderr
