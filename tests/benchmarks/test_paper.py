"""The paper's tables made again: what a row leaves, how it goes on after a cut, and what the tables make of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("skimage")

from click.testing import CliRunner  # noqa: E402
from gcolor.color import bins, lab  # noqa: E402
from gcolor.color.errors import UsageError  # noqa: E402
from gcolor.models import PRESETS, Prediction, build  # noqa: E402
from gcolor.trainer.data.prepare import PrepareOptions, prepare  # noqa: E402
from PIL import Image  # noqa: E402

Load = Callable[[str], ModuleType]


@pytest.fixture
def photos(tmp_path: Path, make_scene: Callable[..., np.ndarray]) -> Path:
    """A folder with six training and three test photos, vivid enough for the paper's filter."""
    for number in range(9):
        vivid = make_scene(48, 48, seed=number) * (0.5, 1.0, 0.4)
        path = tmp_path / "photos" / ("train" if number < 6 else "test") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(vivid.astype(np.uint8)).save(path)
    return tmp_path / "photos"


@pytest.fixture
def data(photos: Path, tmp_path: Path) -> tuple[Any, ...]:
    options = PrepareOptions(size=32, stretch=True)
    return tuple(prepare([photos / part], tmp_path / part, options, jobs=1) for part in ("train", "test"))


def made(load: Load, row: str, accuracy: list[float], seed: int = 0, **scores: list[float | None]) -> Any:
    """A result with known scores of its photos."""
    point = {"step": 10, "accuracy": np.mean(accuracy), "train_accuracy": 0.25, "train_loss": 3.0}
    return load("paper.records").Result(
        row=row,
        seed=seed,
        passes=1000,
        minutes=12.0,
        commit="abc",
        photos={"test_digest": "these"},
        curve=[point],
        test={"accuracy": accuracy, "unweighted": accuracy, "loss": accuracy} | scores,
    )


def cells(table: str, line: int) -> list[str]:
    return [cell.strip() for cell in table.splitlines()[line + 2].strip("|").split("|")]


def test_a_result_comes_back_as_it_was_kept(load: Load, tmp_path: Path) -> None:
    records = load("paper.records")
    result = made(load, "resunet", [0.5, 0.25], hinted=[0.75, None])
    records.save(tmp_path / "kept", result)
    assert records.load(tmp_path / "kept", "resunet", 0) == result
    assert records.load(tmp_path / "kept", "resunet", 1) is None
    assert result.mean("hinted") == {"mean": 0.75, "error": 0.0}
    (tmp_path / "kept" / "resunet-0.json").write_text('{"row": ')
    with pytest.raises(UsageError, match=r"resunet-0\.json: damaged"):
        records.load(tmp_path / "kept", "resunet", 0)


def test_a_result_by_another_configuration_is_not_taken_for_complete(load: Load, tmp_path: Path) -> None:
    records, rows = load("paper.records"), load("paper.rows")
    config = rows.configuration("unet", 0, rows.FULL).to_dict()
    photos = {"test_digest": "these"}
    assert not records.is_complete(tmp_path, "unet", 0, config, photos)
    records.save(tmp_path, replace(made(load, "unet", [0.5]), config=json.loads(json.dumps(config))))
    assert records.is_complete(tmp_path, "unet", 0, config | {"threads": 7, "new": 1}, photos)
    unread = config | {"model": config["model"] | {"chroma": 3.0}}
    assert records.is_complete(tmp_path, "unet", 0, unread, photos)
    with pytest.raises(UsageError, match="another model"):
        records.is_complete(tmp_path, "unet", 0, config | {"model": config["model"] | {"features": 7}}, photos)
    with pytest.raises(UsageError, match="another steps"):
        records.is_complete(tmp_path, "unet", 0, config | {"steps": 7}, photos)
    with pytest.raises(UsageError, match="other photos"):
        records.is_complete(tmp_path, "unet", 0, config, {"test_digest": "others"})


def test_the_queue_makes_the_worthiest_rows_first_and_further_seeds_last(load: Load) -> None:
    rows = load("paper.rows")
    queue = rows.queue()
    assert queue[:2] == [("resunet", 0), ("no-hints", 0)]
    assert queue[-4:] == [("resunet", 1), ("no-hints", 1), ("resunet", 2), ("no-hints", 2)]
    assert rows.queue(["unet", "resunet"]) == [("unet", 0), ("resunet", 0), ("resunet", 1), ("resunet", 2)]
    with pytest.raises(UsageError, match="'nobody' is no row"):
        rows.queue(["nobody"])


