"""Figures: what they show, and that short or damaged logs do not stop them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from gcolor.models import ModelConfig, build  # noqa: E402
from gcolor.trainer.scoring import figures  # noqa: E402
from gcolor.trainer.scoring.of_network import load_photos  # noqa: E402


@pytest.mark.parametrize("lines", ["", '{"step": 1, "loss": 2.0, "accuracy": 0.1}\n', '{"step": 1, "loss": 2.0}\n{"st'])
def test_curves_of_a_run_that_has_only_begun(tmp_path: Path, lines: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(lines)
    figures.draw_curves(tmp_path)
    with Image.open(tmp_path / "figures" / "curves.png") as image:
        assert min(image.size) > 300
    assert [p.name for p in (tmp_path / "figures").iterdir()] == ["curves.png"]


def test_curves_show_training_and_test_of_each_number_of_hints(tmp_path: Path) -> None:
    rows = [{"step": step, "loss": 4.0 - step / 30, "accuracy": step / 100} for step in range(30)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    held = [
        {
            "step": step,
            "rows": [{"hints": n, "argmax_accuracy": 0.1 * step + n / 100, "weighted": 9.0 - n} for n in (0, 36)],
        }
        for step in (1, 2, 3)
    ]
    (tmp_path / "validation.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held))
    train_accuracy, test_accuracy, train_loss, test_loss = figures.curves(tmp_path).axes
    logged, smooth = train_loss.lines
    assert list(logged.get_ydata()) == [row["loss"] for row in rows]
    # A straight line is its own moving mean.
    assert np.allclose(smooth.get_ydata(), 4.0 - np.array(smooth.get_xdata()) / 30)
    assert len(train_accuracy.lines) == 2
    assert [line.get_label() for line in test_accuracy.lines] == ["0 hints", "36 hints"]
    assert np.allclose(test_accuracy.lines[1].get_ydata(), [0.46, 0.56, 0.66])
    assert list(test_loss.lines[1].get_ydata()) == [-27.0] * 3
    assert test_loss.lines[1].get_linewidth() > test_loss.lines[0].get_linewidth()


def test_samples_end_in_the_truth_and_confusion_greys_unseen_bins(photo_folder: Path, tmp_path: Path) -> None:
    model, photos, cpu = (
        build(ModelConfig(channels=(8, 8, 8), blocks=(1, 1, 1), heads=2)).eval(),
        None,
        torch.device("cpu"),
    )
    photos = load_photos(photo_folder, 2)
    panels = figures.samples(model, photos, cpu).axes
    assert len(panels) == 8 and np.array_equal(panels[3].images[0].get_array(), photos[0].rgb)
    assert np.ptp(np.asarray(panels[0].images[0].get_array()), axis=-1).max() <= 1
    shares = figures.confusion(model, photos, cpu).axes[0].images[0].get_array()
    assert shares.shape == (32, 32) and shares.mask.all(1).any() and not shares.mask.all()
    figures.draw(tmp_path / "f", model, photos, cpu)
    assert sorted(p.name for p in (tmp_path / "f").iterdir()) == ["confusion.png", "samples.png"]
