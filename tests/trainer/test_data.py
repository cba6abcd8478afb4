from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from gcolor.color.errors import NothingToDoError  # noqa: E402
from gcolor.trainer.data import PhotoSet, grey_share, make_batch, prefetch, random_crop  # noqa: E402


def save(folder: Path, name: str, pixels: np.ndarray) -> None:
    folder.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(folder / name)


def test_grey_and_unreadable_photos_are_left_out_and_counted(tmp_path: Path, make_scene) -> None:
    save(tmp_path / "p", "colour.png", make_scene())
    save(tmp_path / "p", "grey.png", np.repeat(make_scene()[..., :1], 3, axis=2))
    (tmp_path / "p" / "broken.jpg").write_bytes(b"not a picture")
    said: list[str] = []
    photos = PhotoSet([tmp_path / "p"], 0.9, said.append)
    assert len(photos.photos) == 1
    assert said == ["1 photos kept, 1 near-grey and 1 unreadable left out"]
    assert photos.counts.sum() == 2 * 32 * 32


def test_nothing_left_is_an_error_that_says_why(tmp_path: Path, make_scene) -> None:
    with pytest.raises(NothingToDoError, match="no photo found"):
        PhotoSet([tmp_path], 0.9)
    save(tmp_path / "p", "grey.png", np.repeat(make_scene()[..., :1], 3, axis=2))
    with pytest.raises(NothingToDoError, match="filtered"):
        PhotoSet([tmp_path / "p"], 0.9, lambda _: None)


def test_large_photos_are_shrunk_to_a_short_side_of_256(tmp_path: Path, make_scene) -> None:
    save(tmp_path / "p", "large.png", make_scene(400, 600))
    assert PhotoSet([tmp_path / "p"], 1.0, lambda _: None).photos[0].shape == (256, 384, 3)


def test_the_papers_grey_rule_counts_both_bins() -> None:
    ab = np.zeros((2, 2, 2))
    ab[0, 0] = (30, 0)  # bin 19 of a: coloured
    ab[0, 1] = (23.9, -15.9)  # bins 18 and 14: grey
    ab[1, 0] = (0, -16.1)  # bin 13 of b: coloured
    assert grey_share(ab) == 0.5


def test_a_batch_depends_on_its_step_alone_and_covers_every_photo(make_scene) -> None:
    photos = [np.full((40, 50, 3), i, np.uint8) for i in range(10)]
    first = make_batch(photos, seed=3, step=7, size=32, batch_size=4)
    make_batch(photos, seed=3, step=1, size=32, batch_size=4)
    assert torch.equal(first, make_batch(photos, seed=3, step=7, size=32, batch_size=4))
    assert not torch.equal(first, make_batch(photos, seed=4, step=7, size=32, batch_size=4))
    epoch = torch.cat([make_batch(photos, 0, step, 32, 5)[:, 0, 0, 0] for step in (0, 1)])
    assert sorted(epoch.tolist()) == list(range(10))


def test_crops_have_the_size_asked_for(make_scene) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert random_crop(make_scene(33, 250), 64, rng).shape == (64, 64, 3)


def test_prefetch_keeps_order() -> None:
    made = list(prefetch(lambda step: torch.tensor(step), iter(range(7))))
    assert [int(t) for t in made] == list(range(7))
