"""Scores against plain loops and a network that knows the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import gcolor as package
import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from gcolor.color import lab, protocol  # noqa: E402
from gcolor.color.errors import NothingToDoError, PictureError  # noqa: E402
from gcolor.models import Network, Prediction  # noqa: E402
from gcolor.trainer import evaluate, figures  # noqa: E402
from gcolor.trainer.config import Stage, TrainConfig  # noqa: E402
from gcolor.trainer.evaluate import EvalPhoto, evaluate_network, load_photos, report_rows, score_network  # noqa: E402
from gcolor.trainer.loop import train  # noqa: E402
from gcolor.trainer.session import begin  # noqa: E402

CPU = torch.device("cpu")
DEFAULT_BUNDLE = Path(package.__file__).parent / "runtime" / "default"


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


def test_a_bundle_is_scored_by_the_pictures_it_paints(gcolor: Callable, photo_folder: Path) -> None:
    done = gcolor("evaluate", DEFAULT_BUNDLE, photo_folder, "--counts", "0,10", "--limit", 2, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [(row["photos"], row["hints"]) for row in report["rows"]][:2] == [("unfiltered", 0), ("unfiltered", 10)]
    colorizer = package.Colorizer(device="cpu")
    photos = load_photos(photo_folder, 2)
    psnr = []
    for photo in photos:
        grey = lab.lab_to_rgb(photo.lab * (1.0, 0.0, 0.0))
        colorizer.set_image(grey, grid=(256, 256))
        made = colorizer.color(protocol.true_hints(photo.rgb, photo.name, 10)).astype(float)
        psnr.append(10 * np.log10(255**2 / ((made - photo.rgb) ** 2).mean()))
    assert report["rows"][1]["psnr"]["mean"] == pytest.approx(np.mean(psnr), abs=1e-6)
    assert report["hints"]["sha256"] == protocol.fingerprint([p.name for p in photos], [0, 10])


def test_a_run_is_scored_with_its_logits_in_a_table_and_figures(
    gcolor: Callable, photo_folder: Path, shard_folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    train([shard_folder], run, TrainConfig(steps=1, stages=[Stage(until=1.0, size=32, batch_size=2)], loader="torch"))
    table = gcolor("evaluate", run, photo_folder, "--counts", "0", "--limit", 1, "--figures", tmp_path / "f")
    assert table.returncode == 0 and "PSNR dB" in table.stdout and "argmax accuracy" in table.stdout, table.stdout
    assert (tmp_path / "f" / "samples.png").exists()
    drawn = gcolor("evaluate", DEFAULT_BUNDLE, photo_folder, "--limit", 1, "--figures", tmp_path / "g")
    assert drawn.returncode == 2 and "--figures" in drawn.stderr


def test_wrong_calls(gcolor: Callable, photo_folder: Path, tmp_path: Path) -> None:
    done = gcolor("evaluate", tmp_path, photo_folder)
    assert done.returncode == 2 and "neither a training run" in done.stderr
    assert gcolor("evaluate", tmp_path, tmp_path / "nowhere").returncode == 2
    assert gcolor("evaluate", tmp_path, photo_folder, "--counts", "-1").returncode == 2
