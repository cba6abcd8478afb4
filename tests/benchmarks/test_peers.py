"""A real run of the comparison with its peers on tiny pictures, and whether the peers are what they say they are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gcolor import Colorizer

pytest.importorskip("skimage")
torch = pytest.importorskip("torch")

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SIZES = ["0.02 MP", "0.05 MP"]
NAMES = ["gcolor", "plain loop", "SIGGRAPH17", "unfused", "limit", "bare limit"]


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    arguments = ["--sizes", "0.05,0.02", "--count", "2", "--rounds", "1", "--json"]
    command = [sys.executable, str(BENCHMARKS / "peers.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_all_contestants_have_all_figures(report: dict[str, Any]) -> None:
    assert list(report["contestants"]) == NAMES
    assert report["settings"]["sizes"] == SIZES
    assert report["machine"]["processor"]
    for found in report["contestants"].values():
        assert set(found["seconds"]) == {*SIZES, "mixed"}
        assert all(value > 0 for kind in ("seconds", "cpu_seconds") for value in found[kind].values())
        assert found["peak_memory_mb"] > 10


def test_ratios_belong_to_the_times(report: dict[str, Any]) -> None:
    contestants = report["contestants"]
    ours = contestants["gcolor"]["seconds"]
    for found in contestants.values():
        for size, seconds in found["seconds"].items():
            assert found["ratio_to_gcolor"][size] == pytest.approx(seconds / ours[size])
        assert found["pictures_per_second"] == pytest.approx(1 / found["seconds"]["mixed"])
    # Two pictures of each size, one at a time: the mixture's time per picture is the mean of the sizes'.
    for name in ("plain loop", "SIGGRAPH17", "unfused"):
        seconds = contestants[name]["seconds"]
        assert seconds["mixed"] == pytest.approx((seconds[SIZES[0]] + seconds[SIZES[1]]) / 2)
    limit = report["limit"]
    assert limit["size"] == SIZES[1]
    assert limit["share"] == pytest.approx(contestants["limit"]["seconds"][SIZES[1]] / ours[SIZES[1]])


def test_stages_say_what_sixty_percent_would_take(report: dict[str, Any]) -> None:
    stages, needed = report["limit"]["stages_cpu_seconds"], report["limit"]["for_60_percent"]
    assert set(stages) == {"decode", "shrink", "network", "paint", "encode", "rest"}
    edges = stages["decode"] + stages["encode"]
    assert 0 < edges < stages["network"]
    assert edges / (edges + needed["allowed_ms"] / 1e3) == pytest.approx(0.6)
    assert needed["times_faster"] == pytest.approx((sum(stages.values()) - edges) / (needed["allowed_ms"] / 1e3))


def test_peers_with_the_same_network_paint_the_same_colors(report: dict[str, Any]) -> None:
    """They clip what is out of gamut where gcolor keeps the luminance, and enlarge ab in other ways."""
    with_difference = {name for name, found in report["contestants"].items() if "difference" in found}
    assert with_difference == {"plain loop", "unfused"}
    for name in with_difference:
        assert 0 < report["contestants"][name]["difference"] < 1.5


def test_plain_loop_is_far_nearer_to_gcolor_than_grey_is(load: Any, make_scene: Callable[..., np.ndarray]) -> None:
    rgb = make_scene(256, 384)
    colorizer = Colorizer()
    colorizer.set_image(rgb)
    ours = colorizer.color().astype(int)
    theirs = load("peers.plain_loop").same_network().color(rgb).astype(int)
    grey = ours.mean(axis=-1, keepdims=True)
    assert np.abs(ours - theirs).mean() < min(1.0, 0.2 * np.abs(ours - grey).mean())


def test_siggraph17_has_the_published_size_and_shape(load: Any) -> None:
    published = load("peers.siggraph17")
    network = published.Siggraph17().eval()
    assert published.parameters(network) == pytest.approx(34e6, rel=0.02)
    with torch.no_grad():
        ab = network(torch.zeros(1, 1, 64, 96), torch.zeros(1, 2, 64, 96), torch.zeros(1, 1, 64, 96))
        full = network.stage4(network.stage3(network.stage2(network.stage1(torch.zeros(1, 4, 8, 8)))))
    assert ab.shape == (1, 2, 64, 96)
    assert ab.abs().max() <= published.AB_RANGE
    assert full.shape == (1, 512, 8, 8)


@pytest.mark.parametrize("grey", [False, True])
def test_files_have_the_sizes_that_were_asked_for(
    load: Any, tmp_path: Path, make_scene: Callable[..., np.ndarray], grey: bool
) -> None:
    from PIL import Image

    source = tmp_path / "photos"
    source.mkdir()
    Image.fromarray(make_scene(200, 300)).save(source / "photo.png")
    out = tmp_path / "out"
    out.mkdir()
    for folder in (None, source):
        files = load("peers.files").make_files(folder, [0.02, 0.3], 2, grey, out)
        for name, megapixels in (("0.02 MP", 0.02), ("0.3 MP", 0.3)):
            assert len(files[name]) == 2
            for path in files[name]:
                with Image.open(path) as image:
                    assert image.width * image.height == pytest.approx(megapixels * 1e6, rel=0.02)
                    assert image.mode == ("L" if grey else "RGB")
