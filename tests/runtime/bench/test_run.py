"""What `gcolor bench` measures with: made pictures, worker processes, accuracy, the comparison with an old report."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gcolor.color import scores
from gcolor.color.errors import EngineError, UsageError
from gcolor.runtime.bench import accuracy
from gcolor.runtime.bench.compare import compare_reports, read_report
from gcolor.runtime.bench.process import WorkerError, WorkerProcess
from gcolor.runtime.bench.run import run_bench
from gcolor.runtime.bench.scenes import scene
from gcolor.runtime.bench.settings import Settings
from gcolor.runtime.machine import describe
from gcolor.runtime.manifest import DEFAULT


def test_scenes_are_the_same_every_time_and_differ_from_each_other() -> None:
    one, again, other = scene(120, 160, 0), scene(120, 160, 0), scene(120, 160, 1)
    assert one.dtype == np.uint8 and one.shape == (120, 160, 3)
    np.testing.assert_array_equal(one, again)
    assert np.abs(one.astype(int) - other).mean() > 10
    assert scores.colorfulness(one) > 15


@pytest.mark.parametrize("size", [(1, 1), (16, 300), (2000, 16)])
def test_scenes_of_any_size(size: tuple[int, int]) -> None:
    assert scene(*size).shape == (*size, 3)


def test_memory_grows_by_what_is_taken() -> None:
    code = (
        "import numpy as np; from gcolor.runtime.machine import peak_memory_mb as peak; before = peak()\n"
        "taken = np.ones(100 * 2**20, np.uint8); print(before, peak())"
    )
    # The parent's own memory is none of the child's.
    taken = np.ones(300 * 2**20, np.uint8)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    assert taken.all() and 99 < after - before < 110 and before < 300


def test_the_machine_is_described_by_json() -> None:
    found = describe()
    assert json.loads(json.dumps(found)) == found
    assert {"processor", "cores", "python", "gcolor", "numpy"} <= set(found)


def test_hints_of_the_accuracy_show_the_photos_own_colors() -> None:
    rgb = np.full((300, 450, 3), (200, 40, 90), np.uint8)
    none, ten = accuracy.parity_tasks({"red": rgb})
    assert not none.hints.any()
    hinted = ten.hints[..., 3] == 255
    assert 9 <= hinted.sum() <= 90 and (ten.hints[hinted][:, :3] == (200, 40, 90)).all()
    assert ten.hints.shape[0] == 256 and not ten.hints[~hinted].any()


def test_accuracy_of_a_known_difference() -> None:
    wanted = accuracy.Made(scene(64, 64), np.zeros((2, 8, 8), np.float32))
    lighter = np.minimum(wanted.colored.astype(int) + 2, 255).astype(np.uint8)
    same = accuracy.compare([wanted], [wanted])
    other = accuracy.compare([accuracy.Made(lighter, wanted.ab + 8)], [wanted])
    assert (same["mean_ciede2000"], same["max_levels"], same["bin_agreement"]) == (0.0, 0, 1.0)
    assert other["max_levels"] == 2 and other["bin_agreement"] == 0.0
    assert other["psnr"] == pytest.approx(scores.psnr(lighter, wanted.colored))


def test_colors_that_are_no_numbers_are_no_accuracy() -> None:
    wanted = accuracy.Made(scene(32, 32), np.zeros((2, 8, 8), np.float32))
    with pytest.raises(EngineError, match="not numbers"):
        accuracy.compare([accuracy.Made(wanted.colored, wanted.ab * np.nan)], [wanted])


def test_a_worker_answers_and_says_what_is_wrong() -> None:
    pytest.importorskip("onnxruntime")
    with WorkerProcess() as process:
        opened = process.ask("open", bundle=str(DEFAULT), backend="onnx", device="cpu", threads=1)
        assert opened["device"] == "cpu" and opened["load_ms"] > 0
        assert process.ask("prepare", size=64, batch=2)["first_call_ms"] > 0
        assert len(process.ask("measure", size=64, batch=2, seconds=0.0, runs=3)["calls_ms"]) == 3
        assert len(process.ask("measure", size=64, batch=2, seconds=1e-9, runs=None)["calls_ms"]) == 1
        with pytest.raises(WorkerError, match="No such file"):
            process.ask("color", source="/nowhere.npz", target="/nowhere2.npz")
        with pytest.raises(WorkerError, match="not known") as wrong:
            process.ask("open", bundle=str(DEFAULT), backend="onnx", device="abacus", threads=1)
        assert wrong.value.exit_code == 6


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_worker_that_dies_is_an_error_and_no_hang() -> None:
    with WorkerProcess() as process:
        with pytest.raises(WorkerError, match="was killed"):
            os.kill(process._process.pid, signal.SIGKILL)
            process.ask("open", bundle=str(DEFAULT), backend="onnx", device="cpu", threads=1)
        with pytest.raises(WorkerError):
            process.ask("prepare", size=64, batch=1)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_an_engine_that_dies_midway_leaves_rows_that_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    ask = WorkerProcess.ask

    def ask_and_kill(self: WorkerProcess, do: str, **given: Any) -> dict[str, Any]:
        if do == "measure" and given["size"] == 96:
            os.kill(self._process.pid, signal.SIGKILL)
        return ask(self, do, **given)

    monkeypatch.setattr(WorkerProcess, "ask", ask_and_kill)
    times: dict[str, Any] = {"rounds": 1, "seconds": 0.01, "runs": 1, "stage_runs": 1, "threads": 1}
    settings = Settings(
        backends=("onnx",), device="cpu", sizes=(64, 96), batch_sizes=(1,), photos={}, photos_source="", **times
    )
    report = run_bench({"default": None}, settings, lambda _: None)
    small, large = report["rows"]
    assert small["p50_ms"] > 0 and "error" not in small
    assert "was killed" in large["error"] and "p50_ms" not in large
    assert all("error" in row for row in report["stages"])


ROW = {"bundle": "a", "precision": "fp32", "backend": "onnx", "device": "cpu", "batch": 1}
REPORT: dict[str, Any] = {
    "machine": {"processor": "p", "torch": "2"},
    "settings": {"threads": 2, "bundles": {"a": {"name": "unet-1"}}},
    "rows": [{**ROW, "size": 256, "p50_ms": 10.0}, {**ROW, "size": 512, "p50_ms": 40.0}],
}


def test_a_report_against_itself_is_as_fast() -> None:
    found = compare_reports(REPORT, REPORT, 0.0)
    assert [row["ratio"] for row in found["rows"]] == [1.0, 1.0]
    assert not any(row["slower"] for row in found["rows"]) and not found["warnings"]


def test_the_slower_row_is_found_and_differences_are_named() -> None:
    old = copy.deepcopy(REPORT)
    old["rows"][0]["p50_ms"] = 9.0
    old["rows"].append({**ROW, "size": 1024, "p50_ms": 1.0})
    old["machine"]["torch"] = "1"
    old["settings"] = {"threads": 1, "bundles": {"a": {"name": "unet-0"}}}
    found = compare_reports(REPORT, old, 0.05)
    assert [row["slower"] for row in found["rows"]] == [True, False]
    assert found["rows"][0]["ratio"] == pytest.approx(10 / 9)
    text = "\n".join(found["warnings"])
    for part in ("torch was 1, is 2", "threads was 1, is 2", "unet-0, is unet-1", "only in the old report: a", "1024"):
        assert part in text
    assert not any(row["slower"] for row in compare_reports(REPORT, old, None)["rows"])


def test_a_limit_that_guards_nothing_is_an_error() -> None:
    with pytest.raises(UsageError, match="no configuration"):
        compare_reports(REPORT, {**REPORT, "rows": []}, 0.05)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": [{}], "machine": {}, "settings": {}}', '{"rows": 3}'])
def test_what_is_no_report_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(text)
    with pytest.raises(UsageError, match="old.json"):
        read_report(tmp_path / "old.json")
