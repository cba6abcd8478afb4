"""Batches through NVIDIA DALI: decode of the crop alone, resize and flip, on the GPU where there is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from nvidia.dali import fn, pipeline_def, types
from nvidia.dali.plugin.pytorch import feed_ndarray
from torch import Tensor

from ...color.errors import UsageError
from ...runtime.device import parse_device
from ..config import Stage, TrainConfig
from ..distributed import World
from .crops import AREA, ASPECT, ATTEMPTS
from .shards import ShardSet

# Encoded photos from which the next is drawn at random; the shards are shuffled already.
SHUFFLE = 2048


@pipeline_def(enable_checkpointing=True)  # type: ignore[untyped-decorator]
def crops(shards: ShardSet, size: int, crop: str, world: World, gpu: bool) -> Any:
    """Photos of this rank's part of the shards, uint8 [3, size, size]."""
    data: Any = fn.readers.webdataset(
        paths=[str(p) for p in shards.tars],
        index_paths=[str(p) for p in shards.indices],
        ext=["jpg"],
        random_shuffle=True,
        initial_fill=SHUFFLE,
        shard_id=world.rank,
        num_shards=world.size,
        missing_component_behavior="error",
    )
    decoder: dict[str, Any] = {"device": "mixed" if gpu else "cpu", "output_type": types.RGB}
    photos: Any
    if crop == "stretch":
        photos = fn.decoders.image(data, **decoder)
    else:
        photos = fn.decoders.image_random_crop(
            data, random_area=list(AREA), random_aspect_ratio=list(ASPECT), num_attempts=ATTEMPTS, **decoder
        )
    photos = fn.resize(photos, size=[size, size], antialias=True)
    if crop != "stretch":
        photos = fn.flip(photos, horizontal=fn.random.coin_flip())
    return fn.transpose(photos, perm=[2, 0, 1])


class DaliLoader:
    """A DALI pipeline over the shards. Its state is DALI's own checkpoint, good for the same shards and world only."""

    kind = "dali"

    def __init__(
        self,
        shards: ShardSet,
        stage: Stage,
        begun: tuple[int, int],
        config: TrainConfig,
        world: World,
        state: bytes | None,
    ) -> None:
        if shards.photos < world.size:
            raise UsageError(f"{shards.photos} photos are too few for {world.size} processes; start fewer")
        self.gpu = parse_device(config.device).kind == "cuda"
        self.shape = (stage.batch_size // world.size, 3, stage.size, stage.size)
        self.device = torch.device(config.device)
        self.pipeline = crops(
            shards,
            stage.size,
            config.crop,
            world,
            self.gpu,
            batch_size=self.shape[0],
            num_threads=max(1, config.workers),
            device_id=(self.device.index or 0) if self.gpu else None,
            seed=int(np.random.SeedSequence((config.seed, *begun, world.rank)).generate_state(1)[0] >> 1),
            prefetch_queue_depth=2,
            checkpoint=state,
        )
        self.pipeline.build()

    def next(self) -> Tensor:
        made = self.pipeline.run()[0].as_tensor()
        batch = torch.empty(self.shape, dtype=torch.uint8, device=self.device)
        stream = torch.cuda.current_stream(self.device) if self.gpu else None
        feed_ndarray(made, batch, cuda_stream=stream)
        return batch

    def state(self) -> bytes:
        return bytes(self.pipeline.checkpoint())

    def close(self) -> None:
        del self.pipeline
