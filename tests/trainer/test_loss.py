from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gcolor.color import bins  # noqa: E402
from gcolor.models import Prediction  # noqa: E402
from gcolor.trainer.config import TrainConfig  # noqa: E402
from gcolor.trainer.loss import class_weights, soft_cross_entropy, total_loss  # noqa: E402

COUNTS = np.array([[0] * 10 + [10, 100, 1000, 4000, 9000, 5000, 700, 60, 5] + [0] * 13] * 2)


def test_paper_weights_are_equation_1_up_to_scale() -> None:
    weight = class_weights(COUNTS, "paper")[0].numpy()
    seen = COUNTS[0] > 0
    share = COUNTS[0][seen] / COUNTS[0].sum()
    expected = (1 / share) / (1 / share).sum()
    assert np.allclose(weight[seen] / weight[seen].sum(), expected, rtol=1e-4)
    assert np.isfinite(weight).all() and weight[0] == pytest.approx(weight[seen].max())


@pytest.mark.parametrize("how", ["paper", "smoothed", "none"])
def test_weights_have_mean_one_over_the_data_and_favour_the_rare(how: str) -> None:
    weight = class_weights(COUNTS, how).numpy()
    share = COUNTS / COUNTS.sum(1, keepdims=True)
    assert np.allclose((share * weight).sum(1), 1, atol=1e-4)
    if how != "none":
        assert weight[0, 18] > 3 * weight[0, 14]


def test_smoothed_weights_are_bounded() -> None:
    weight = class_weights(COUNTS, "smoothed").numpy()
    assert weight.max() / weight.min() < 30
    assert class_weights(COUNTS, "paper").numpy().max() / class_weights(COUNTS, "paper").numpy().min() > 1000


def test_cross_entropy_at_a_bins_centre_is_torchs_own() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 2, 32, 3, 4)
    index = torch.randint(0, 32, (2, 2, 3, 4))
    ab = torch.from_numpy(bins.CENTRES).float()[index]
    weights = torch.rand(2, 32) + 0.1
    found = soft_cross_entropy(logits, ab, weights)
    expected = sum(
        torch.nn.functional.cross_entropy(logits[:, h], index[:, h], weight=weights[h], reduction="none")
        for h in range(2)
    )
    assert torch.allclose(found, expected, atol=1e-5)


def test_between_two_centres_both_bins_share_the_truth() -> None:
    logits = torch.zeros(1, 2, 32, 1, 1)
    logits[0, :, 16] = 3.0
    ab = torch.full((1, 2, 1, 1), float(bins.CENTRES[16]) + 2.0)
    p = logits[0, 0, :, 0, 0].log_softmax(0)
    assert soft_cross_entropy(logits, ab, torch.ones(2, 32)).item() == pytest.approx(
        2 * float(-0.75 * p[16] - 0.25 * p[17]), rel=1e-5
    )


def test_hinted_cells_count_more() -> None:
    config = TrainConfig(patch_weight=2.0)
    logits = torch.zeros(1, 2, 32, 2, 2)
    logits[..., 0, 0] = torch.linspace(0, 8, 32)
    ab = torch.full((1, 2, 2, 2), -100.0)
    mask = torch.zeros(1, 1, 2, 2)
    without, _ = total_loss(Prediction(logits, ab), ab, mask, torch.ones(2, 32), config)
    mask[..., 0, 0] = 1
    with_hint, parts = total_loss(Prediction(logits, ab), ab, mask, torch.ones(2, 32), config)
    assert with_hint.item() == pytest.approx(without.item() + 2.0 * parts["patch"].item(), rel=1e-5)
