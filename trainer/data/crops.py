"""Random crops of the photos of shards, and the loader in plain torch that makes batches of them."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...color.errors import UsageError
from ...color.lab import Bytes
from ...runtime.device import parse_device
from ..config import Stage, TrainConfig
from ..distributed import World
from .photos import resize
from .shards import ShardSet

# Of a random crop: its share of the photo's area, its aspect, and how often to try for one that fits.
AREA = (0.3, 1.0)
ASPECT = (3 / 4, 4 / 3)
ATTEMPTS = 10
# Batches under way in the torch loader.
AHEAD = 3


def random_crop(photo: Bytes, size: int, rng: np.random.Generator) -> Bytes:
    """A random part of a photo (see AREA and ASPECT), made size x size, half of them mirrored.

    The parts are drawn as DALI and torchvision draw theirs: area uniform, aspect log-uniform, until one fits.
    """
    height, width = photo.shape[:2]
    for _ in range(ATTEMPTS):
        area = height * width * rng.uniform(*AREA)
        aspect = np.exp(rng.uniform(np.log(ASPECT[0]), np.log(ASPECT[1])))
        w, h = round(float(np.sqrt(area * aspect))), round(float(np.sqrt(area / aspect)))
        if 0 < w <= width and 0 < h <= height:
            break
    else:
        w = min(width, round(height * ASPECT[1]))
        h = min(height, round(width / ASPECT[0]))
    x, y = rng.integers(0, width - w + 1), rng.integers(0, height - h + 1)
    crop = resize(photo[y : y + h, x : x + w], size, size)
    return np.asarray(crop[:, ::-1] if rng.random() < 0.5 else crop, np.uint8)


class Crops:
    """The crop at each position of an endless row of epochs, each a new permutation of all photos.

    A crop depends on the seed and its position alone, so a run can go on anywhere, in any number of processes.
    """

    def __init__(self, shards: ShardSet, size: int, crop: str, seed: tuple[int, ...]) -> None:
        self.shards, self.where = shards, shards.locate()
        self.size, self.crop, self.seed = size, crop, seed
        self._order = lru_cache(2)(self._permutation)

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng((*self.seed, epoch, 1)).permutation(len(self.where))

    def photo(self, index: int) -> Bytes:
        """The photo of this number, RGB uint8 [H, W, 3]."""
        bgr = cv2.imdecode(np.frombuffer(self.shards.read(self.where[index]), np.uint8), cv2.IMREAD_COLOR)
        if bgr is None:
            tar, offset, _ = self.where[index]
            raise UsageError(f"{self.shards.tars[tar]}: damaged at byte {offset}; run `gcolor prepare` again")
        return np.asarray(bgr[..., ::-1], np.uint8)

    def at(self, position: int) -> Tensor:
        """The crop at a position, uint8 [3, size, size]."""
        epoch, number = divmod(position, len(self.where))
        photo = self.photo(int(self._order(epoch)[number]))
        if self.crop == "stretch":
            made = resize(photo, self.size, self.size)
        else:
            made = random_crop(photo, self.size, np.random.default_rng((*self.seed, position)))
        return torch.from_numpy(np.ascontiguousarray(made.transpose(2, 0, 1)))


class TorchLoader:
    """Crops made by OpenCV on a few threads, a few batches ahead; its state is the number of the next batch.

    Threads, not processes: OpenCV works outside Python's lock, and a process forked beside its threads can hang.
    """

    kind = "torch"

    def __init__(
        self,
        shards: ShardSet,
        stage: Stage,
        begun: tuple[int, int],
        config: TrainConfig,
        world: World,
        state: bytes | None,
    ) -> None:
        cv2.setNumThreads(1)  # each of the threads here keeps to one core
        self.crops = Crops(shards, stage.size, config.crop, (config.seed, *begun))
        self.batch_size, self.rows = stage.batch_size, stage.batch_size // world.size
        self.first = world.rank * self.rows
        self.pin = parse_device(config.device).kind == "cuda"
        self.given = int.from_bytes(state or b"", "little")
        self.pool = ThreadPoolExecutor(config.workers)
        self.ahead = deque(self._begin(self.given + i) for i in range(AHEAD))

    def _begin(self, number: int) -> list[Future[Tensor]]:
        start = number * self.batch_size + self.first
        return [self.pool.submit(self.crops.at, position) for position in range(start, start + self.rows)]

    def next(self) -> Tensor:
        batch = torch.stack([crop.result() for crop in self.ahead.popleft()])
        self.given += 1
        self.ahead.append(self._begin(self.given + AHEAD - 1))
        return batch.pin_memory() if self.pin else batch

    def state(self) -> bytes:
        return self.given.to_bytes(8, "little")

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)
