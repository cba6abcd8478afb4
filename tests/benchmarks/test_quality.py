"""The quality benchmark's parts on made-up photos, and a real run of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import gcolor
import numpy as np
import pytest
from gcolor.color import lab, protocol
from PIL import Image

pytest.importorskip("scipy")
pytest.importorskip("skimage")

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
BUNDLE = Path(gcolor.__file__).parent / "runtime" / "default"
Load = Callable[[str], ModuleType]


@pytest.fixture
def folder(tmp_path: Path, make_scene: Callable[..., np.ndarray]) -> Path:
    """Three photos, of which the second is too grey for the paper's filter."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        rgb = make_scene(seed=number)
        vivid = rgb * (0.5, 1.0, 0.4) if number != 1 else np.repeat(rgb[..., :1], 3, axis=2)
        Image.fromarray(vivid.astype(np.uint8)).save(photos / f"{number}.png")
    return photos


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / "quality.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def test_a_view_shows_what_its_protocol_says(load: Load, folder: Path) -> None:
    protocols = load("quality.protocols")
    rgb = read(folder / "0.png")
    sizes = {name: protocols.View.of("0.png", rgb, p).rgb.shape for name, p in protocols.PROTOCOLS.items()}
    assert sizes == {"paper": (256, 256, 3), "zhang": (256, 256, 3), "icolorit": (224, 224, 3), "full": rgb.shape}
    full, paper = (protocols.View.of("0.png", rgb, protocols.PROTOCOLS[name]) for name in ("full", "paper"))
    assert np.array_equal(full.rgb, rgb) and full.grid is None and paper.grid == (256, 256)
    # The same hints: at the same fractions of the photo, of the same colors.
    assert np.array_equal(full.hints(36), paper.hints(36)) and paper.hints(36)[..., 3].any()
    assert np.ptp(paper.grey, axis=-1).max() <= 1  # white in linear light is not exactly (1, 1, 1)


def test_baselines_keep_the_lightness_and_grow_with_the_picture(load: Load, folder: Path) -> None:
    protocols, methods = load("quality.protocols"), load("quality.methods")
    for name in ("paper", "icolorit", "full"):
        view = protocols.View.of("0.png", read(folder / "0.png"), protocols.PROTOCOLS[name])
        hints = view.hints(30)
        for baseline, spread in methods.BASELINES.items():
            made = methods.spread_hints(spread, view, hints)
            assert made.shape == view.rgb.shape
            assert np.abs(lab.rgb_to_lightness(made) - view.lab[..., 0]).mean() < 0.3
            grey = np.abs(lab.rgb_to_lab(made)[..., 1:]).max() < 1.0
            assert grey == (baseline == "grey")


def test_limits_hold_for_what_each_protocol_lets_pass(load: Load, folder: Path) -> None:
    measure, protocols = load("quality.measure"), load("quality.protocols")
    paper, zhang = protocols.PROTOCOLS["paper"], protocols.PROTOCOLS["zhang"]
    paths = sorted(folder.iterdir())

    def chosen(limit: int | None) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {"paper": set(), "zhang": set()}
        for path, some in measure.choose(paths, [paper, zhang], limit):
            for p in some:
                found[p.name].add(path.name)
        return found

    assert chosen(None) == {"paper": {"0.png", "2.png"}, "zhang": {"0.png", "1.png", "2.png"}}
    first = [p.name for p in protocol.sample(paths)]
    assert chosen(1) == {"paper": {next(n for n in first if n != "1.png")}, "zhang": {first[0]}}
    assert [len(names) for names in chosen(2).values()] == [2, 2]


