"""gcolor bench as it is run: figures that fit together, outputs that agree, exit codes."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from gcolor.runtime.manifest import DEFAULT

pytest.importorskip("onnxruntime")

TORCH = importlib.util.find_spec("torch") is not None
SHORT = ("--quick", "--quiet", "--threads", "1", "--size", "64", "--runs", "1", "--stage-runs", "0", "--device", "cpu")
Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Done:
    """One run with everything that it can write."""

    report: dict[str, Any]
    rows: list[dict[str, str]]
    markdown: str
    plot: Path | None


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("bench")
    plot = ["--plot", "b.png"] if importlib.util.find_spec("matplotlib") else []
    options = ["--quick", "--quiet", "--json", "--csv", "b.csv", "--markdown", "b.md", "--size", "96,160", *plot]
    options += ["--batch-size", "1,2", "--threads", "1", "--rounds", "2", "--runs", "2", "--stage-runs", "1"]
    command = [sys.executable, "-m", "gcolor", "bench", *options]
    found = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
    assert found.returncode == 0, found.stderr
    with (folder / "b.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # json.loads takes nothing before or behind the one object.
    return Done(json.loads(found.stdout), rows, (folder / "b.md").read_text(), folder / "b.png" if plot else None)


def test_every_configuration_has_its_row(done: Done) -> None:
    report = done.report
    engines = [(e["backend"], e["device"]) for e in report["engines"]]
    assert ("onnx", "cpu") in engines and (not TORCH or ("torch", "cpu") in engines)
    found = [(r["backend"], r["device"], r["size"], r["batch"]) for r in report["rows"]]
    wanted = [(*engine, size, batch) for engine, size, batch in product(engines, (96, 160), (1, 2))]
    assert sorted(found) == sorted(wanted) and not any("error" in row for row in report["rows"])
    # What was not measured is named with the reason.
    told = {*engines, *((m["backend"], m["device"]) for m in report["unavailable"])}
    assert {backend for backend, _ in told} == {"torch", "onnx", "trt", "trt-rtx"}
    assert all(m["reason"] for m in report["unavailable"])


def test_figures_of_a_row_fit_together(done: Done) -> None:
    for row in done.report["rows"]:
        assert 0 < row["p50_ms"] <= row["p90_ms"] <= row["p99_ms"]
        assert row["calls"] == 4 and len(row["round_p50_ms"]) == 2
        assert row["pictures_per_second"] == pytest.approx(1e3 * row["batch"] / row["p50_ms"])
        assert row["megapixels_per_second"] == pytest.approx(row["pictures_per_second"] * row["size"] ** 2 / 1e6)
        assert row["peak_memory_mb"] > 30 and row["first_call_ms"] > 0
    for engine in done.report["engines"]:
        assert 0 < engine["load_ms"] < engine["first_picture_ms"]
        peaks = [r["peak_memory_mb"] for r in done.report["rows"] if r["backend"] == engine["backend"]]
        assert max(peaks) < 3000


def test_machine_and_settings_are_recorded(done: Done) -> None:
    report = done.report
    assert {"processor", "cores", "onnxruntime"} <= set(report["machine"]) | {"onnxruntime"}
    assert (report["settings"]["threads"], report["settings"]["rounds"], report["settings"]["runs"]) == (1, 2, 2)
    assert report["settings"]["bundles"]["default"]["path"] == str(DEFAULT)


@pytest.mark.skipif(not TORCH, reason="accuracy wants PyTorch, which is not installed")
def test_onnx_paints_what_torch_paints(done: Done) -> None:
    of = {e["backend"]: e["accuracy"] for e in done.report["engines"] if e["device"] == "cpu"}
    assert of["torch"]["mean_ciede2000"] == 0 and of["torch"]["max_levels"] == 0
    assert of["onnx"]["max_levels"] <= 1 and of["onnx"]["mean_ciede2000"] < 0.1
    # The graph keeps its folded weights in half precision.
    assert of["onnx"]["bin_agreement"] > 0.998 and of["onnx"]["psnr"] > 55


def test_stages_sum_to_the_whole(done: Done) -> None:
    stages = [row for row in done.report["stages"] if row["device"] == "cpu"]
    assert {(row["backend"], row["size"]) for row in stages} >= {("onnx", 96), ("onnx", 160)}
    for row in stages:
        parts = [row[f"{name}_ms"] for name in ("decode", "pre", "net", "post", "encode", "rest")]
        assert sum(parts) == pytest.approx(row["whole_ms"]) and min(parts[:-1]) > 0 and parts[-1] > -1


def test_csv_has_the_same_figures(done: Done) -> None:
    assert len(done.rows) == len(done.report["rows"])
    for text, row in zip(done.rows, done.report["rows"], strict=True):
        for name, value in row.items():
            if name != "round_p50_ms":
                shown = text[name]
                assert shown == "" if value is None else shown == value or float(shown) == value, name
        engine = next(e for e in done.report["engines"] if e["backend"] == row["backend"])
        for name, value in (engine["accuracy"] or {}).items():
            assert float(text[name]) == value
        assert float(text["load_ms"]) == engine["load_ms"]
        whole = [s["whole_ms"] for s in done.report["stages"] if _same(s, row)] if row["batch"] == 1 else []
        assert text["whole_ms"] == (str(whole[0]) if whole else "")


def test_markdown_has_the_same_figures(done: Done) -> None:
    tables = [block.splitlines() for block in done.markdown.split("\n\n") if block.startswith("|")]
    assert len(tables) == 3 and all(len({line.count("|") for line in table}) == 1 for table in tables)
    header, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in tables[0])
    assert len(lines) == len(done.report["rows"])
    for cells, row in zip(lines, done.report["rows"], strict=True):
        shown = dict(zip(header, cells, strict=True))
        assert shown["p50 ms"] == f"{row['p50_ms']:.1f}" and shown["MP/s"] == f"{row['megapixels_per_second']:.2f}"
        assert shown["engine"] == f"{row['backend']} {row['device']} {row['precision']}"
        assert shown["batch x side"].removesuffix(" ~") == f"{row['batch']} x {row['size']}"
    for missing in done.report["unavailable"]:
        assert missing["reason"] in done.markdown


def test_plot_is_a_picture(done: Done) -> None:
    if done.plot is None:
        pytest.skip("matplotlib is not installed")
    assert done.plot.read_bytes().startswith(b"\x89PNG")


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[name] == other[name] for name in ("bundle", "backend", "device", "size"))


def test_compare_finds_what_became_slower(done: Done, gcolor: Run, tmp_path: Path) -> None:
    for factor, code in ((1e-3, 3), (1e3, 0)):
        old = json.loads(json.dumps(done.report))
        for row in old["rows"]:
            row["p50_ms"] *= factor
        old["machine"]["processor"] = "abacus"
        (tmp_path / "old.json").write_text(json.dumps(old))
        options = ["--compare", tmp_path / "old.json", "--fail-above", "5%", "--backend", "onnx", "--json"]
        found = gcolor("bench", *SHORT, "--no-accuracy", "--size", "96", *options)
        assert found.returncode == code, found.stderr
        (row,) = json.loads(found.stdout)["comparison"]["rows"]
        assert row["slower"] == (code == 3) and row["size"] == 96
        assert "processor was abacus" in found.stderr


def test_tables_fit_and_a_second_bundle_stands_beside_the_first(gcolor: Run, tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(DEFAULT)
    found = gcolor("bench", *SHORT, "--backend", "onnx", "--no-accuracy", DEFAULT, tmp_path / "other")
    assert found.returncode == 0, found.stderr
    tables = [line for line in found.stdout.splitlines() if "onnx cpu" in line]
    assert max(map(len, tables)) <= 120
    assert [line.split()[3] for line in tables[:2]] == ["default", "other"]


def test_an_engine_that_cannot_be_had_is_exit_6(gcolor: Run) -> None:
    found = gcolor("bench", "--quick", "-q", "--backend", "trt", "--json")
    assert found.returncode == 6 and found.stdout == ""
    assert found.stderr.startswith("error: backend trt cannot be measured here")


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--device", "abacus"], 6, "abacus"),
        (["--backend", "trt", "--device", "cpu"], 6, "only on cuda"),
        (["--backend", "vulkan"], 2, "vulkan"),
        (["--json", "--csv", "-"], 2, "stdout"),
        (["--fail-above", "5%"], 2, "--compare"),
        (["--fail-above", "five", "--compare", "x"], 2, "percentage"),
        (["--compare", "/nowhere.json"], 2, "nowhere.json"),
        (["--size", "12,x"], 2, "whole numbers"),
        (["--size", "0"], 2, "at least"),
        (["--photos", "/nowhere"], 2, "no such folder"),
        (["/nowhere"], 5, "no bundle"),
    ],
)
def test_wrong_calls(gcolor: Run, options: list[str], code: int, says: str) -> None:
    found = gcolor("bench", "--quick", *options)
    assert (found.returncode, found.stdout) == (code, "") and says in found.stderr


def test_without_torch_there_is_speed_and_the_reason_for_no_accuracy(gcolor: Run, tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('no torch', name='torch')\n")
    found = gcolor("bench", *SHORT, "--json", env={"PYTHONPATH": str(tmp_path)})
    assert found.returncode == 0, found.stderr
    report = json.loads(found.stdout)
    (engine,) = report["engines"]
    assert engine["backend"] == "onnx" and engine["accuracy"] is None
    assert "torch is not installed" in engine["accuracy_missing"]
    assert report["rows"][0]["p50_ms"] > 0
    assert any(m["backend"] == "torch" and "not installed" in m["reason"] for m in report["unavailable"])


def test_truth_is_scored(gcolor: Run, tmp_path: Path, make_scene: Callable[..., Any]) -> None:
    from PIL import Image

    for number in range(2):
        Image.fromarray(make_scene(200, 300, seed=number)).save(tmp_path / f"{number}.png")
    options = ["--backend", "onnx", "--json", "--truth", tmp_path, "--no-accuracy"]
    found = gcolor("bench", *SHORT, *options)
    assert found.returncode == 0, found.stderr
    report = json.loads(found.stdout)
    none, ten = report["engines"][0]["truth"]
    assert (none["hints"], ten["hints"], ten["photos"]) == (0, 10, 2)
    assert ten["ciede"]["mean"] < none["ciede"]["mean"]
    assert report["accuracy"] is None


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_sigterm_ends_the_engines_too() -> None:
    command = [sys.executable, "-m", "gcolor", "bench", "--quick", "--backend", "onnx", "--device", "cpu"]
    with subprocess.Popen([*command, "--seconds", "60"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("round 1"):
                break
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        workers = [int(pid) for pid in children.read_text().split()] if children.exists() else []
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 143
    for _ in range(50):
        if not any(Path(f"/proc/{pid}").exists() for pid in workers):
            return
        time.sleep(0.1)
    raise AssertionError("an engine's process lives on")
