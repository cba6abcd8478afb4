"""Denormal numbers: 0 while a run trains, in all its threads, and numbers as before when it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from gcolor.models import ModelConfig  # noqa: E402
from gcolor.trainer.config import Stage, TrainConfig  # noqa: E402
from gcolor.trainer.denormals import denormals_flushed  # noqa: E402
from gcolor.trainer.loop import train  # noqa: E402

# As many numbers as torch divides among its threads.
MANY = 1_000_000


def kept() -> float:
    """The share of denormal numbers that are still there after a multiplication by one."""
    denormal = torch.ones(MANY, dtype=torch.int32).view(torch.float32)
    return float((torch.mul(denormal, 1.0).view(torch.int32) != 0).float().mean())


def one_step(shards: Path, run: Path, on_row: Callable[[object], None], threads: int = 1) -> None:
    """Train for a step; on_row is called while the run is on."""
    model = ModelConfig(channels=(8, 8, 16), blocks=(1, 1, 1), heads=2)
    stages = [Stage(until=1.0, size=32, batch_size=2)]
    config = TrainConfig(model=model, steps=1, stages=stages, loader="torch", threads=threads)
    train([shards], run, config, on_row=on_row)


@pytest.fixture(autouse=True)
def _switch() -> None:
    with denormals_flushed():
        if torch.tensor(1e-40).item() != 0.0:
            pytest.skip("this processor has no switch for denormal numbers")


def test_they_are_0_while_a_run_trains_and_numbers_after(shard_folder: Path, tmp_path: Path) -> None:
    found: list[float] = []
    one_step(shard_folder, tmp_path / "run", lambda _: found.append(kept()))
    assert found == [0.0] and kept() == 1.0


def test_a_run_that_fails_puts_the_switch_back(shard_folder: Path, tmp_path: Path) -> None:
    def fail(_: object) -> None:
        assert kept() == 0.0
        raise KeyError("row")

    with pytest.raises(KeyError, match="row"):
        one_step(shard_folder, tmp_path / "run", fail)
    assert kept() == 1.0


def test_all_threads_of_a_run_take_them_for_0(shard_folder: Path, tmp_path: Path) -> None:
    # In a process of its own, as `gcolor train` is one: torch's threads start within the run.
    program = (
        "import sys; from pathlib import Path; from gcolor.tests.trainer.test_denormals import kept, one_step\n"
        "one_step(Path(sys.argv[1]), Path(sys.argv[2]), lambda _: print(kept()), threads=2)"
    )
    command = [sys.executable, "-c", program, str(shard_folder), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "0.0", done.stderr
