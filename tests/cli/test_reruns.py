"""`gcolor batch` run again: only what is not current is made, and nothing that is not gcolor's is touched."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.smoke

POINT = '{"version": 1, "points": [{"x": 20, "y": 20, "color": "#c03028"}]}'


def made(done) -> list[str]:
    """The names of the pictures that a run with --json made or failed at."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return sorted(line["picture"] for line in lines if "picture" in line)


@pytest.fixture
def rerun(gcolor, grey_folder: Path, tmp_path: Path):
    (tmp_path / "hints").mkdir()

    def run(*arguments: object, **options: object):
        return gcolor(
            "batch", grey_folder, "--hints", tmp_path / "hints", "-o", tmp_path / "out", "--json", *arguments, **options
        )

    return run


def test_a_rerun_makes_what_changed(rerun, grey_folder: Path, tmp_path: Path) -> None:
    assert made(rerun()) == ["a.jpg", "b.png", "sub/c.jpg"]
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.*g")}
    assert made(rerun()) == []
    (tmp_path / "hints" / "b.json").write_text(POINT)
    dry = rerun("--dry-run")
    assert [json.loads(line)["why"] for line in dry.stdout.splitlines()] == ["hints were added"]
    assert made(rerun()) == ["b.png"] and made(rerun()) == []
    (tmp_path / "hints" / "b.json").write_text(POINT.replace("c03028", "28c030"))
    assert made(rerun()) == ["b.png"]
    (tmp_path / "hints" / "b.json").unlink()
    os.utime(grey_folder / "a.jpg")
    assert made(rerun()) == ["b.png"]
    (tmp_path / "out" / "a.jpg").unlink()
    assert made(rerun()) == ["a.jpg"]
    assert made(rerun("--quality", 80)) == ["a.jpg", "sub/c.jpg"]
    assert made(rerun("--quality", 80)) == []
    assert made(rerun("--quality", 80, "--force")) == ["a.jpg", "b.png", "sub/c.jpg"]
    shutil.copy(grey_folder / "a.jpg", grey_folder / "sub" / "c.jpg")
    assert made(rerun("--quality", 80)) == ["sub/c.jpg"]
    assert all(p.stat().st_mtime_ns > before[p] for p in before)


def test_a_rerun_without_work_loads_no_model(rerun, tmp_path: Path) -> None:
    assert rerun().returncode == 0
    (tmp_path / "path" / "onnxruntime").mkdir(parents=True)
    (tmp_path / "path" / "onnxruntime" / "__init__.py").write_text("raise SystemExit(99)")
    (tmp_path / "path" / "cv2.py").write_text("raise SystemExit(98)")
    env = {"PYTHONPATH": str(tmp_path / "path")}
    done = rerun(env=env)
    assert done.returncode == 0 and "0 colored, 3 current" in done.stderr
    assert rerun("--force", env=env).returncode in (98, 99)


def test_another_bundle_makes_all_again(rerun, tmp_path: Path) -> None:
    import gcolor.runtime.manifest as bundles

    assert len(made(rerun())) == 3
    copy = tmp_path / "bundle"
    shutil.copytree(bundles.DEFAULT, copy)
    assert made(rerun("--bundle", copy)) == []  # the same graphs elsewhere
    manifest = json.loads((copy / "manifest.json").read_text())
    graph = (copy / "model.onnx").read_bytes()
    # One more field that no reader knows: another file, the same model.
    (copy / "model.onnx").write_bytes(graph + b"\xfa\xff\xff\xff\x0f\x00")
    manifest["files"]["model.onnx"] = bundles.sha256((copy / "model.onnx").read_bytes())
    (copy / "manifest.json").write_text(json.dumps(manifest))
    dry = rerun("--bundle", copy, "--dry-run")
    assert {json.loads(line)["why"] for line in dry.stdout.splitlines()} == {"another bundle"}
    manifest["files"] = {}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert rerun("--bundle", copy).returncode == 5


