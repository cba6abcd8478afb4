"""Scores against plain loops and a network that knows the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from gcolor.color import protocol  # noqa: E402
from gcolor.color.errors import NothingToDoError, PictureError  # noqa: E402
from gcolor.models import ModelConfig, Network, Prediction, build  # noqa: E402
from gcolor.models.fused import FusedColorizer  # noqa: E402
from gcolor.trainer.scoring import of_network as evaluate  # noqa: E402
from gcolor.trainer.scoring.held_out import report_rows, score_bundle  # noqa: E402
from gcolor.trainer.scoring.of_network import EvalPhoto, evaluate_network, load_photos, score_network  # noqa: E402
from torch import Tensor  # noqa: E402

CPU = torch.device("cpu")


class Knowing(Network):
    """Predicts the truth where it is hinted, and grey elsewhere."""

    output_stride = 1

    def forward(
        self, lightness: Tensor, hint_ab: Tensor, hint_mask: Tensor, vividness: Tensor | None = None
    ) -> Prediction:
        at = ((hint_ab + 128) / 8).floor().long()
        return Prediction(10.0 * torch.nn.functional.one_hot(at, 32).permute(0, 1, 4, 2, 3).float(), hint_ab)


@pytest.fixture
def eval_photos(photo_folder: Path) -> list[EvalPhoto]:
    return load_photos(photo_folder, 3)


def test_scores_agree_with_a_plain_loop_over_scikit_image(eval_photos: list[EvalPhoto]) -> None:
    from skimage.color import lab2rgb, rgb2lab
    from skimage.metrics import peak_signal_noise_ratio

    rows = score_network(Knowing(), eval_photos, CPU, [20])[20]
    for row, photo in zip(rows, eval_photos, strict=True):
        truth = rgb2lab(photo.rgb)
        made = truth * (1, 0, 0)
        for y, x in protocol.hint_centers(photo.name, 20):
            made[y - 1 : y + 2, x - 1 : x + 2] = truth[y - 1 : y + 2, x - 1 : x + 2]
        picture = np.rint(lab2rgb(made) * 255).astype(np.uint8)
        assert row["psnr"] == pytest.approx(peak_signal_noise_ratio(photo.rgb, picture), abs=0.05)
        edges = np.arange(-120, 128, 8)
        wanted, got = np.digitize(truth[..., 1:], edges), np.digitize(made[..., 1:], edges)
        assert row["argmax_accuracy"] == pytest.approx((wanted == got).mean(), abs=1e-3)
        right = np.log(1 + 31 * np.exp(-10.0))
        entropy = np.where(wanted == got, right, 10.0 + right).sum(-1).mean()
        assert row["entropy"] == pytest.approx(entropy, rel=1e-2)


def test_a_network_that_sees_all_scores_best(eval_photos: list[EvalPhoto], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "hint_mask", lambda centers: np.ones((256, 256), bool))
    (row,) = evaluate_network(Knowing(), eval_photos, CPU, (1,), weights=torch.full((2, 32), 2.0))
    assert row["psnr"] == 99.0 and row["accuracy"] == row["argmax_accuracy"] == 1.0 and row["ciede"] < 1e-3
    assert row["colorfulness"] == pytest.approx(1.0) and row["weighted"] == pytest.approx(row["entropy"])
    shares = evaluate.confusion_matrix(Knowing(), eval_photos, CPU, 1)
    seen = shares.sum(2) > 0
    assert np.allclose(np.diagonal(shares, axis1=1, axis2=2)[seen], 1.0)


def test_one_row_of_means_for_each_number_of_hints(eval_photos: list[EvalPhoto]) -> None:
    rows = evaluate_network(Knowing(), eval_photos, CPU, (0, 5, 36))
    assert [(row["hints"], row["photos"]) for row in rows] == [(0, 3), (5, 3), (36, 3)]
    assert rows[0]["psnr"] < rows[1]["psnr"] < rows[2]["psnr"] and "weighted" not in rows[0]
    each = score_network(Knowing(), eval_photos, CPU, [36])[36]
    assert rows[2]["ciede"] == pytest.approx(np.mean([row["ciede"] for row in each]))
    colored, true = (sum(row[name] for row in each) for name in ("colorfulness", "true_colorfulness"))
    assert rows[2]["colorfulness"] == pytest.approx(colored / true)


def test_class_weights_count_cell_by_cell(eval_photos: list[EvalPhoto]) -> None:
    weights = torch.rand(2, 32, generator=torch.Generator().manual_seed(0)) + 0.1
    (row,) = score_network(Knowing(), eval_photos[:1], CPU, [20], weights)[20]
    photo, expected = eval_photos[0], 0.0
    true_ab = photo.to_lab()[..., 1:]
    shown = true_ab * protocol.hint_mask(protocol.hint_centers(photo.name, 20))[..., None]
    for head in range(2):
        wanted, got = (
            np.digitize(ab[..., head].astype(np.float32), np.arange(-120, 128, 8)) for ab in (true_ab, shown)
        )
        weight = weights[head].numpy()[wanted]
        right = np.log(1 + 31 * np.exp(-10.0))
        expected += (np.where(wanted == got, right, 10.0 + right) * weight).sum() / weight.sum()
    assert row["weighted"] == pytest.approx(expected, rel=1e-4)


def test_rows_for_all_photos_and_for_those_that_pass_the_filter(tmp_path: Path) -> None:
    vivid, grey = np.full((40, 40, 3), (200, 40, 40), np.uint8), np.full((40, 40, 3), 120, np.uint8)
    for name, rgb in (("v1.png", vivid), ("v2.png", vivid), ("g.png", grey)):
        Image.fromarray(rgb).save(tmp_path / name)
    photos = load_photos(tmp_path)
    rows = report_rows(score_network(Knowing(), photos, CPU, [0, 5]), photos)
    assert [(row["photos"], row["count"], row["hints"]) for row in rows] == [
        ("unfiltered", 3, 0),
        ("unfiltered", 3, 5),
        ("filtered", 2, 0),
        ("filtered", 2, 5),
    ]
    assert rows[0]["psnr"]["mean"] > rows[2]["psnr"]["mean"]


def test_photos_are_a_fair_sample_and_bad_ones_are_named(photo_folder: Path, tmp_path: Path) -> None:
    assert [p.name for p in load_photos(photo_folder, 4)] == [p.name for p in load_photos(photo_folder)][:4]
    (photo_folder / "bad.png").write_bytes(b"no picture")
    with pytest.raises(PictureError, match="bad.png"):
        load_photos(photo_folder)
    heard: list[str] = []
    assert len(load_photos(photo_folder, None, lambda path, error: heard.append(path.name))) == 10
    assert heard == ["bad.png"]
    (tmp_path / "none").mkdir()
    with pytest.raises(NothingToDoError):
        load_photos(tmp_path / "none")


class Painted:
    """In place of a Colorizer: the graph that is exported, in PyTorch; that ONNX Runtime agrees is tested elsewhere."""

    def __init__(self, network: Network) -> None:
        self.graph = FusedColorizer(network).eval()

    def set_image(self, rgb: np.ndarray, grid: tuple[int, int]) -> None:
        self.rgb = torch.from_numpy(rgb)[None]

    @torch.no_grad()
    def color(self, hints: np.ndarray) -> np.ndarray:
        return self.graph(self.rgb, torch.from_numpy(hints)[None])[0][0].numpy()


def test_a_run_and_the_bundle_of_its_weights_agree(eval_photos: list[EvalPhoto]) -> None:
    torch.manual_seed(0)
    network = build(ModelConfig(channels=(8, 8, 8), blocks=(1, 1, 1), heads=2)).eval()
    ours = score_network(network, eval_photos, CPU, (0, 36))
    bundle = score_bundle(Painted(network), eval_photos, (0, 36))  # type: ignore[arg-type]
    assert list(ours) == list(bundle) == [0, 36]
    for count in (0, 36):
        for a, b in zip(ours[count], bundle[count], strict=True):
            assert a["psnr"] == pytest.approx(b["psnr"], abs=0.1)
            assert a["accuracy"] == pytest.approx(b["accuracy"], abs=0.01)
