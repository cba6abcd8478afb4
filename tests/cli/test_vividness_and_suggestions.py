"""What the default model makes up, scaled; and what else a place could be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from gcolor.color import lab
from PIL import Image

pytestmark = pytest.mark.smoke


def ab(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return lab.rgb_to_lab(np.asarray(image.convert("RGB")))[..., 1:]


@pytest.fixture
def one_hint(tmp_path: Path) -> Path:
    folder = tmp_path / "hints"
    folder.mkdir()
    point = {"x": 72, "y": 48, "color": "#c03028", "radius": 6}
    (folder / "b.json").write_text(json.dumps({"version": 1, "points": [point]}))
    return folder


def test_vividness_scales_what_is_made_up_and_no_hint(
    gcolor, grey_folder: Path, one_hint: Path, tmp_path: Path
) -> None:
    made = {}
    for vividness in ("0", "1", "2"):
        out = tmp_path / vividness
        for hints, folder in (((), out / "free"), (("--hints", one_hint), out / "hinted")):
            done = gcolor("batch", grey_folder, *hints, "-o", folder, "--vividness", vividness, "--match", "b.png")
            assert done.returncode == 0, done.stderr
        made[vividness] = ab(out / "free" / "b.png")
    strength = {name: float(np.hypot(*np.moveaxis(values, -1, 0)).mean()) for name, values in made.items()}
    assert strength["0"] < 1.0 < strength["1"] < strength["2"]
    # The hint is what it was, whatever is made up around it.
    shown = [ab(tmp_path / name / "hinted" / "b.png")[48, 72] for name in ("0", "1", "2")]
    assert np.ptp(shown, axis=0).max() < 4.0 and shown[1][0] > 25


def test_another_vividness_makes_a_picture_again(gcolor, grey_folder: Path) -> None:
    for vividness, wanted in (("1", "3 colored"), ("1", "0 colored"), ("1.5", "3 colored"), ("1.5", "0 colored")):
        done = gcolor("batch", grey_folder, "--vividness", vividness)
        assert done.returncode == 0 and done.stderr.splitlines()[-1].startswith(wanted), done.stderr
    assert gcolor("batch", grey_folder, "--vividness", "3").returncode == 2


def test_suggestions_are_distinct_and_of_the_places_lightness(gcolor, grey_folder: Path) -> None:
    done = gcolor("hints", "suggest", grey_folder / "b.png", 72, 48, "--json")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert 1 <= len(found) <= 6
    colors = np.array([[int(s["color"][i : i + 2], 16) for i in (1, 3, 5)] for s in found], np.uint8)
    with Image.open(grey_folder / "b.png") as image:
        own = lab.rgb_to_lightness(np.asarray(image.convert("RGB"))[48:49, 72:73])[0, 0]
    assert np.abs(lab.rgb_to_lightness(colors) - own).max() < 1.5
    assert len({tuple(color) for color in colors.tolist()}) == len(colors)
    chances = [s["probability"] for s in found]
    assert chances == sorted(chances, reverse=True) and 0.0 < sum(chances) <= 1.0 + 1e-6
    assert gcolor("hints", "suggest", grey_folder / "b.png", 7200, 48).returncode == 2