def test_rows_differ_in_nothing_but_what_they_say(load: Load) -> None:
    rows = load("paper.rows")
    with_hints, without = (rows.configuration(name, 0, rows.FULL).to_dict() for name in ("resunet", "no-hints"))
    assert {k for k in with_hints if with_hints[k] != without[k]} == {"hints", "patch_weight"}
    alike = ("steps", "stages", "crop", "loader", "recolor", "age", "frame", "max_grey")
    for name in (name for name, row in rows.ROWS.items() if row.table != "why"):
        config = rows.configuration(name, 0, rows.FULL).to_dict()
        assert all(config[k] == with_hints[k] for k in alike)
    assert rows.FULL.passes >= 100_000


def test_scores_are_counted_at_hints_around_them_and_beyond(load: Load, make_scene: Callable[..., np.ndarray]) -> None:
    examine = load("paper.examine")
    photo = examine.with_hints(make_scene(32, 32), 3)
    answer = np.random.default_rng(0).integers(14, 18, (2, 32, 32))
    found = photo.scores(torch.from_numpy(answer))
    truth = bins.to_bins(lab.rgb_to_lab(photo.rgb)[..., 1:])
    mask = photo.sample.hint_mask[0, 0].numpy() > 0
    zones: dict[str, list[float]] = {"accuracy": [], "hinted": [], "around": [], "beyond": []}
    for y, x in np.ndindex(32, 32):
        right = float((answer[:, y, x] == truth[y, x]).mean())
        near = mask[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5].any()
        zones["hinted" if mask[y, x] else "around" if near else "beyond"].append(right)
        zones["accuracy"].append(right)
    assert mask.any()
    assert found == pytest.approx({name: np.mean(values) for name, values in zones.items()}, abs=2e-3)


def test_class_weights_are_taken_out_of_the_logits(load: Load, data: tuple[Any, ...]) -> None:
    """A network that minimizes the weighted loss says p * w; what it knows is p."""
    examine, rows = load("paper.examine"), load("paper.rows")
    shards, held = data
    config = rows.configuration("paper-resunet", 0, rows.Budget(size=32, batch_size=2, steps=2, tests=1))
    weights = examine.class_weights(shards.counts, "paper")
    p = torch.randn(1, 2, 32, 32, 32)

    def network(*_: object) -> Prediction:
        return Prediction(p + weights.log()[None, :, :, None, None])

    found = examine.examine_network(network, examine.test_photos(held, 32), True, shards.counts, config)
    known = [photo.scores(p.argmax(2)[0])["accuracy"] for photo in examine.test_photos(held, 32)]
    assert [scores["unweighted"] for scores in found] == pytest.approx(known)
    constant = examine.examine_constant(shards.counts, examine.test_photos(held, 32))
    for scores, photo in zip(constant, examine.test_photos(held, 32), strict=True):
        truth = bins.to_bins(lab.rgb_to_lab(photo.rgb)[..., 1:])
        assert scores["accuracy"] == pytest.approx((truth == shards.counts.argmax(1)).mean(), abs=2e-3)


def test_a_row_that_was_cut_off_goes_on_as_if_it_had_not_been(
    load: Load, data: tuple[Any, ...], tmp_path: Path
) -> None:
    train_row, records = load("paper.train_row"), load("paper.records")
    budget = load("paper.rows").Budget(size=32, batch_size=2, steps=4, tests=2)

    def go(out: str, report: Callable[[str], None]) -> Any:
        train_row.train_row("resunet", 0, budget, data, tmp_path / out, tmp_path / out / "kept", 1, report)
        return records.load(tmp_path / out / "kept", "resunet", 0)

    def cut(text: str) -> None:
        if "test accuracy" in text:
            raise KeyboardInterrupt

    whole = go("whole", str)
    with pytest.raises(KeyboardInterrupt):
        go("cut", cut)
    assert records.load(tmp_path / "cut" / "kept", "resunet", 0) is None
    found = go("cut", str)
    assert (found.test, found.curve) == (whole.test, whole.curve)
    assert [point["step"] for point in found.curve] == [2, 4] and found.passes == 8
    assert found.curve[-1]["anew"] == pytest.approx(found.mean("anew")["mean"], abs=1e-3)
    assert cv2.imread(str(tmp_path / "cut" / "kept" / "resunet.jpg")).shape == (32, 3 * 32, 3)


