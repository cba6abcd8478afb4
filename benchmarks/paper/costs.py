"""What each row's training costs: ms of one core for a photo pass, into results/costs.json.

    python benchmarks/paper/costs.py [--steps 4]

A few steps on made-up photos at the row's size and batch, one thread; the fastest counts. It is processor time, so
other work on the machine is not counted, but slows what is: caches and memory are shared.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import numpy as np
import torch
from gcolor.runtime.files import save_json
from gcolor.runtime.memory import keep_freed_memory
from gcolor.trainer.denormals import denormals_flushed
from gcolor.trainer.distributed import World
from gcolor.trainer.loss import class_weights
from gcolor.trainer.session import begin
from gcolor.trainer.step import optimize

sys.path.insert(0, str(Path(__file__).parent.parent))
from paper import records
from paper.rows import ROWS, budget_of, configuration


def cost(name: str, steps: int) -> float:
    """Processor time of one training step of a row, in ms a photo: the least of so many."""
    config = configuration(name, 0, budget_of(name))
    (stage,) = config.stages
    state = begin(config, torch.device("cpu"), None)
    state.model.train()
    weights = class_weights(np.ones((2, 32), np.int64), config.rebalance)
    batch = torch.randint(0, 256, (stage.batch_size, 3, stage.size, stage.size), dtype=torch.uint8)
    taken = []
    for step in range(steps):
        begun = time.process_time()
        optimize(state.model, state, batch, weights, step, stage, config, World(), measure=False)
        taken.append(time.process_time() - begun)
    return 1000.0 * min(taken) / stage.batch_size


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--steps", type=click.IntRange(2), default=4, show_default=True)
def command(steps: int) -> None:
    """Measure all rows."""
    torch.set_num_threads(1)
    keep_freed_memory()
    found = {}
    with denormals_flushed():
        for name in ROWS:
            found[name] = round(cost(name, steps), 1)
            click.echo(f"{name}: {found[name]:.1f} ms a photo")
    save_json({"machine": records.machine(), "ms": found}, records.FOLDER / records.COSTS)


if __name__ == "__main__":
    command()
