from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gcolor.color import lab, protocol
from gcolor.color.protocol import Patches

MEANS = Patches(side=6, mean=True)
CELLS = Patches(size=224, side=2, mean=True, cells=True)


def test_hints_of_a_name_are_the_same_in_every_process() -> None:
    code = "from gcolor.color import protocol as p; print(p.hint_centers('a ü.jpg', 3).tolist())"
    printed = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(2)]
    assert printed[0] == printed[1] == f"{protocol.hint_centers('a ü.jpg', 3).tolist()}\n"
    assert protocol.hint_centers("b.jpg", 3).tolist() != protocol.hint_centers("a ü.jpg", 3).tolist()


def test_the_first_hints_of_many_are_the_hints_of_few() -> None:
    assert np.array_equal(protocol.hint_centers("x.png", 100)[:10], protocol.hint_centers("x.png", 10))


def test_hints_show_the_photos_own_pixels_in_3x3_squares() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    raster = protocol.true_hints(rgb, "x.png", 5)
    expected = np.zeros((256, 256), bool)
    for y, x in protocol.hint_centers("x.png", 5):
        assert 1 <= y <= 254 and 1 <= x <= 254
        expected[y - 1 : y + 2, x - 1 : x + 2] = True
    assert np.array_equal(raster[..., 3] == 255, expected) and set(np.unique(raster[..., 3])) == {0, 255}
    assert np.array_equal(raster[expected][:, :3], rgb[expected]) and not raster[~expected].any()
    assert not protocol.true_hints(rgb, "x.png", 0).any()


def test_hints_at_a_grid_show_the_means_of_the_pixels_below_their_cells() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (512, 1152, 3), np.uint8)
    raster = protocol.grid_hints(rgb, "x.png", 5, (256, 384))
    expected = np.zeros((256, 384), bool)
    for y, x in protocol.hint_centers("x.png", 5):
        x = x * 384 // 256
        expected[y - 1 : y + 2, x - 1 : x + 2] = True
    assert np.array_equal(raster[..., 3] == 255, expected) and not raster[~expected].any()
    means = rgb.reshape(256, 2, 384, 3, 3).mean((1, 3))
    assert np.abs(raster[expected][:, :3] - means[expected]).max() <= 0.5
    for grid in ((32, 48), (512, 256)):
        hinted = protocol.grid_hints(rgb[:20, :30], "x.png", 100, grid)[..., 3]
        assert hinted.shape == grid and set(np.unique(hinted)) == {0, 255}


def test_a_sample_does_not_depend_on_order_and_grows_by_its_end() -> None:
    paths = [Path(f"{i}.jpg") for i in range(20)]
    assert protocol.sample(paths, 5) == protocol.sample(reversed(paths))[:5]


def test_the_fingerprint_names_photos_and_counts() -> None:
    one = protocol.fingerprint(["a", "b"], [0, 10])
    assert one == protocol.fingerprint(["b", "a"], [10, 0])
    assert len({one, protocol.fingerprint(["a", "c"], [0, 10]), protocol.fingerprint(["a", "b"], [0, 11])}) == 3


def test_the_papers_hints_are_those_of_earlier_evaluations() -> None:
    assert protocol.hint_centers("a.jpg", 3).tolist() == [[204, 65], [43, 105], [158, 36]]
    known = "6393fe7ae97e0e17fdb90ec07c9f14fdab91e94161102e30b91d9da4a1be6175"
    assert protocol.fingerprint(["a.jpg", "b.jpg"], [0, 10, 36]) == known
    assert protocol.fingerprint(["a.jpg", "b.jpg"], (n for n in (36, 0, 10))) == known
    others = {protocol.fingerprint(["a.jpg", "b.jpg"], [0, 10, 36], p) for p in (MEANS, CELLS, Patches(mean=True))}
    assert len(others | {known}) == 4


@pytest.mark.parametrize("patches", [MEANS, CELLS], ids=["6x6", "cells"])
def test_mean_hints_agree_with_a_plain_loop_over_scikit_image(patches: Patches) -> None:
    color = pytest.importorskip("skimage.color")
    y, x = np.mgrid[0 : patches.size, 0 : patches.size] / patches.size
    rgb = np.clip(255 * np.stack([0.4 + 0.3 * np.sin(9 * y), 0.3 + 0.4 * x, 0.5 + 0.2 * y * x], -1), 0, 255)
    rgb = rgb.astype(np.uint8)
    truth = color.rgb2lab(rgb)
    wanted, mask = np.zeros((patches.size, patches.size, 2)), np.zeros((patches.size, patches.size), bool)
    for top, left in protocol.hint_corners("x.png", 500, patches):
        total = np.zeros(2)
        for row in range(top, top + patches.side):
            for column in range(left, left + patches.side):
                total += truth[row, column, 1:]
        for row in range(top, top + patches.side):
            for column in range(left, left + patches.side):
                wanted[row, column], mask[row, column] = total / patches.side**2, True
    raster = protocol.true_hints(rgb, "x.png", 500, patches)
    assert np.array_equal(raster[..., 3], 255 * mask) and not raster[~mask].any()
    # What is left is the rounding of a color to bytes.
    assert np.abs(lab.rgb_to_lab(raster[..., :3])[..., 1:] - wanted)[mask].max() < 1.0


def test_cells_lie_on_their_grid_and_none_is_taken_twice() -> None:
    corners = protocol.hint_corners("x.png", 400, CELLS)
    assert not (corners % 2).any() and corners.min() >= 0 and corners.max() <= 222
    assert len(np.unique(corners, axis=0)) == 400
    assert np.array_equal(corners[:10], protocol.hint_corners("x.png", 10, CELLS))
    assert corners.max() > 200 > 24 > corners.min()


def test_patches_of_any_side_stay_within_the_photo() -> None:
    corners = protocol.hint_corners("x.png", 5000, MEANS)
    assert corners.min() == 0 and corners.max() == 250
    assert np.array_equal(protocol.hint_centers("x.png", 5000, MEANS), corners + 3)
