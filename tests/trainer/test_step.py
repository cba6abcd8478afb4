"""One optimizer step: what a batch becomes, and that how it is split changes nothing."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from gcolor.color import tensors  # noqa: E402
from gcolor.models import ModelConfig  # noqa: E402
from gcolor.trainer.config import Stage, TrainConfig, preset  # noqa: E402
from gcolor.trainer.distributed import World  # noqa: E402
from gcolor.trainer.session import begin  # noqa: E402
from gcolor.trainer.simulate import Draws  # noqa: E402
from gcolor.trainer.step import optimize, rate, simulate, stage_at  # noqa: E402
from torch import Tensor  # noqa: E402

STAGE = Stage(until=1.0, size=32, batch_size=4)


def batch(count: int = 4, size: int = 32) -> Tensor:
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def draws(start: int = 0, stop: int = 4, total: int = 4) -> Draws:
    return Draws(torch.Generator().manual_seed(7), total, start, stop)


@pytest.mark.parametrize("hints", ["simulated", "paper", "none"])
def test_rows_of_a_sample_do_not_depend_on_the_split(hints: str) -> None:
    config = TrainConfig(hints=hints)
    whole = simulate(batch(), draws(), config)
    parts = [simulate(batch()[i : i + 2], draws(i, i + 2), config) for i in (0, 2)]
    for name in ("lightness", "hint_ab", "hint_mask", "ab"):
        together = torch.cat([getattr(part, name) for part in parts])
        assert torch.allclose(getattr(whole, name), together, atol=1e-4), name


def test_the_papers_sample_is_the_photo_itself_with_36_patches() -> None:
    rgb = batch(2, 256)
    sample = simulate(rgb, draws(0, 2, 2), preset("paper"))
    lab = tensors.rgb_to_lab(rgb.float() / 255)
    assert torch.equal(sample.lightness, lab[:, :1]) and torch.equal(sample.ab, lab[:, 1:])
    covered = sample.hint_mask.sum((1, 2, 3))
    assert (covered <= 36 * 9).all() and (covered > 30 * 9).all()
    assert torch.equal(sample.hint_ab, sample.ab * sample.hint_mask)


def tiny(**changes: object) -> TrainConfig:
    model = ModelConfig(channels=(8, 8, 16), blocks=(1, 1, 1), heads=2)
    return TrainConfig(**{"model": model, "stages": [STAGE], "warmup_steps": 0, **changes})


def test_micro_batches_give_the_whole_batchs_gradient_but_for_batch_norm() -> None:
    results = []
    for accumulate in (1, 2):
        config = tiny(accumulate=accumulate)
        state = begin(config, torch.device("cpu"), None)
        state.model.eval()  # batch statistics are a micro-batch's own
        means = optimize(state.model, state, batch(), torch.ones(2, 32), 0, STAGE, config, World())
        results.append((means["loss"].item(), [p.grad.clone() for p in state.model.parameters()]))
    (loss1, grads1), (loss2, grads2) = results
    assert loss1 == pytest.approx(loss2, rel=1e-5)
    assert all(torch.allclose(a, b, atol=1e-5, rtol=1e-3) for a, b in zip(grads1, grads2, strict=True))


def test_bf16_is_close_to_fp32_and_loss_stays_fp32() -> None:
    losses = []
    for precision in ("fp32", "bf16"):
        config = tiny(precision=precision)
        state = begin(config, torch.device("cpu"), None)
        means = optimize(state.model, state, batch(), torch.ones(2, 32), 0, STAGE, config, World())
        assert means["loss"].dtype == torch.float32
        losses.append(means["loss"].item())
    assert losses[0] != losses[1] and losses[0] == pytest.approx(losses[1], rel=0.05)


def test_the_averaged_weights_without_averaging_are_the_weights() -> None:
    config = tiny(ema=0.0)
    state = begin(config, torch.device("cpu"), None)
    optimize(state.model, state, batch(), torch.ones(2, 32), 0, STAGE, config, World())
    assert all(torch.equal(v, state.average.values[k]) for k, v in state.model.state_dict().items())


def test_learning_rate_warms_up_then_falls_or_stays() -> None:
    c = TrainConfig(steps=100, warmup_steps=10)
    assert rate(0.0, 0, c) == pytest.approx(c.learning_rate / 10)
    assert rate(0.1, 10, c) > 0.9 * c.learning_rate
    assert rate(1.0, 99, c) == pytest.approx(0.01 * c.learning_rate)
    paper = preset("paper")
    assert rate(0.0, 0, paper) == rate(0.9, 5000, paper) == 1e-2


def test_stages_follow_the_budget() -> None:
    stages = TrainConfig().stages
    assert [stages[stage_at(p, stages)].size for p in (0.0, 0.54, 0.6, 0.8, 1.0)] == [128, 128, 192, 256, 256]
