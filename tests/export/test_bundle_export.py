from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from gcolor.color.errors import BundleError, UsageError  # noqa: E402
from gcolor.export import bundle as module  # noqa: E402
from gcolor.export.bundle import export_bundle  # noqa: E402
from gcolor.export.parity import Parity  # noqa: E402
from gcolor.models import ModelConfig, build  # noqa: E402
from onnx import helper  # noqa: E402

NAN = float("nan")
GOOD = {"photos": 1, "pictures": 2, "max_levels": 1, "share_beyond_one_level": 0.0, "mean_ciede2000": 0.001}
GOOD |= {"p99_9_ciede2000": 0.0, "psnr": 60.0, "bin_agreement": 1.0}


def test_the_whole_way_by_the_commands(tmp_path: Path, gcolor, make_scene) -> None:
    """Photos to checkpoint to bundle to pictures, each step the real command."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(4):
        Image.fromarray(make_scene(seed=i)).save(photos / f"{i}.png")
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    options = ["--steps", 3, "--batch-size", 2, "--size", 64, "--device", "cpu", "--max-grey", 1]
    done = gcolor("train", photos, "-o", run, *options, "--preset", "resunet")
    assert done.returncode == 0, done.stderr
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2

    done = gcolor("export", run, "-o", bundle, "--temperature", 0.7)
    assert done.returncode == 2 and "resunet) has no temperature" in done.stderr and not bundle.exists()

    done = gcolor("export", run, "-o", bundle, "--triton", tmp_path / "models")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "models/gcolor/1/model.onnx").read_bytes() == (bundle / "model.onnx").read_bytes()
    assert "parity with PyTorch on 4 photos" in done.stderr
    assert done.stderr.splitlines()[:3] == ["loading PyTorch", "loading the network", "writing the graph"]
    assert "measuring the parity with PyTorch: photo 4 of 4" in done.stderr
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["model"]["variant"] == "resunet" and manifest["parity"]["max_levels"] <= 1
    for name in ("model.onnx", "paint.onnx"):
        properties = {item.key: json.loads(item.value) for item in onnx.load(str(bundle / name)).metadata_props}
        assert properties == {key: manifest[key] for key in ("gcolor", "model", "bins", "decode", "grid", "precision")}

    anew = ("--precision", "fp16", "--photos", photos)
    done = gcolor("export", bundle, "-o", tmp_path / "half", *anew)
    assert done.returncode == 0, done.stderr
    half = json.loads((tmp_path / "half/manifest.json").read_text())
    assert half["precision"] == "fp16" and half["parity"]["mean_ciede2000"] < 0.5
    assert half["training"] == manifest["training"]
    # The same weights: nothing of the network was lost on the way.
    assert half["files"]["weights.safetensors"] == manifest["files"]["weights.safetensors"]
    for given, sentence in {
        ("-o", tmp_path / "other", "--precision", "fp16"): "name a folder with --photos",
        ("-o", bundle, *anew): "choose another folder",
        ("-o", tmp_path / "other", "--photos", photos, "--reserve", 1): "has no reserve",
    }.items():
        done = gcolor("export", bundle, *given)
        assert done.returncode == 2 and sentence in done.stderr, done.stderr

    command = [sys.executable, "-m", "gcolor", "export", str(run), "-o", str(tmp_path / "other")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        while process.stderr.readline() != "writing the graph\n":
            pass
        process.terminate()
    assert process.returncode == 143
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "half", "models", "photos", "run"]

    done = gcolor("batch", photos, "--bundle", bundle, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "out").glob("*.png")) == [f"{i}.png" for i in range(4)]


def test_a_bundle_that_fails_parity_is_refused_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "manifest.json").write_text("the old one")
    network = build(ModelConfig(channels=(8, 8, 8), blocks=(1, 1, 1), heads=2))
    info = {"config": {"model": network.config.to_dict()}, "step": 1, "seconds": 1.0, "scores": None}
    graph = helper.make_model(helper.make_graph([], "empty", [], [])).SerializeToString()
    bad = Parity(**GOOD | {"max_levels": 9, "share_beyond_one_level": 0.2, "mean_ciede2000": 3.0})
    monkeypatch.setattr(module, "load_model", lambda run: (network, info))
    monkeypatch.setattr(module, "export_fused", lambda model, path: path.write_bytes(graph))
    monkeypatch.setattr(module, "export_paint", lambda paint, stride, path: path.write_bytes(graph))
    monkeypatch.setattr(module, "_measure", lambda *_: bad)
    with pytest.raises(BundleError, match="'mean_ciede2000': 3.0"):
        export_bundle(tmp_path / "run", out)
    assert (out / "manifest.json").read_text() == "the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["bundle"]
    export_bundle(tmp_path / "run", out, tolerance=1000.0)
    assert json.loads((out / "manifest.json").read_text())["parity"]["max_levels"] == 9


@pytest.mark.parametrize("worse", [{"share_beyond_one_level": 0.01}, {"mean_ciede2000": 0.6}, {"mean_ciede2000": NAN}])
def test_parity_limits(worse: dict[str, float]) -> None:
    Parity(**GOOD).check("fp32", 1.0)
    with pytest.raises(BundleError, match="parity with PyTorch fails"):
        Parity(**GOOD | worse).check("fp32", 1.0)


def test_lower_precisions_have_a_limit_of_the_mean_alone() -> None:
    for precision in ("fp16", "int8"):
        Parity(**GOOD | {"share_beyond_one_level": 0.2, "mean_ciede2000": 0.49}).check(precision, 1.0)
        with pytest.raises(BundleError, match="0.51"):
            Parity(**GOOD | {"mean_ciede2000": 0.51}).check(precision, 1.0)


def test_a_folder_that_is_no_bundle_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letters.txt").write_text("keep me")
    monkeypatch.setattr(module, "load_model", lambda run: (None, {"step": 1, "seconds": 1.0, "scores": None}))
    with pytest.raises(UsageError, match="not a bundle"):
        export_bundle(tmp_path, tmp_path / "out")
    assert (tmp_path / "out" / "letters.txt").read_text() == "keep me"
