from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gcolor.color import bins, lab  # noqa: E402
from gcolor.models import Prediction  # noqa: E402
from gcolor.trainer.config import TrainConfig  # noqa: E402
from gcolor.trainer.loss import (  # noqa: E402
    argmax_accuracy,
    class_weights,
    hard_cross_entropy,
    joint_cross_entropy,
    soft_cross_entropy,
    total_loss,
)
from torch import Tensor  # noqa: E402

COUNTS = np.array([[0] * 10 + [10, 100, 1000, 4000, 9000, 5000, 700, 60, 5] + [0] * 13] * 2)


def test_paper_weights_are_equation_1_up_to_scale() -> None:
    weight = class_weights(COUNTS, "paper")[0].numpy()
    seen = COUNTS[0] > 0
    share = COUNTS[0][seen] / COUNTS[0].sum()
    expected = (1 / share) / (1 / share).sum()
    assert np.allclose(weight[seen] / weight[seen].sum(), expected, rtol=1e-4)
    assert np.isfinite(weight).all() and weight[0] == pytest.approx(weight[seen].max())


@pytest.mark.parametrize("how", ["paper", "smoothed", "none"])
def test_weights_have_mean_one_over_the_data_and_favor_the_rare(how: str) -> None:
    weight = class_weights(COUNTS, how).numpy()
    share = COUNTS / COUNTS.sum(1, keepdims=True)
    assert np.allclose((share * weight).sum(1), 1, atol=1e-4)
    if how != "none":
        assert weight[0, 18] > 3 * weight[0, 14]


def test_smoothed_weights_are_bounded() -> None:
    weight = class_weights(COUNTS, "smoothed").numpy()
    assert weight.max() / weight.min() < 30
    assert class_weights(COUNTS, "paper").numpy().max() / class_weights(COUNTS, "paper").numpy().min() > 1000


def test_cross_entropy_at_a_bins_center_is_torchs_own() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 2, 32, 3, 4)
    index = torch.randint(0, 32, (2, 2, 3, 4))
    ab = torch.from_numpy(bins.CENTERS).float()[index]
    weights = torch.rand(2, 32) + 0.1
    found, _ = soft_cross_entropy(logits, ab, weights)
    expected = sum(
        torch.nn.functional.cross_entropy(logits[:, h], index[:, h], weight=weights[h], reduction="none")
        for h in range(2)
    )
    assert torch.allclose(found, expected, atol=1e-5)


def test_between_two_centers_both_bins_share_the_truth() -> None:
    logits = torch.zeros(1, 2, 32, 1, 1)
    logits[0, :, 16] = 3.0
    ab = torch.full((1, 2, 1, 1), float(bins.CENTERS[16]) + 2.0)
    p = logits[0, 0, :, 0, 0].log_softmax(0)
    assert soft_cross_entropy(logits, ab, torch.ones(2, 32))[0].item() == pytest.approx(
        2 * float(-0.75 * p[16] - 0.25 * p[17]), rel=1e-5
    )


