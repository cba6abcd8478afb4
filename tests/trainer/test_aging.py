"""Photographs made old."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gcolor.trainer.aging import _jpeg, _unsharp, age, frame  # noqa: E402
from gcolor.trainer.simulate import Draws  # noqa: E402
from torch import Tensor  # noqa: E402

pytestmark = pytest.mark.smoke


def draws(photos: int, start: int = 0, stop: int | None = None) -> Draws:
    return Draws(torch.Generator().manual_seed(3), photos, start, photos if stop is None else stop)


def ramps(photos: int, side: int = 64) -> Tensor:
    across = torch.linspace(10.0, 90.0, side)
    return (0.5 * across[:, None] + 0.5 * across[None]).expand(photos, 1, side, side).clone()


def test_a_share_of_the_photos_is_made_old_and_the_others_stay() -> None:
    lightness = ramps(200)
    made = age(lightness, draws(200), 0.5)
    moved = (made - lightness).abs().amax((1, 2, 3))
    assert 0.4 < float((moved > 1.0).float().mean()) < 0.6
    assert torch.equal(made[moved == 0], lightness[moved == 0])
    assert 0.4 < float((moved == 0).float().mean()) < 0.6
    assert made.min() >= 0.0 and made.max() <= 100.0 and torch.isfinite(made).all()


def test_a_photo_ages_the_same_in_whatever_part_of_the_batch_it_is() -> None:
    lightness = ramps(12)
    whole = age(lightness, draws(12), 1.0)
    parts = [age(lightness[at : at + 4], draws(12, at, at + 4), 1.0) for at in (0, 4, 8)]
    torch.testing.assert_close(torch.cat(parts), whole, rtol=0, atol=1e-3)


def test_blur_is_a_gaussian() -> None:
    spot = torch.zeros(2, 1, 256, 256)
    spot[:, :, 100, 120] = 100.0
    made = _unsharp(spot, torch.tensor([0.0, 0.75]).view(2, 1, 1, 1))
    assert torch.equal(made[0], spot[0])
    wanted = cv2.GaussianBlur(spot[1, 0].numpy(), (9, 9), 1.5)
    np.testing.assert_allclose(made[1, 0].numpy(), wanted, atol=1e-3)


def test_compression_is_as_far_off_as_jpeg_is() -> None:
    rng = np.random.default_rng(0)
    gray = cv2.GaussianBlur(rng.integers(0, 256, (128, 128)).astype(np.float32), (0, 0), 2)
    gray = 255.0 * (gray - gray.min()) / (gray.max() - gray.min())
    for strength, quality in ((0.258, 50), (1.0, 15)):
        made = _jpeg(torch.from_numpy(gray / 2.55)[None, None], torch.full((1, 1, 1, 1), strength))[0, 0].numpy() * 2.55
        _, data = cv2.imencode(".jpg", gray.round().astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
        theirs = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        ours, wanted = np.std(made - gray), np.std(theirs - gray)
        assert 0.85 < ours / wanted < 1.15, (quality, ours, wanted)
    odd = torch.rand(1, 1, 12, 20)
    assert torch.equal(_jpeg(odd, torch.ones(1, 1, 1, 1)), odd)


def test_a_frame_has_no_color_and_what_it_surrounds_stays() -> None:
    lab = torch.full((200, 3, 64, 64), 30.0)
    made = frame(lab, draws(200), 0.25)
    framed = (made != lab).flatten(1).any(1)
    assert 0.15 < float(framed.float().mean()) < 0.35
    assert torch.equal(made[:, :, 6:-6, 6:-6], lab[:, :, 6:-6, 6:-6])
    outside = made[framed] != lab[framed]
    assert (made[framed][:, 1:][outside[:, 1:]] == 0.0).all()
    assert (made[:, :1] >= 0.0).all() and (made[:, :1] <= 100.0).all()