def test_means_taken_anew_are_those_of_the_photos(load: Load, data: tuple[Any, ...]) -> None:
    examine = load("paper.examine")
    network = build(PRESETS["paper"]).eval()
    normalizations = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    for layer in normalizations:
        torch.nn.init.constant_(layer.running_mean, 1e3)
    seen: list[np.ndarray] = []
    normalizations[0].register_forward_pre_hook(lambda _, given: seen.append(given[0].numpy()))
    means = {}
    for hinted in (True, False):
        seen.clear()
        examine.take_means_anew(network, examine.test_photos(data[1], 32), hinted, 1)
        assert len(seen) == 3 and not network.training
        means[hinted] = np.concatenate(seen).mean((0, 2, 3))
        assert normalizations[0].running_mean.numpy() == pytest.approx(means[hinted], rel=1e-3, abs=1e-4)
        assert all(layer.running_mean.abs().max() < 1e3 for layer in normalizations)
    assert np.abs(means[True] - means[False]).max() > 1e-2


def test_a_network_without_any_gradient_is_dead(load: Load, data: tuple[Any, ...]) -> None:
    examine = load("paper.examine")
    network = build(PRESETS["paper"])
    assert not examine.is_dead(network, examine.test_photos(data[1], 32), 2)
    last = network.decoder[-1]
    torch.nn.init.constant_(last.conv2[1].bias, -1e6)
    assert examine.is_dead(network, examine.test_photos(data[1], 32), 2)
    sample = examine.with_hints(np.zeros((32, 32, 3), np.uint8), 0).sample
    network(sample.lightness, sample.hint_ab, sample.hint_mask).logits.square().sum().backward()
    learning = {name for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}
    assert learning == {"head_a.bias", "head_b.bias"}


