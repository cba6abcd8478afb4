"""Scores against plain loops and a network that knows the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from gcolor.color import protocol  # noqa: E402
from gcolor.color.errors import NothingToDoError, PictureError  # noqa: E402
from gcolor.models import Network, Prediction  # noqa: E402
from gcolor.trainer import evaluate, figures  # noqa: E402
from gcolor.trainer.config import TrainConfig  # noqa: E402
from gcolor.trainer.evaluate import EvalPhoto, evaluate_network, load_photos, report_rows, score_network  # noqa: E402
from gcolor.trainer.session import begin  # noqa: E402

CPU = torch.device("cpu")


class Knowing(Network):
    """Predicts the truth where it is hinted, and grey elsewhere."""

    output_stride = 1

    def forward(self, lightness: torch.Tensor, hint_ab: torch.Tensor, hint_mask: torch.Tensor) -> Prediction:
        at = ((hint_ab + 128) / 8).floor().long()
        return Prediction(10.0 * torch.nn.functional.one_hot(at, 32).permute(0, 1, 4, 2, 3).float(), hint_ab)


@pytest.fixture
def eval_photos(photo_folder: Path) -> list[EvalPhoto]:
    return load_photos(photo_folder, 3)


def test_scores_agree_with_a_plain_loop_over_scikit_image(eval_photos: list[EvalPhoto]) -> None:
    from skimage.color import lab2rgb, rgb2lab
    from skimage.metrics import peak_signal_noise_ratio

    rows = score_network(Knowing(), eval_photos, CPU, 20)
    for row, photo in zip(rows, eval_photos, strict=True):
        truth = rgb2lab(photo.rgb)
        made = truth * (1, 0, 0)
        for y, x in protocol.hint_centres(photo.name, 20):
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
    monkeypatch.setattr(protocol, "hint_mask", lambda centres: np.ones((256, 256), bool))
    (row,) = evaluate_network(Knowing(), eval_photos, CPU, (1,), weights=torch.full((2, 32), 2.0))
    assert row["psnr"] == 99.0 and row["accuracy"] == row["argmax_accuracy"] == 1.0 and row["ciede"] < 1e-3
    assert row["colourfulness"] == pytest.approx(1.0) and row["weighted"] == pytest.approx(row["entropy"])
    shares = evaluate.confusion_matrix(Knowing(), eval_photos, CPU, 1)
    seen = shares.sum(2) > 0
    assert np.allclose(np.diagonal(shares, axis1=1, axis2=2)[seen], 1.0)


def test_rows_for_all_photos_and_for_those_that_pass_the_filter(tmp_path: Path) -> None:
    vivid, grey = np.full((40, 40, 3), (200, 40, 40), np.uint8), np.full((40, 40, 3), 120, np.uint8)
    for name, rgb in (("v1.png", vivid), ("v2.png", vivid), ("g.png", grey)):
        Image.fromarray(rgb).save(tmp_path / name)
    photos = load_photos(tmp_path)
    rows = report_rows(lambda count: score_network(Knowing(), photos, CPU, count), photos, [0, 5])
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


def test_figures_of_a_run_that_has_only_begun(eval_photos: list[EvalPhoto], tmp_path: Path) -> None:
    for lines in ("", '{"step": 1, "loss": 2.0, "accuracy": 0.1}\n'):
        (tmp_path / "metrics.jsonl").write_text(lines)
        figures.draw_curves(tmp_path)
    figures.draw(tmp_path / "figures", begin(TrainConfig(), CPU, None).model.eval(), eval_photos[:1], CPU)
    for name in ("curves", "samples", "confusion"):
        with Image.open(tmp_path / "figures" / f"{name}.png") as image:
            assert min(image.size) > 100


def test_a_run_and_its_bundle_score_alike_by_the_command(
    gcolor: Callable, photo_folder: Path, shard_folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnxscript")
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    options = ["--preset", "resunet", "--steps", 2, "--batch-size", 2, "--size", 32, "--device", "cpu"]
    assert gcolor("train", shard_folder, "-o", run, *options).returncode == 0
    assert gcolor("export", run, "-o", bundle).returncode == 0
    reports = []
    for model in (run, bundle):
        done = gcolor("evaluate", model, photo_folder, "--counts", "0,10", "--limit", 3, "--json")
        assert done.returncode == 0, done.stderr
        reports.append(json.loads(done.stdout))
    assert reports[0]["hints"]["sha256"] == reports[1]["hints"]["sha256"]
    for a, b in zip(reports[0]["rows"], reports[1]["rows"], strict=True):
        assert a["hints"] == b["hints"] and abs(a["psnr"]["mean"] - b["psnr"]["mean"]) < 0.1
        assert abs(a["accuracy"]["mean"] - b["accuracy"]["mean"]) < 0.05
    table = gcolor("evaluate", run, photo_folder, "--counts", "0", "--limit", 1, "--figures", tmp_path / "f")
    assert table.returncode == 0 and "PSNR dB" in table.stdout and "argmax accuracy" in table.stdout, table.stdout
    assert (tmp_path / "f" / "samples.png").exists()


def test_wrong_calls(gcolor: Callable, photo_folder: Path, tmp_path: Path) -> None:
    done = gcolor("evaluate", tmp_path, photo_folder)
    assert done.returncode == 2 and "neither a training run" in done.stderr
    assert gcolor("evaluate", tmp_path, tmp_path / "nowhere").returncode == 2
    assert gcolor("evaluate", tmp_path, photo_folder, "--counts", "-1").returncode == 2
