"""gcolor train as it is typed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")


@pytest.fixture
def photos(tmp_path: Path, make_scene) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(6):
        Image.fromarray(make_scene(seed=i)).save(folder / f"{i}.jpg", quality=95)
    return folder


def steps(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def configuration(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())["config"]


def test_prepare_train_resume_and_evaluate(gcolor, photos: Path, tmp_path: Path) -> None:
    shards, run = tmp_path / "shards", tmp_path / "run"
    done = gcolor("prepare", photos, "-o", shards, "--max-grey", 1)
    assert done.returncode == 0, done.stderr
    done = gcolor("train", shards, "-o", run, "--steps", 20, "--batch-size", 4, "--size", 32, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert steps(run) == [1, 10, 20] and done.stdout == ""
    before = configuration(run)
    assert before["stages"] == [{"until": 1.0, "size": 32, "batch_size": 4}]
    done = gcolor("train", shards, "-o", run, "--steps", 24, "--resume")
    assert done.returncode == 0, done.stderr
    assert "resumed at step 20" in done.stderr and steps(run) == [1, 10, 20, 24]
    assert configuration(run) == {**before, "steps": 24}
    done = gcolor("evaluate", run, photos, "--counts", "0,1", "--json")
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)


def test_ctrl_c_writes_a_checkpoint_from_which_the_run_goes_on(photos: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gcolor", "train", str(photos), "-o", str(tmp_path / "run"), "--steps", "5000"]
    command += ["--size", "32", "--batch-size", "2", "--max-grey", "1", "--device", "cpu", "--log-every", "1"]
    metrics = tmp_path / "run" / "metrics.jsonl"
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 200
        while not metrics.exists() or not metrics.read_text():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=200)
    assert process.returncode == 130 and "--resume goes on from here" in said
    last = steps(tmp_path / "run")[-1]
    command += ["--resume", "--steps", str(last + 1)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and f"resumed at step {last}" in done.stderr


def test_the_papers_preset_brings_its_recipe_and_options_change_it(gcolor, photos: Path, tmp_path: Path) -> None:
    options = ["--preset", "paper", "--size", 32, "--batch-size", 2, "--steps", 1, "--max-grey", 1, "--device", "cpu"]
    done = gcolor("train", photos, "-o", tmp_path / "run", *options, "--learning-rate", 0.001)
    assert done.returncode == 0, done.stderr
    found = configuration(tmp_path / "run")
    assert found["optimizer"] == "adam" and found["rebalance"] == "paper" and found["learning_rate"] == 0.001
    assert found["model"]["variant"] == "resunet" and found["crop"] == "stretch"
    done = gcolor("train", photos, "-o", tmp_path / "other", *options, "--recipe", "default")
    assert done.returncode == 0, done.stderr
    other = configuration(tmp_path / "other")
    assert other["model"] == found["model"] and other["optimizer"] == "adamw" and other["rebalance"] == "smoothed"
    done = gcolor("train", photos, "-o", tmp_path / "other", "--resume", "--recipe", "paper", "--device", "cpu")
    assert done.returncode == 2 and "a run that is resumed keeps its own" in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--preset", "huge"], 2, "--preset huge: not known; there are default, hintunet, paper"),
        (["--size", "100"], 2, "--size 100: must be a multiple of 16"),
        (["--device", "tpu"], 6, "device 'tpu' is not known; use auto, cpu, cuda or cuda:N"),
        (["--validation", "nowhere"], 2, "nowhere: no such folder"),
        (["--batch-size", "3", "--accumulate", "2", "--max-grey", "1"], 2, "choose a multiple of 2"),
        (["--max-grey", "0.0001"], 4, "--max-grey"),
    ],
)
def test_wrong_calls_are_one_clear_sentence(
    gcolor, photos: Path, tmp_path: Path, options: list[str], code: int, says: str
) -> None:
    done = gcolor("train", photos, "-o", tmp_path / "run", "--steps", 1, *options)
    assert done.returncode == code and says in done.stderr.splitlines()[-1], done.stderr


def test_cuda_that_is_not_there_is_an_engine_error(gcolor, photos: Path, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    done = gcolor("train", photos, "-o", tmp_path / "run", "--device", "cuda")
    assert done.returncode == 6 and "use --device cpu" in done.stderr


def test_a_shard_cut_short_is_named(gcolor, photos: Path, tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    assert gcolor("prepare", photos, "-o", shards, "--max-grey", 1).returncode == 0
    tar = next(shards.glob("*.tar"))
    tar.write_bytes(tar.read_bytes()[:-5000])
    done = gcolor("train", shards, "-o", tmp_path / "run", "--steps", 1, "--device", "cpu")
    assert done.returncode == 2 and f"{tar}: cut short" in done.stderr


def test_nothing_but_grey_is_said(gcolor, tmp_path: Path) -> None:
    (tmp_path / "grey").mkdir()
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / "grey" / "a.png")
    done = gcolor("train", tmp_path / "grey", "-o", tmp_path / "run", "--steps", 1, "--device", "cpu")
    assert done.returncode == 4 and "--max-grey" in done.stderr