@pytest.mark.parametrize("pulls", [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_what_is_read_of_the_logits_has_the_gradient_that_autograd_finds(pulls: tuple[float, float]) -> None:
    torch.manual_seed(0)
    logits = (3.0 * torch.randn(2, 2, 32, 3, 4, dtype=torch.float64)).requires_grad_()
    ab, weights = 60.0 * torch.randn(2, 2, 3, 4, dtype=torch.float64), torch.rand(2, 32, dtype=torch.float64) + 0.1
    entropy, mean = soft_cross_entropy(logits, ab, weights)

    at = ((ab - bins.LOWEST) / bins.WIDTH - 0.5).clamp(0, 31)
    shares = (1 - (at[:, :, None] - torch.arange(32.0).view(1, 1, -1, 1, 1)).abs()).clamp(min=0)
    weight = torch.stack([weights[h][shares.argmax(2)[:, h]] for h in range(2)], 1)
    plain = -(shares * logits.log_softmax(2)).sum(2).mul(weight).sum(1)
    assert torch.allclose(entropy, plain)
    assert torch.allclose(mean, Prediction(logits).ab)

    def gradient(entropy: Tensor, mean: Tensor) -> Tensor:
        whole = sum(
            pull * (to * what).sum() for pull, to, what in zip(pulls, into, (entropy, mean), strict=True) if pull
        )
        return torch.autograd.grad(whole, logits, retain_graph=True)[0]

    into = torch.randn_like(entropy), torch.randn_like(mean)
    assert torch.allclose(gradient(entropy, mean), gradient(plain, Prediction(logits).ab))


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


def test_color_may_be_told_on_a_finer_grid_than_the_bins() -> None:
    torch.manual_seed(4)
    logits, fine, truth = torch.randn(2, 2, 32, 3, 3), 20 * torch.randn(2, 2, 6, 6), 30 * torch.randn(2, 2, 12, 12)
    mask = torch.zeros(2, 1, 12, 12)
    mask[:, :, 5, 7] = 1
    coarse_mask = torch.zeros(2, 1, 3, 3)
    coarse_mask[:, :, 1, 1] = 1
    mean4, mean2 = (truth.unfold(2, n, n).unfold(3, n, n).mean((4, 5)) for n in (4, 2))
    config = TrainConfig()
    _, found = total_loss(Prediction(logits, fine), truth, mask, torch.ones(2, 32), config)
    _, bins_only = total_loss(Prediction(logits, mean4), mean4, coarse_mask, torch.ones(2, 32), config)
    assert found["entropy"].item() == pytest.approx(bins_only["entropy"].item(), rel=1e-5)
    assert found["patch"].item() == pytest.approx(bins_only["patch"].item(), rel=1e-5)
    away = (fine - mean2).abs()
    smooth = torch.where(away < 4.0, away * away / 8.0, away - 2.0).sum(1).mean()
    assert found["distance"].item() == pytest.approx(smooth.item(), rel=1e-5)


def test_hard_labels_are_torchs_weighted_cross_entropy_over_the_papers_bins() -> None:
    torch.manual_seed(1)
    logits, ab = torch.randn(2, 2, 32, 3, 4, requires_grad=True), 200 * torch.rand(2, 2, 3, 4) - 100
    ab[:, :, 0, :2] = torch.tensor([-127.0, 127.0])  # the outermost bins
    weights = torch.rand(2, 32) + 0.1
    index = torch.from_numpy(np.digitize(ab.numpy(), np.arange(-120, 128, 8)))
    where = (torch.rand(2, 3, 4) < 0.5).float()
    found, part, none = hard_cross_entropy(logits, ab, weights, where, torch.zeros(2, 3, 4))
    for photo in range(2):
        # torch's own weighted mean, photo by photo; cells that do not count are ignored.
        masked = torch.where(where[photo].bool(), index[photo], -100)
        for value, labels in ((found[photo], index[photo]), (part[photo], masked)):
            heads = [
                torch.nn.functional.cross_entropy(logits[photo, h][None], labels[h][None], weight=weights[h])
                for h in range(2)
            ]
            expected = torch.stack(heads).sum()
            assert value.item() == pytest.approx(expected.item(), rel=1e-5)
            gradients = [torch.autograd.grad(what, logits, retain_graph=True)[0] for what in (value, expected)]
            torch.testing.assert_close(*gradients)
    assert (none == 0).all()


def test_the_loss_of_a_batch_is_the_mean_of_its_photos() -> None:
    torch.manual_seed(2)
    prediction = Prediction(torch.randn(4, 2, 32, 6, 6), 20 * torch.randn(4, 2, 6, 6))
    ab, mask = 40 * torch.randn(4, 2, 6, 6), (torch.rand(4, 1, 6, 6) < 0.2).float()
    mask[0] = 0.0
    for config in (TrainConfig(), TrainConfig(labels="hard", regression_weight=0.0, patch_weight=1.0)):
        whole, _ = total_loss(prediction, ab, mask, torch.ones(2, 32), config)
        each = [
            total_loss(
                Prediction(prediction.logits[i, None], prediction.ab[i, None]),
                ab[i, None],
                mask[i, None],
                torch.ones(2, 32),
                config,
            )[0]
            for i in range(4)
        ]
        assert whole.item() == pytest.approx(float(torch.stack(each).mean()), rel=1e-5)


def test_accuracy_counts_the_most_probable_bins() -> None:
    logits = torch.zeros(1, 2, 32, 1, 2)
    logits[0, 0, 16], logits[0, 1, 20] = 1.0, 1.0
    ab = torch.tensor([[[[4.0, -4.0]], [[36.0, 36.0]]]])
    assert argmax_accuracy(Prediction(logits, ab), ab).item() == 0.75


def test_joint_cross_entropy_is_least_for_the_bilinear_truth() -> None:
    # A truth between four nodes, by hand: a = 20 is 3/4 of the node at 16 and 1/4 of that at 32, b = -24 half of each.
    truth = torch.tensor([20.0, -24.0]).view(1, 2, 1, 1)
    wanted = {(16, -32): 0.375, (16, -16): 0.375, (32, -32): 0.125, (32, -16): 0.125}
    p = torch.full((len(bins.JOINT),), 1e-9)
    for node, share in wanted.items():
        p[(node == bins.JOINT).all(1).argmax()] = share
    entropy = -sum(share * np.log(share) for share in wanted.values())
    found = joint_cross_entropy(p.log().view(1, -1, 1, 1), truth)
    assert found.item() == pytest.approx(entropy, abs=1e-3)
    assert joint_cross_entropy(torch.zeros(1, len(bins.JOINT), 1, 1), truth).item() > entropy


def test_every_color_of_srgb_is_a_mixture_of_joint_nodes() -> None:
    level = np.linspace(0, 255, 65).round().astype(np.uint8)
    rgb = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(1, -1, 3)
    ab = lab.rgb_to_lab(rgb)[0, :, 1:]
    low = np.floor(ab / bins.JOINT_WIDTH)
    needed = {
        tuple(node) for a in (0, 1) for b in (0, 1) for node in ((low + np.array([a, b])) * bins.JOINT_WIDTH).tolist()
    }
    assert needed == {tuple(node) for node in bins.JOINT.tolist()}
