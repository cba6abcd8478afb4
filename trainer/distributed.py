"""Several processes that train one network: where each stands, what they share, and how they are started."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

# Rank 0 alone prepares photos and scores; the others wait for it.
PATIENCE = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class World:
    """This process among all: rank of size, and rank of size on its machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @classmethod
    def from_environment(cls) -> World:
        """As torchrun has set it; alone without it."""
        names = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1}
        return cls(*(int(os.environ.get(name, default)) for name, default in names.items()))

    @property
    def nodes(self) -> int:
        """How many machines there are."""
        return max(1, self.size // self.local_size)

    @property
    def first(self) -> bool:
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes."""
        if self.size > 1:
            dist.all_reduce(values)
            values = values / self.size
        return values

    def agree(self, value: float, device: torch.device) -> float:
        """Rank 0's value, so that clocks that differ do not part the processes."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64, device=device)
        dist.broadcast(shared, 0)
        return float(shared)

    def gather(self, value: bytes) -> list[bytes]:
        """Every rank's value, in order of rank."""
        if self.size == 1:
            return [value]
        values: list[bytes] = [b""] * self.size
        dist.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        if self.size > 1:
            dist.barrier()


@contextmanager
def joined(world: World, device: torch.device) -> Iterator[None]:
    """A process group while the block runs: NCCL for GPUs, gloo for CPUs; none for a process that is alone."""
    if world.size == 1:
        yield
        return
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.set_device(device)
    # A store of its own for each start: the agent's keeps the addresses of processes that have died.
    store, rank, size = next(rendezvous("env://", timeout=PATIENCE))
    dist.init_process_group(
        "nccl" if on_gpu else "gloo",
        store=PrefixStore(f"gcolor/{_starts()}", store),
        rank=rank,
        world_size=size,
        timeout=PATIENCE,
        device_id=device if on_gpu else None,
    )
    try:
        yield
    finally:
        dist.destroy_process_group()


class _SumOverAll(torch.autograd.Function):
    """The sum of a tensor over all processes; so is the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _sum_over_all(x: Tensor) -> Tensor:
    total: Tensor = _SumOverAll.apply(x)
    return total


class SyncBatchNorm(nn.BatchNorm2d):
    """Batch normalization by the statistics of all processes' batches; torch's own does so on GPUs only."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        count = x.numel() / x.shape[1] * dist.get_world_size()
        mean = _sum_over_all(x.sum((0, 2, 3))) / count
        centered = x - mean.view(1, -1, 1, 1)
        variance = _sum_over_all(centered.square().sum((0, 2, 3))) / count
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        with torch.no_grad():
            momentum = self.momentum if self.momentum is not None else 0.1
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance * count / (count - 1), momentum)
            self.num_batches_tracked += 1
        scale = self.weight / (variance + self.eps).sqrt()
        return centered * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


def synchronized(model: nn.Module, device: torch.device) -> nn.Module:
    """The network with its batch normalizations over all processes, weights and names unchanged."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncBatchNorm
    return model


def launch(arguments: list[str], processes: int) -> int:
    """Start `gcolor` with these arguments in so many processes under torchrun's elastic agent; returns the exit code.

    When one dies, the agent starts all again, up to three times, and they go on from the last checkpoint.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        run_id="gcolor",
        max_restarts=3,
        monitor_interval=0.5,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "gcolor", *arguments)
    except ChildFailedError as error:
        codes = [failure.exitcode for failure in error.failures.values()]
        return next((code for code in codes if code > 0), 1)
    return 0


def restarted() -> bool:
    """Has the elastic agent started this process again?"""
    return _starts() > 0


def _starts() -> int:
    """How often the elastic agent has started all processes again."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