def test_files_of_others_are_left_alone(rerun, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.png").write_text("not from gcolor")
    done = rerun()
    assert done.returncode == 3 and "2 colored, 0 current, 1 failed" in done.stderr
    assert "b.png exists, and not from gcolor; keep it with --if-exists skip" in done.stderr
    assert (out / "b.png").read_text() == "not from gcolor"
    assert made(rerun("--if-exists", "skip")) == [] and (out / "b.png").read_text() == "not from gcolor"
    done = rerun("--if-exists", "error")
    assert done.returncode == 2 and "exists already" in done.stderr
    assert made(rerun("--if-exists", "overwrite")) == ["a.jpg", "b.png", "sub/c.jpg"]
    assert made(rerun()) == []
    (out / "a.jpg").write_bytes((out / "a.jpg").read_bytes() + b"retouched")
    done = rerun()
    assert done.returncode == 3 and "a.jpg was changed since gcolor made it" in done.stderr
    assert (out / "a.jpg").read_bytes().endswith(b"retouched")


@pytest.mark.parametrize("odd", [False, True])
def test_failures_are_listed_and_taken_back(rerun, grey_folder: Path, tmp_path: Path, odd: bool) -> None:
    bad = ["x.jpg", os.fsdecode(b"sub/caf\xe9.jpg")] + (["two\nlines.jpg", "cr.jpg\r.jpg"] if odd else [])
    good = (grey_folder / "a.jpg").read_bytes()
    for name in bad:
        (grey_folder / name).write_bytes(good[:500])
    failures = tmp_path / "failures"
    assert rerun("--failures", failures).returncode == 3
    listed = failures.read_bytes().strip(b"\0\n").split(b"\0" if odd else b"\n")
    assert sorted(map(os.fsdecode, listed)) == sorted(bad)
    for name in bad:
        (grey_folder / name).write_bytes(good)
    shutil.copy(grey_folder / "a.jpg", grey_folder / "later.jpg")
    done = rerun("--files-from", failures, "--failures", failures)
    assert done.returncode == 0 and len(made(done)) == len(bad)
    assert failures.read_bytes() == b"" and not (tmp_path / "out" / "later.jpg").exists()
    assert rerun("--files-from", failures).returncode == 4


def test_a_plain_list_from_the_standard_input(grey_folder: Path, tmp_path: Path, list_outputs) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "gcolor", "batch", "imgs", "-o", "out", "--files-from", "-"]
    done = subprocess.run(command, input=b"imgs/a.jpg\r\nsub/c.jpg\n", cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert list_outputs(tmp_path / "out") == ["a.jpg", "sub/c.jpg"]


def test_reports_say_what_became_of_each(rerun, grey_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "hints" / "b.json").write_text(POINT)
    (grey_folder / "bad.jpg").write_text("not a picture")
    rerun("--match", "a.jpg")
    assert rerun("--report", tmp_path / "r.csv").returncode == 3
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = {row["picture"]: row for row in csv.DictReader(file)}
    assert {name: row["status"] for name, row in rows.items()} == {
        "a.jpg": "current",
        "b.png": "colored",
        "bad.jpg": "failed",
        "sub/c.jpg": "colored",
    }
    assert (rows["b.png"]["width"], rows["b.png"]["height"]) == ("144", "96") and float(rows["b.png"]["seconds"]) > 0
    assert rows["b.png"]["hints"] == str(tmp_path / "hints" / "b.json")
    assert rows["b.png"]["output"] == str(tmp_path / "out" / "b.png")
    assert "not a picture" in rows["bad.jpg"]["error"] and rows["bad.jpg"]["width"] == ""
    rerun("--report", tmp_path / "r.jsonl", "--if-exists", "skip")
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    statuses = {line["picture"]: line["status"] for line in lines}
    assert statuses == {"a.jpg": "skipped", "b.png": "skipped", "sub/c.jpg": "skipped", "bad.jpg": "failed"}
    done = rerun("--report", tmp_path / "r.txt")
    assert done.returncode == 2 and "ends in .jsonl or .csv" in done.stderr
    done = rerun("--report", tmp_path / "missing" / "r.csv")
    assert done.returncode == 2 and "cannot be written" in done.stderr


def test_two_batches_at_once(rerun, tmp_path: Path) -> None:
    from gcolor.runtime.batch.journal import Journal

    (tmp_path / "out").mkdir()
    with Journal.open(tmp_path / "out"):
        done = rerun()
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert "another gcolor batch is writing there" in done.stderr
        assert rerun("--dry-run").returncode == 0
    assert rerun().returncode == 0


def test_a_damaged_journal_is_named(rerun, tmp_path: Path) -> None:
    assert rerun().returncode == 0
    journal = tmp_path / "out" / ".gcolor.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    lost = json.loads(lines[-1])["out"]
    journal.write_bytes(b"".join([*lines[:-1], b"garbage\n"]))
    done = rerun()
    assert done.returncode == 3 and f"line {len(lines)} cannot be read" in done.stderr
    assert f"{lost} exists, and not from gcolor" in done.stderr and "2 current" in done.stderr
    journal.write_text('{"journal": 99}\n')
    done = rerun()
    assert done.returncode == 2 and "a journal of format 99" in done.stderr