def test_a_dead_row_is_trained_no_further(
    load: Load, data: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_row, records = load("paper.train_row"), load("paper.records")
    budget = load("paper.rows").Budget(size=32, batch_size=2, steps=4, tests=4)
    monkeypatch.setattr(train_row, "summary", lambda _: {"accuracy": 0.2, "accuracy_error": 0.1, "spread": 0.0})
    monkeypatch.setattr(train_row, "is_dead", lambda *_: True)
    train_row.train_row("why-paper", 0, budget, data, tmp_path, tmp_path / "kept", 1, str)
    found = records.load(tmp_path / "kept", "why-paper", 0)
    assert found.passes == 2 and [point["dead"] for point in found.curve] == [True]


def test_the_queue_makes_a_row_once(load: Load, photos: Path, tmp_path: Path) -> None:
    reproduce = load("paper.reproduce")
    budget = ["--size", "32", "--batch-size", "2", "--steps", "2", "--tests", "1"]
    call = [str(photos), "-o", str(tmp_path / "out"), "--results", str(tmp_path / "kept"), *budget, "--rows", "unet"]
    first = CliRunner().invoke(reproduce.command, call)
    assert first.exit_code == 0, first.output
    kept = [path.name for path in (tmp_path / "kept").iterdir()]
    fixed = {f"{name}-0.json" for name in ("constant", "gcolor", "gcolor-no-hints")}
    assert set(kept) == fixed | {"gcolor.jpg", "gcolor-no-hints.jpg", "unet-0.json", "unet.jpg"}
    again = CliRunner().invoke(reproduce.command, call)
    assert again.exit_code == 0 and "unet-0: complete" in again.output
    (tmp_path / "kept" / "unet-0.json").unlink()
    refused = CliRunner().invoke(reproduce.command, call)
    assert refused.exit_code == 1 and "--resume" in refused.output
    assert CliRunner().invoke(reproduce.command, [*call, "--resume"]).exit_code == 0
    assert (tmp_path / "kept" / "unet-0.json").exists()


def test_the_worth_of_hints_is_measured_photo_by_photo_and_over_seeds(load: Load) -> None:
    tables = load("paper.tables")
    found = {
        "resunet": [made(load, "resunet", [0.5, 0.7, 0.9]), made(load, "resunet", [0.7, 0.7, 0.7], seed=1)],
        "no-hints": [made(load, "no-hints", [0.3, 0.6, 0.3]), made(load, "no-hints", [0.3, 0.4, 0.5], seed=1)],
    }
    away = np.array([0.6, 0.7, 0.8]) - np.array([0.3, 0.5, 0.4])
    error = away.std(ddof=1) / np.sqrt(3)
    title, recipe, seeds, with_hints, without, worth, over, paper_with, paper_without = cells(tables.hints(found), 0)
    assert (title, recipe, seeds) == ("ResUNet", "the default's", "2")
    assert with_hints.startswith("0.700 ±") and without.startswith("0.400 ±")
    assert worth == f"+0.300 ± {error:.3f}"
    assert over == "+0.300 to +0.300"
    assert (paper_with, paper_without) == ("0.6074", "0.3006")
    other = replace(found["no-hints"][0], photos={"test_digest": "others"})
    with pytest.raises(UsageError, match="different photos"):
        tables.hints({"resunet": found["resunet"][:1], "no-hints": [other]})


def test_tables_say_what_is_not_there_yet(load: Load) -> None:
    tables, rows = load("paper.tables"), load("paper.rows")
    assert tables.networks({}) == tables.hints({}) == tables.patch_term({}) == tables.why({}) == tables.NOTHING
    costs = dict.fromkeys(rows.ROWS, 36.0)
    result = made(load, "unet", [0.5, 0.5])
    table = tables.progress({"unet": [result]}, costs)
    assert "| `unet` | 0 | 1,000 | 12 | abc |  |" in table
    assert "| `resunet` | 2 |  |  |  | 1.0 h |" in table
    whole = [name for name, _ in rows.queue() if rows.ROWS[name].table != "why" and name != "unet"]
    short = sum(row.table == "why" for row in rows.ROWS.values()) * rows.SHORT.passes / 1e5
    assert f"| {len(whole) + short:.1f} h of one core |" in table


def test_the_patch_terms_row_says_what_changes_by_it(load: Load) -> None:
    tables = load("paper.tables")
    zones = {"hinted": [0.9, None], "around": [0.5, 0.5], "beyond": [0.25, 0.75]}
    less = {"hinted": [0.5, None], "around": [0.5, 0.25], "beyond": [0.25, 0.75]}
    found = {
        "resunet": [made(load, "resunet", [0.5, 0.5], **zones)],
        "no-patch-term": [made(load, "no-patch-term", [0.5, 0.25], **less)],
    }
    table = tables.patch_term(found)
    assert cells(table, 0)[3:] == ["0.900 ± 0.000", "0.500 ± 0.000", "0.500 ± 0.250"]
    assert cells(table, 1)[3:] == ["-0.400 ± 0.000", "-0.125 ± 0.125", "+0.000 ± 0.000"]


def test_the_documents_tables_are_those_of_the_committed_results(load: Load) -> None:
    pytest.importorskip("matplotlib")
    report = load("paper.report")
    text = "a\n<!-- made why -->\nold\n<!-- end -->\nb\n"
    assert report.filled(text, {"why": "new"}) == "a\n<!-- made why -->\n\nnew\n\n<!-- end -->\nb\n"
    checked = CliRunner().invoke(report.command, ["--check"])
    assert checked.exit_code == 0, checked.output


def test_figures_are_drawn_of_the_rows_that_there_are(load: Load, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figures = load("paper.figures")
    assert figures.curves({}, "default") is None and figures.explanation({}) is None
    assert figures.samples({}, tmp_path) is None
    point = {f"{name}{end}": 0.5 for name in ("accuracy", "loss") for end in ("", "_error")}
    result = replace(
        made(load, "unet", [0.5, 0.7]),
        curve=[{"step": step, "train_accuracy": 0.4, "train_loss": 2.0, **point} for step in (10, 20)],
        config={"stages": [{"batch_size": 16}]},
    )
    Image.new("RGB", (3 * 128, 128)).save(tmp_path / "unet.jpg")
    (line,) = figures.curves({"unet": [result]}, "default").axes[1].lines
    assert line.get_xdata().tolist() == [160, 320] and line.get_label() == "Simple UNet"
    result.curve[1] |= {"anew": 0.75, "anew_error": 0.01}
    _, anew = figures.curves({"unet": [result]}, "default").axes[1].lines
    assert (anew.get_xdata().tolist(), anew.get_ydata().tolist()) == ([320], [0.75])
    assert len(figures.samples({"unet": [result]}, tmp_path).axes) == 3 * 3
