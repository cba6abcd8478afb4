"""gcolor evaluate: what it reports, what it needs, how it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import gcolor as package
import numpy as np
import pytest
from gcolor.cli.main import run as command
from gcolor.color import lab, protocol
from gcolor.trainer.scoring.held_out import load_photos
from PIL import Image

DEFAULT_BUNDLE = Path(package.__file__).parent / "runtime" / "default"


@pytest.fixture
def folder(tmp_path: Path, make_scene) -> Path:
    """Three color photos."""
    (tmp_path / "photos").mkdir()
    for i in range(3):
        Image.fromarray(make_scene(seed=i)).save(tmp_path / "photos" / f"{i}.png")
    return tmp_path / "photos"


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A run's folder with a small network that has learnt nothing."""
    torch = pytest.importorskip("torch")
    from gcolor.models import ModelConfig, build
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = build(ModelConfig(channels=(8, 8, 8), blocks=(1, 1, 1), heads=2))
    config = {"model": network.config.to_dict(), "rebalance": "smoothed"}
    about = {"config": config, "step": 7, "seconds": 1.0, "scores": None, "bin_counts": [[5] * 32] * 2}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(json.dumps(about))
    save_file(network.state_dict(), tmp_path / "run" / "model.safetensors")
    return tmp_path / "run"


def test_a_bundle_is_scored_by_the_pictures_it_paints_without_torch(folder: Path) -> None:
    (folder / "bad.png").write_bytes(b"no picture")
    arguments = ["evaluate", str(DEFAULT_BUNDLE), str(folder), "--counts", "0,10", "--json"]
    code = f"import sys; from gcolor.cli.main import run; print(run({arguments!r}), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *text, last = done.stdout.splitlines()
    assert last == "3 False" and "bad.png" in done.stderr
    report = json.loads("\n".join(text))
    assert report["photos"]["failed"] == [str(folder / "bad.png")] and report["photos"]["scored"] == 3
    assert [(row["photos"], row["hints"]) for row in report["rows"]][:2] == [("unfiltered", 0), ("unfiltered", 10)]
    assert set(report["versions"]) == {"gcolor", "numpy", "onnxruntime"}

    (folder / "bad.png").unlink()
    colorizer, photos, psnr = package.Colorizer(device="cpu"), load_photos(folder), []
    for photo in photos:
        colorizer.set_image(lab.lab_to_rgb(photo.to_lab() * (1.0, 0.0, 0.0)), grid=(256, 256))
        made = colorizer.color(protocol.true_hints(photo.rgb, photo.name, 10)).astype(float)
        psnr.append(10 * np.log10(255**2 / ((made - photo.rgb) ** 2).mean()))
    assert report["rows"][1]["psnr"]["mean"] == pytest.approx(np.mean(psnr), abs=1e-6)
    assert report["hints"]["sha256"] == protocol.fingerprint([p.name for p in photos], [0, 10])


def test_a_run_is_scored_with_its_logits_in_a_table_and_figures(
    trained: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(trained), str(folder), "--counts", "0", "--limit", "1"]
    assert command([*arguments, "--figures", str(tmp_path / "f")]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in ("PSNR dB", "argmax accuracy", "weighted", "1 unfiltered"))
    assert sorted(p.name for p in (tmp_path / "f").iterdir()) == ["confusion.png", "samples.png"]


def test_the_best_weights_are_not_the_last_ones(
    trained: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file, save_file

    arguments = ["evaluate", str(trained), str(folder), "--counts", "0", "--limit", "1", "--json", "--weights"]
    assert command([*arguments, "best"]) == 2
    assert "no best.safetensors" in capsys.readouterr().err
    other = {name: value * 0.5 for name, value in load_file(trained / "model.safetensors").items()}
    save_file(other, trained / "best.safetensors")
    found = {}
    for weights in ("best", "last"):
        assert command([*arguments, weights]) == 0
        found[weights] = json.loads(capsys.readouterr().out)["model"]
    assert found["last"]["sha256"] != found["best"]["sha256"]
    assert found["last"]["step"] == 7 and "step" not in found["best"]


def test_wrong_calls(gcolor, folder: Path, tmp_path: Path) -> None:
    done = gcolor("evaluate", tmp_path, folder)
    assert done.returncode == 2 and "neither a training run" in done.stderr
    assert gcolor("evaluate", tmp_path, tmp_path / "nowhere").returncode == 2
    assert gcolor("evaluate", tmp_path, folder, "--counts", "-1").returncode == 2
    drawn = gcolor("evaluate", DEFAULT_BUNDLE, folder, "--limit", 1, "--figures", tmp_path / "f")
    assert drawn.returncode == 2 and "--figures" in drawn.stderr
    (tmp_path / "empty").mkdir()
    assert gcolor("evaluate", DEFAULT_BUNDLE, tmp_path / "empty").returncode == 4