def test_a_photos_scores_are_those_of_the_pictures(load: Load, folder: Path) -> None:
    from skimage.metrics import peak_signal_noise_ratio

    measure, protocols = load("quality.measure"), load("quality.protocols")
    zhang = replace(protocols.PROTOCOLS["zhang"], counts=(0, 4))
    task = measure.Task(folder / "0.png", (zhang,), {"gcolor": None}, ("grey", "levin"), None)
    scored = measure.measure(task).scored
    assert set(scored) == {("zhang", m, n) for m, n in (("grey", 0), ("gcolor", 0), ("levin", 4), ("gcolor", 4))}
    view = protocols.View.of("0.png", read(folder / "0.png"), zhang)
    colorizer = gcolor.Colorizer(device="cpu", threads=1)
    colorizer.set_image(view.grey, grid=(256, 256))
    made = {("grey", 0): view.grey, ("gcolor", 4): colorizer.color(view.hints(4))}
    for (method, count), picture in made.items():
        expected = peak_signal_noise_ratio(view.rgb, picture)
        assert scored["zhang", method, count]["psnr"] == pytest.approx(expected, abs=1e-6)


def test_kept_scores_are_used_again_and_only_for_the_same_photo(load: Load, folder: Path, tmp_path: Path) -> None:
    measure, protocols = load("quality.measure"), load("quality.protocols")
    kept = tmp_path / "kept"
    kept.mkdir()
    zhang = replace(protocols.PROTOCOLS["zhang"], counts=(5,))
    task = measure.Task(folder / "0.png", (zhang,), {"gcolor": None}, ("nearest",), kept)
    key = ("zhang", "nearest", 5)
    first = measure.measure(task).scored
    (file,) = kept.iterdir()
    rows = json.loads(file.read_text())
    assert list(rows.values()) == [first[key]]
    file.write_text(json.dumps({name: row | {"psnr": 12.5} for name, row in rows.items()}))
    again = measure.measure(task).scored
    assert again[key]["psnr"] == 12.5 and again["zhang", "gcolor", 5] == first["zhang", "gcolor", 5]
    # A foreign hint's rows of the baselines, too, but not those of a model.
    foreign = replace(task, protocols=(zhang, measure.OBEDIENCE))
    obeyed = measure.measure(foreign).obeyed
    rows = json.loads(file.read_text())
    assert rows["obedience nearest"] == [row for row in obeyed if row["method"] == "nearest"]
    rows["obedience nearest"][0]["far"] = 77.0
    file.write_text(json.dumps(rows))
    again = measure.measure(foreign).obeyed
    assert [row["far"] == 77.0 for row in again] == [False, False, True, False]
    assert again[:2] == obeyed[:2]
    # Other hints, other scores; another photo of the same name, too.
    other = measure.measure(replace(task, protocols=(replace(zhang, patches=protocol.PAPER),))).scored
    assert other[key]["psnr"] not in (12.5, first[key]["psnr"])
    shutil.copy(folder / "2.png", folder / "0.png")
    assert measure.measure(task).scored[key]["psnr"] not in (12.5, first[key]["psnr"])


def test_differences_are_paired_photo_by_photo(load: Load) -> None:
    summary, measure, protocols = load("quality.summary"), load("quality.measure"), load("quality.protocols")
    zhang = replace(protocols.PROTOCOLS["zhang"], counts=(0, 10))
    rng, measured = np.random.default_rng(0), []
    names = ("psnr", "accuracy", "rmse", "ciede", "colorfulness", "true_colorfulness")
    for number in range(5):
        row = {name: rng.uniform(1, 9) for name in names}
        better = row | {"psnr": row["psnr"] + 1.5 + 0.1 * number, "accuracy": row["accuracy"] + 0.25}
        scored = {("zhang", "gcolor", n): better for n in (0, 10)} | {("zhang", "levin", 10): row}
        measured.append(measure.Measured(f"{number}.png", scored))
    found = summary.summarize([*measured, measure.Measured("bad.png", error="cut short")], zhang)
    assert [(r["hints"], r["method"]) for r in found["rows"]] == [(0, "gcolor"), (10, "gcolor"), (10, "levin")]
    assert found["photos"] == 5 and "better" not in found["rows"][1]
    apart = found["rows"][2]["better"]
    # 1.5 to 1.9 dB: their mean, and the standard error of five; photos differ far more than that.
    assert apart["psnr"] == pytest.approx({"mean": 1.7, "error": np.std([0, 0.1, 0.2, 0.3, 0.4], ddof=1) / 5**0.5})
    assert apart["accuracy"] == pytest.approx({"mean": 0.25, "error": 0.0})
    assert found["rows"][2]["psnr"]["error"] > 3 * apart["psnr"]["error"]
    assert found["strictly_rising"] == {"psnr": False, "accuracy": False}


