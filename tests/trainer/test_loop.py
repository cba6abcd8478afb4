"""Runs: what they write, that a resumed one is the uninterrupted one, and how they refuse."""

from __future__ import annotations

import json
import operator
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import gcolor.trainer.loop  # noqa: E402
from gcolor.color.errors import GcolorError, NothingToDoError, UsageError  # noqa: E402
from gcolor.models import ModelConfig  # noqa: E402
from gcolor.models.run_folder import load_model  # noqa: E402
from gcolor.runtime.bundle import load_bundle  # noqa: E402
from gcolor.runtime.manifest import DEFAULT, WEIGHTS  # noqa: E402
from gcolor.trainer import checkpoint  # noqa: E402
from gcolor.trainer.config import Stage, TrainConfig  # noqa: E402
from gcolor.trainer.data.loader import has_dali  # noqa: E402
from gcolor.trainer.loop import train  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

TINY = ModelConfig(channels=(8, 8, 16), blocks=(1, 1, 1), heads=2)
KINDS = ["torch", pytest.param("dali", marks=pytest.mark.skipif(not has_dali(), reason="DALI is not installed"))]


def config(steps: int, **changes: object) -> TrainConfig:
    stages = [Stage(until=0.5, size=32, batch_size=4), Stage(until=1.0, size=48, batch_size=2)]
    values = {
        "model": TINY,
        "steps": steps,
        "stages": stages,
        "log_every": 1,
        "threads": 1,
        "warmup_steps": 2,
        "loader": "torch",
    }
    return TrainConfig(**values | changes)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def differences(a: Path, b: Path) -> list[str]:
    """Names of what differs between the newest checkpoints of two runs, but for the clock."""
    (tensors_a, at_a), (tensors_b, at_b) = (checkpoint.load(checkpoint.checkpoints(run)[0]) for run in (a, b))
    assert tensors_a.keys() == tensors_b.keys()
    found = [name for name in tensors_a if not torch.equal(tensors_a[name], tensors_b[name])]
    names = ("step", "stage", "begun", "loaders", "data")
    return found + [name for name in names if getattr(at_a, name) != getattr(at_b, name)]


