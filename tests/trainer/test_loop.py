from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from gcolor.color.errors import GcolorError, UsageError  # noqa: E402
from gcolor.models import ModelConfig  # noqa: E402
from gcolor.models.weights import load_model  # noqa: E402
from gcolor.trainer.config import Stage, TrainConfig  # noqa: E402
from gcolor.trainer.loop import rate, stage_at, train  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

TINY = ModelConfig(channels=(8, 8, 16), blocks=(1, 1, 1), heads=2)


@pytest.fixture
def data(tmp_path: Path, make_scene) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(6):
        Image.fromarray(make_scene(seed=i)).save(folder / f"{i}.png")
    return folder


def config(steps: int, **changes: object) -> TrainConfig:
    stages = [Stage(until=0.5, size=32, batch_size=4), Stage(until=1.0, size=48, batch_size=2)]
    values = {
        "model": TINY,
        "steps": steps,
        "stages": stages,
        "log_every": 1,
        "threads": 1,
        "warmup_steps": 2,
        "max_grey": 1.0,
    }
    return TrainConfig(**values | changes)


def quiet(_: str) -> None:
    pass


def test_a_run_writes_weights_metrics_and_a_description(data: Path, tmp_path: Path) -> None:
    train([data], tmp_path / "run", config(4), validation=[data], report=quiet)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert [line["size"] for line in lines] == [32, 32, 48, 48]
    model, info = load_model(tmp_path / "run")
    assert info["step"] == 4 and set(info["scores"]) >= {"psnr@0", "psnr@36", "accuracy@10"}
    assert TrainConfig.from_dict(info["config"]) == config(4)
    assert not model.training


def test_training_learns(data: Path, tmp_path: Path) -> None:
    stages = [Stage(until=1.0, size=32, batch_size=8)]
    train([data], tmp_path / "run", config(120, stages=stages, recolor=0.0), report=quiet)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    distance = [json.loads(line)["distance"] for line in lines]
    assert np.mean(distance[-30:]) < 0.9 * np.mean(distance[:20])


def test_resumed_equals_uninterrupted(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train([data], tmp_path / "whole", config(6), report=quiet)

    class StopError(Exception):
        pass

    from gcolor.trainer import loop

    save, saves = loop.save_tensors, []

    def stop_after_first(*arguments: object) -> None:
        save(*arguments)
        saves.append(arguments)
        if len(saves) == 2:  # the checkpoint and the averaged weights of one moment
            raise StopError

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_tensors", stop_after_first)
        with pytest.raises(StopError):
            train([data], tmp_path / "parts", config(6, save_minutes=0.0), report=quiet)
    train([data], tmp_path / "parts", config(6), resume=True, report=quiet)
    whole, parts = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert [k for k in whole if k != "elapsed" and not torch.equal(whole[k], parts[k])] == []


def test_a_folder_with_a_run_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    train([data], tmp_path / "run", config(1), report=quiet)
    with pytest.raises(UsageError, match="--resume"):
        train([data], tmp_path / "run", config(1), report=quiet)


def test_a_loss_that_is_not_a_number_stops_the_run(data: Path, tmp_path: Path) -> None:
    with pytest.raises(GcolorError, match="learning rate"):
        train([data], tmp_path / "run", config(30, learning_rate=1e30, clip_norm=1e30), report=quiet)


def test_learning_rate_warms_up_then_falls() -> None:
    c = config(100, warmup_steps=10)
    assert rate(0.0, 0, c) == pytest.approx(c.learning_rate / 10)
    assert rate(0.1, 10, c) > 0.9 * c.learning_rate
    assert rate(1.0, 99, c) == pytest.approx(0.01 * c.learning_rate)


def test_stages_follow_the_budget() -> None:
    stages = config(1).stages
    assert [stage_at(p, stages).size for p in (0.0, 0.49, 0.5, 1.0)] == [32, 32, 48, 48]


def test_a_run_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a usable training run"):
        load_model(tmp_path)