def test_the_logits_accuracy_agrees_with_a_plain_count(load: Load, folder: Path) -> None:
    torch = pytest.importorskip("torch")
    from gcolor.models import Network, Prediction

    class Hinted(Network):
        """Sure of the hint's bin, and of the bin of grey elsewhere; at half the grid where `stride` is 2."""

        def __init__(self, stride: int) -> None:
            super().__init__()
            self.output_stride = stride

        def forward(self, lightness: Any, hint_ab: Any, hint_mask: Any, vividness: Any = None) -> Prediction:
            at = ((hint_ab[..., :: self.output_stride, :: self.output_stride] + 128) / 8).floor().long()
            return Prediction(10.0 * torch.nn.functional.one_hot(at, 32).permute(0, 1, 4, 2, 3).float())

    protocols, methods = load("quality.protocols"), load("quality.methods")
    view = protocols.View.of("0.png", read(folder / "0.png"), protocols.PROTOCOLS["paper"])
    edges = np.arange(-120, 128, 8)
    hints = view.hints(36)
    shown = lab.rgb_to_lab(hints[..., :3])[..., 1:] * (hints[..., 3:] > 0)
    expected = (np.digitize(shown, edges) == np.digitize(view.lab[..., 1:], edges)).mean()
    assert methods.argmax_accuracy(Hinted(1), view, hints) == pytest.approx(expected, abs=1e-4)
    none = methods.argmax_accuracy(Hinted(1), view, view.hints(0))
    assert methods.argmax_accuracy(Hinted(2), view, view.hints(0)) == pytest.approx(none, abs=1e-6) and none < expected


def test_a_run_prints_one_object_and_twins_do_not_differ(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.png").write_bytes(b"no picture")
    options = ["--counts", "0,3", "--cache", tmp_path / "kept", "--versus", f"twin={BUNDLE}"]
    options += ["--protocol", "paper", "--protocol", "full", "--baselines", "grey,nearest"]
    done = run(folder, *options, "--jobs", 2, "--adherence", "--json")
    assert done.returncode == 3 and "bad.png" in done.stderr
    report = json.loads(done.stdout)
    assert {name: found["photos"] for name, found in report["protocols"].items()} == {
        "paper": 2,
        "full": 3,
    }
    for name, found in report["protocols"].items():
        methods = [(row["hints"], row["method"]) for row in found["rows"]]
        assert methods == [(0, "grey"), (0, "gcolor"), (0, "twin"), (3, "nearest"), (3, "gcolor"), (3, "twin")]
        for row in found["rows"]:
            assert ("argmax_accuracy" in row) == (name == "paper" and row["method"] in ("gcolor", "twin"))
            if row["method"] == "twin":
                assert row["better"]["psnr"] == row["better"]["accuracy"] == {"mean": 0.0, "error": 0.0}
    names = [f"{n}.png" for n in range(3)]
    assert report["protocols"]["full"]["hints_sha256"] == protocol.fingerprint(names, [0, 3])
    assert {(row["method"], row["others"]) for row in report["obedience"]} == {
        (method, others) for method in ("gcolor", "twin", "nearest") for others in (0, 36)
    }

    # From what was kept, in this process, as a table: the same figures.
    table = run(folder, *options, "--jobs", 1, "--markdown")
    assert table.returncode == 3 and f"twin={report['settings']['twin']}" in table.stdout
    row = report["protocols"]["full"]["rows"][3]
    cells = ["full", "3", "nearest", f"{row['psnr']['mean']:.2f} ± {row['psnr']['error']:.2f}"]
    assert f"| {' | '.join(cells)} |" in table.stdout


def test_wrong_calls(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty").returncode == 4
    missing = run(folder, "--versus", f"other={tmp_path / 'empty'}")
    assert missing.returncode == 5 and "manifest.json" in missing.stderr
    for wrong in (["--versus", "nameless"], ["--versus", "levin=x"], ["--baselines", "magic"], ["--counts", "-1"]):
        assert run(folder, *wrong).returncode == 2
