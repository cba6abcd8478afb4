"""Training on a CUDA device: what the CPU cannot show. One command: pytest -m gpu"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from gcolor.trainer.config import Stage, TrainConfig  # noqa: E402
from gcolor.trainer.data.loader import has_dali, make_loader  # noqa: E402
from gcolor.trainer.data.prepare import PrepareOptions, prepare  # noqa: E402
from gcolor.trainer.distributed import World  # noqa: E402
from gcolor.trainer.loop import train  # noqa: E402
from gcolor.trainer.session import begin  # noqa: E402
from gcolor.trainer.step import optimize  # noqa: E402

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
STAGE = Stage(until=1.0, size=64, batch_size=8)
LOADERS = ["torch", pytest.param("dali", marks=pytest.mark.skipif(not has_dali(), reason="DALI is not installed"))]


@pytest.fixture
def shards(tmp_path: Path, make_scene):
    (tmp_path / "photos").mkdir()
    for i in range(12):
        Image.fromarray(make_scene(seed=i)).save(tmp_path / "photos" / f"{i}.png")
    options = PrepareOptions(max_grey=1.0)
    return prepare([tmp_path / "photos"], tmp_path / "shards", options, progress=None, report=print)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(("precision", "compiled"), [("fp32", False), ("bf16", False), ("fp16", False), ("bf16", True)])
def test_a_run_on_the_gpu_learns_and_resumes(
    shards, tmp_path: Path, loader: str, precision: str, compiled: bool
) -> None:
    values = {"stages": [STAGE], "device": "cuda:0", "log_every": 5, "warmup_steps": 5, "recolor": 0.0}
    for steps in (40, 45):
        config = TrainConfig(steps=steps, loader=loader, precision=precision, compile=compiled, **values)
        train([shards.folder], tmp_path / "run", config, resume=steps == 45)
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 5, 10, 15, 20, 25, 30, 35, 40, 45]
    assert np.mean([r["loss"] for r in rows[-3:]]) < np.mean([r["loss"] for r in rows[:3]])
    assert rows[-1]["gpu_memory_gb"] > 0


@pytest.mark.parametrize("loader", LOADERS)
def test_batches_are_on_the_gpu_and_continue_from_a_state(shards, loader: str) -> None:
    config = TrainConfig(device="cuda:0", loader=loader)
    first = make_loader(shards, STAGE, (0, 0), config, World(), None)
    first.next()
    state = first.state()
    rest = [first.next().cuda() for _ in range(4)]
    second = make_loader(shards, STAGE, (0, 0), config, World(), state)
    assert all(torch.equal(a, second.next().cuda()) for a in rest)
    first.close()
    second.close()


def test_a_step_costs_the_same_as_on_the_cpu(shards) -> None:
    batch = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8)
    losses = []
    for device in ("cpu", "cuda:0"):
        # Random hints differ between devices; the paper's network without hints does not need any.
        config = TrainConfig(stages=[STAGE], device=device, hints="none", recolor=0.0, age=0.0, frame=0.0)
        state = begin(config, torch.device(device), None)
        ones = torch.ones(2, 32, device=device)
        losses.append(optimize(state.model, state, batch.to(device), ones, 0, STAGE, config, World())["loss"].item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