def test_a_run_writes_weights_metrics_scores_figures_and_a_description(
    shard_folder: Path, photo_folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    wanted = config(4, evaluate_every=2, evaluate_photos=2, validation=str(photo_folder))
    train([shard_folder], run, wanted)
    rows = lines(run / "metrics.jsonl")
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert [row["size"] for row in rows] == [32, 32, 48, 48]
    assert all(set(row) >= {"loss", "accuracy", "entropy", "patch", "distance", "photos_per_second"} for row in rows)
    assert [line["step"] for line in lines(run / "validation.jsonl")] == [2, 4]
    model, info = load_model(run)
    assert info["step"] == 4 and {row["hints"] for row in info["scores"]} == {0, 10, 36}
    assert TrainConfig.from_dict(info["config"]) == wanted
    assert not model.training
    assert (run / "best.safetensors").exists() and list((run / "photos").glob("*.jpg"))
    assert {p.name for p in (run / "figures").iterdir()} == {"curves.png", "samples.png", "confusion.png"}
    assert list((run / "tensorboard").glob("events.*"))


def test_the_pace_is_that_of_training_alone(
    shard_folder: Path, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    def taking(seconds: float, path: str) -> None:
        """Let something take so many seconds of a clock that stands still otherwise."""
        function = operator.attrgetter(path)(gcolor.trainer)

        def slow(*args: Any, **named: Any) -> Any:
            now[0] += seconds
            return function(*args, **named)

        monkeypatch.setattr(f"gcolor.trainer.{path}", slow)

    monkeypatch.setattr("gcolor.trainer.clock.time", SimpleNamespace(monotonic=lambda: now[0]))
    taking(0.5, "data.crops.TorchLoader.next")
    taking(1.5, "loop.optimize")
    taking(1000.0, "running.evaluate_network")
    taking(3000.0, "checkpoint.save")
    taking(7000.0, "running.open_loader")
    wanted = config(
        12,
        log_every=3,
        evaluate_every=2,
        save_every=4,
        evaluate_photos=1,
        validation=str(photo_folder),
        rebalance="none",
    )
    train([shard_folder], tmp_path / "run", wanted)
    rows = lines(tmp_path / "run" / "metrics.jsonl")
    assert [row["step"] for row in rows] == [1, 3, 6, 9, 12]
    # Two seconds a step, a quarter of them spent on waiting, whatever was scored, saved or opened in between.
    assert [row["photos_per_second"] for row in rows] == [2.0, 2.0, 2.0, 1.0, 1.0]
    assert [row["waiting"] for row in rows] == [0.25] * 5
    assert rows[-1]["seconds"] > 10_000  # the run's own clock counts everything


def test_training_learns(shard_folder: Path, tmp_path: Path) -> None:
    stages = [Stage(until=1.0, size=32, batch_size=8)]
    train([shard_folder], tmp_path / "run", config(120, stages=stages, recolor=0.0, log_every=10))
    distance = [row["distance"] for row in lines(tmp_path / "run" / "metrics.jsonl")]
    assert np.mean(distance[-3:]) < 0.9 * np.mean(distance[:2])


@pytest.mark.parametrize("kind", KINDS)
def test_resumed_equals_uninterrupted(shard_folder: Path, tmp_path: Path, kind: str) -> None:
    for steps, run, resume in ((8, "whole", False), (8, "parts", False)):
        train([shard_folder], tmp_path / run, config(steps, loader=kind, save_every=3), resume=resume)
    for path in checkpoint.checkpoints(tmp_path / "parts")[:1]:
        path.unlink()  # back to step 6, as after a cut
    said: list[str] = []
    train([shard_folder], tmp_path / "parts", config(8, loader=kind), resume=True, report=said.append)
    assert said == ["resumed at step 6"]
    assert differences(tmp_path / "whole", tmp_path / "parts") == []
    assert [row["step"] for row in lines(tmp_path / "parts" / "metrics.jsonl")] == list(range(1, 9))


@pytest.mark.parametrize("kind", KINDS)
def test_killed_and_resumed_equals_uninterrupted(shard_folder: Path, tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-m", "gcolor", "train", str(shard_folder), "--steps", "12", "--batch-size", "2"]
    command += ["--size", "32", "--device", "cpu", "--threads", "1", "--loader", kind, "--save-every", "2"]
    command += ["--log-every", "1", "-o"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True, timeout=300)
    metrics = tmp_path / "cut" / "metrics.jsonl"
    process = subprocess.Popen([*command, str(tmp_path / "cut")], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 200
    while not metrics.exists() or metrics.read_text().count("\n") < 5:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(checkpoint.checkpoints(tmp_path / "cut")) > 0
    subprocess.run([*command, str(tmp_path / "cut"), "--resume"], check=True, capture_output=True, timeout=300)
    assert differences(tmp_path / "whole", tmp_path / "cut") == []
    assert [row["step"] for row in lines(metrics)] == list(range(1, 13))
    losses = [[row["loss"] for row in lines(tmp_path / name / "metrics.jsonl")] for name in ("whole", "cut")]
    assert losses[0] == losses[1]


def test_two_processes_learn_what_one_learns(shard_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gcolor", "train", str(shard_folder), "--steps", "6", "--batch-size", "4"]
    command += ["--size", "48", "--device", "cpu", "--threads", "1", "--loader", "torch", "--log-every", "1", "-o"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name, more in (("one", []), ("two", ["--gpus", "2"])):
        done = subprocess.run(
            [*command, str(tmp_path / name), *more], capture_output=True, text=True, timeout=300, env=environment
        )
        assert done.returncode == 0, done.stderr
    one, two = (lines(tmp_path / name / "metrics.jsonl") for name in ("one", "two"))
    assert [row["step"] for row in two] == list(range(1, 7))
    for name in ("loss", "accuracy", "entropy", "patch", "distance"):
        assert np.allclose([r[name] for r in one], [r[name] for r in two], rtol=2e-3, atol=2e-3), name
    (_, info) = load_model(tmp_path / "two")
    assert info["config"]["processes"] == 2
    # What two processes have begun, one goes on with, and says so.
    more = ["--steps", "7", "--gpus", "1", "--resume"]
    done = subprocess.run([*command, str(tmp_path / "two"), *more], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "made by 2 process(es) and goes on in 1" in done.stderr
    assert [row["step"] for row in lines(tmp_path / "two" / "metrics.jsonl")] == list(range(1, 8))


def test_when_a_process_dies_all_start_again_from_the_last_checkpoint(shard_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "gcolor", "train", str(shard_folder), "--steps", "40", "--batch-size", "4"]
    command += ["--size", "32", "--device", "cpu", "--threads", "1", "--loader", "torch", "--log-every", "1"]
    command += ["--save-every", "4", "--gpus", "2", "-o", str(run)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 200
    while not checkpoint.checkpoints(run):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    ranks = [p for p in Path("/proc").iterdir() if p.name.isdecimal() and _rank(p) == ("1", str(process.pid))]
    os.kill(int(ranks[0].name), signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "resumed at step" in said
    assert [row["step"] for row in lines(run / "metrics.jsonl")] == list(range(1, 41))


def _rank(process: Path) -> tuple[str, str] | None:
    """The rank and the parent of a process."""
    try:
        environment = dict(part.split("=", 1) for part in (process / "environ").read_text().split("\0") if "=" in part)
        return environment.get("RANK", ""), (process / "stat").read_text().rsplit(")", 1)[1].split()[1]
    except OSError:
        return None


def test_a_plain_folder_becomes_shards_in_the_run(photo_folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    train([photo_folder], tmp_path / "run", config(2, max_grey=1.0), report=said.append)
    assert (tmp_path / "run" / "shards" / "manifest.json").exists()
    train([photo_folder], tmp_path / "run", config(3, max_grey=1.0), resume=True)
    assert len(lines(tmp_path / "run" / "metrics.jsonl")) == 3


def test_no_photo_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToDoError, match="no photo"):
        train([tmp_path / "empty"], tmp_path / "run", config(2))


def test_only_the_last_checkpoints_and_the_best_stay(shard_folder: Path, photo_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train([shard_folder], run, config(5, save_every=1, keep=2, evaluate_photos=1, validation=str(photo_folder)))
    assert [p.name for p in checkpoint.checkpoints(run)] == ["step-00000005.safetensors", "step-00000004.safetensors"]
    model, _ = load_model(run, "best.safetensors")
    assert not model.training


def test_a_folder_with_a_run_is_not_overwritten(shard_folder: Path, tmp_path: Path) -> None:
    train([shard_folder], tmp_path / "run", config(1))
    with pytest.raises(UsageError, match="--resume"):
        train([shard_folder], tmp_path / "run", config(1))


def test_a_checkpoint_of_another_network_is_refused(shard_folder: Path, tmp_path: Path) -> None:
    train([shard_folder], tmp_path / "run", config(1))
    other = config(2, model=ModelConfig(variant="unet", channels=(8, 8, 8, 8)))
    with pytest.raises(UsageError, match=r"holds another network \(hintunet.*choose its --preset"):
        train([shard_folder], tmp_path / "run", other, resume=True)


def test_a_run_begins_with_the_weights_of_another(shard_folder: Path, tmp_path: Path) -> None:
    train([shard_folder], tmp_path / "first", config(2))
    train([shard_folder], tmp_path / "second", config(1, learning_rate=0.0), start=tmp_path / "first")
    first, second = (load_model(tmp_path / name)[0].state_dict() for name in ("first", "second"))
    weights = [name for name in first if "running" not in name and "tracked" not in name]
    assert all(torch.allclose(first[name], second[name]) for name in weights)
    with pytest.raises(UsageError, match="another network"):
        train([shard_folder], tmp_path / "third", config(1, model=ModelConfig()), start=tmp_path / "first")


def test_a_run_may_start_from_a_bundle(shard_folder: Path, tmp_path: Path) -> None:
    shipped = ModelConfig.from_dict(load_bundle().manifest.model)
    train([shard_folder], tmp_path / "run", config(1, learning_rate=0.0, model=shipped), start=DEFAULT)
    before, after = load_file(DEFAULT / WEIGHTS), load_file(tmp_path / "run" / "model.safetensors")
    weights = [name for name in before if "running" not in name and "num_batches" not in name]
    assert all(torch.equal(before[name].float(), after[name]) for name in weights)


def test_changed_data_is_said_and_training_goes_on(shard_folder: Path, photo_folder: Path, tmp_path: Path) -> None:
    train([shard_folder], tmp_path / "run", config(2))
    said: list[str] = []
    train([shard_folder, photo_folder], tmp_path / "run", config(4, max_grey=1.0), resume=True, report=said.append)
    assert "a new pass over the photos begins (the data has changed)" in said
    assert len(lines(tmp_path / "run" / "metrics.jsonl")) == 4


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(shard_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train([shard_folder], run, config(4, save_every=2))
    newest = checkpoint.checkpoints(run)[0]
    newest.write_bytes(newest.read_bytes()[:1000])
    said: list[str] = []
    train([shard_folder], run, config(4), resume=True, report=said.append)
    assert "step-00000004.safetensors: damaged" in said[0] and said[1] == "resumed at step 2"


def test_a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_checkpoint(shard_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train([shard_folder], run, config(1))
    with pytest.raises(GcolorError, match="learning-rate"):
        train([shard_folder], run, config(30, learning_rate=1e30, clip_norm=0.0, save_every=1), resume=True)
    flat, _ = checkpoint.load(checkpoint.checkpoints(run)[0])
    model, _ = load_model(run)
    assert all(torch.isfinite(t).all() for t in model.state_dict().values() if t.is_floating_point())
    assert all(torch.isfinite(t).all() for name, t in flat.items() if t.is_floating_point())


def test_a_full_disk_leaves_the_checkpoint_before(shard_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "gcolor", "train", str(shard_folder), "-o", str(run), "--batch-size", "2"]
    command += ["--size", "32", "--device", "cpu", "--loader", "torch", "--save-every", "1", "--steps"]
    subprocess.run([*command, "2"], check=True, capture_output=True, timeout=300)
    before = {p: p.read_bytes() for p in [*checkpoint.checkpoints(run), run / "model.safetensors"]}

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    done = subprocess.run([*command, "4", "--resume"], capture_output=True, text=True, timeout=300, preexec_fn=small)
    assert done.returncode == 2 and "the last checkpoint is intact" in done.stderr.splitlines()[-1], done.stderr
    assert all(path.read_bytes() == data for path, data in before.items())
    assert not list(run.rglob(".gcolor-*"))
    subprocess.run([*command, "4", "--resume"], check=True, capture_output=True, timeout=300)


def test_a_run_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a usable training run"):
        load_model(tmp_path)
