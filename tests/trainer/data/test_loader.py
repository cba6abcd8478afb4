"""Both loaders against what they promise, and against each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from gcolor.color.errors import EngineError, UsageError  # noqa: E402
from gcolor.trainer.config import Stage, TrainConfig  # noqa: E402
from gcolor.trainer.data import loader as loaders  # noqa: E402
from gcolor.trainer.data.loader import make_loader  # noqa: E402
from gcolor.trainer.data.prepare import PrepareOptions, prepare  # noqa: E402
from gcolor.trainer.data.shards import ShardSet  # noqa: E402
from gcolor.trainer.distributed import World  # noqa: E402
from torch import Tensor  # noqa: E402

needs_dali = pytest.mark.skipif(not loaders.has_dali(), reason="DALI is not installed")
KINDS = ["torch", pytest.param("dali", marks=needs_dali)]
ALONE = World()


def shards_of(folder: Path, pictures: list[np.ndarray]) -> ShardSet:
    (folder / "photos").mkdir()
    for number, rgb in enumerate(pictures):
        Image.fromarray(rgb).save(folder / "photos" / f"{number:03d}.png")
    options = PrepareOptions(size=64, max_grey=1.0)
    return prepare([folder / "photos"], folder / "shards", options, progress=None, report=print)


def flat(count: int) -> list[np.ndarray]:
    """Photos of one color each, so that every crop tells which photo it is from."""
    return [np.full((64, 80, 3), (20 + 8 * i, 128, 120), np.uint8) for i in range(count)]


def numbers(batch: Tensor) -> list[int]:
    return [round((float(photo[0].float().mean()) - 20) / 8) for photo in batch]


def open_loader(shards: ShardSet, kind: str, batch: int, world: World = ALONE, state: bytes | None = None, **changes):
    config = TrainConfig(loader=kind, seed=3, **changes)
    return make_loader(shards, Stage(until=1.0, size=32, batch_size=batch), (0, 0), config, world, state)


@pytest.mark.parametrize("kind", KINDS)
def test_each_epoch_shows_each_photo_once_in_a_new_order(tmp_path: Path, kind: str) -> None:
    loader = open_loader(shards_of(tmp_path, flat(12)), kind, batch=4)
    seen = [n for _ in range(9) for n in numbers(loader.next())]
    epochs = [seen[i : i + 12] for i in range(0, 36, 12)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    loader.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_goes_on_bit_for_bit_through_the_ends_of_epochs(tmp_path: Path, kind: str, make_scene) -> None:
    shards = shards_of(tmp_path, [make_scene(80, 100, seed=i) for i in range(5)])
    first = open_loader(shards, kind, batch=4)
    for _ in range(3):
        first.next()
    state = first.state()
    rest = [first.next().clone() for _ in range(6)]
    second = open_loader(shards, kind, batch=4, state=state)
    assert all(torch.equal(a, second.next()) for a in rest)
    assert rest[0].shape == (4, 3, 32, 32) and rest[0].dtype == torch.uint8
    first.close(), second.close()


def test_torch_ranks_together_are_one_process(tmp_path: Path, make_scene) -> None:
    shards = shards_of(tmp_path, [make_scene(80, 100, seed=i) for i in range(7)])
    alone = open_loader(shards, "torch", batch=6)
    ranks = [open_loader(shards, "torch", batch=6, world=World(rank=r, size=2)) for r in range(2)]
    for _ in range(4):
        assert torch.equal(alone.next(), torch.cat([r.next() for r in ranks]))
    for loader in (alone, *ranks):
        loader.close()


@needs_dali
def test_dali_ranks_share_the_photos_out(tmp_path: Path) -> None:
    shards = shards_of(tmp_path, flat(12))
    ranks = [open_loader(shards, "dali", batch=4, world=World(rank=r, size=2)) for r in range(2)]
    seen = [[n for _ in range(3) for n in numbers(r.next())] for r in ranks]
    assert sorted(seen[0] + seen[1]) == list(range(12))


@needs_dali
def test_both_loaders_cut_the_same_crops_in_distribution(tmp_path: Path) -> None:
    from scipy.stats import ks_2samp

    y, x = np.mgrid[0:64, 0:96]
    ramp = np.stack([40 + 1.5 * x, 40 + 2.0 * y, np.full_like(x, 128)], axis=-1).astype(np.uint8)
    shards = shards_of(tmp_path, [ramp] * 4)
    found = {}
    for kind in ("torch", "dali"):
        loader = open_loader(shards, kind, batch=20)
        crops = torch.cat([loader.next() for _ in range(40)]).float()
        loader.close()
        # Of a ramp, the first and last columns and rows tell the crop's place, width, height and mirroring.
        left, right = crops[:, 0, :, 1].mean(1), crops[:, 0, :, -2].mean(1)
        top, bottom = crops[:, 1, 1].mean(1), crops[:, 1, -2].mean(1)
        width, height = (right - left).abs() / 1.5, (bottom - top) / 2.0
        found[kind] = {
            "area": width * height,
            "aspect": width / height,
            "x": torch.minimum(left, right),
            "y": top,
            "mirrored": (right < left).float(),
        }
    for name in found["torch"]:
        a, b = found["torch"][name].numpy(), found["dali"][name].numpy()
        assert ks_2samp(a, b, method="asymp").pvalue > 0.001, (name, a.mean(), b.mean())
    assert 0.4 < found["dali"]["mirrored"].mean() < 0.6
    assert 0.25 < float(found["torch"]["area"].min()) / (64 * 96) * (32 / 29) ** 2 < 0.4


@pytest.mark.parametrize("kind", KINDS)
def test_stretching_shows_the_whole_photo_unmirrored(tmp_path: Path, kind: str) -> None:
    _, x = np.mgrid[0:64, 0:96]
    ramp = np.stack([40 + 2 * x, np.full_like(x, 100), np.full_like(x, 128)], axis=-1).astype(np.uint8)
    loader = open_loader(shards_of(tmp_path, [ramp] * 3), kind, batch=6, crop="stretch")
    columns = loader.next().float()[:, 0].mean(1)
    expected = 40 + 2 * ((torch.arange(32) + 0.5) * 3 - 0.5)
    assert (columns - expected).abs().max() < 4
    loader.close()


@pytest.mark.parametrize("kind", KINDS)
def test_colors_come_through(tmp_path: Path, kind: str) -> None:
    loader = open_loader(shards_of(tmp_path, [np.full((64, 64, 3), (200, 80, 30), np.uint8)] * 2), kind, batch=2)
    assert (loader.next().float().mean((0, 2, 3)) - torch.tensor([200.0, 80.0, 30.0])).abs().max() < 3
    loader.close()


def test_a_batch_that_cannot_be_split_is_refused(shard_folder: Path) -> None:
    from gcolor.trainer.data.shards import open_shards

    with pytest.raises(UsageError, match="multiple of 6"):
        open_loader(open_shards(shard_folder), "torch", batch=4, world=World(size=3), accumulate=2)


def test_dali_asked_for_and_missing_is_an_engine_error(shard_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gcolor.trainer.data.shards import open_shards

    monkeypatch.setattr(loaders, "has_dali", lambda: False)
    with pytest.raises(EngineError, match="--loader torch"):
        open_loader(open_shards(shard_folder), "dali", batch=4)
