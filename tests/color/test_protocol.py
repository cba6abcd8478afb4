from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from gcolor.color import protocol


def test_hints_of_a_name_are_the_same_in_every_process() -> None:
    code = "from gcolor.color import protocol as p; print(p.hint_centres('a ü.jpg', 3).tolist())"
    printed = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(2)]
    assert printed[0] == printed[1] == f"{protocol.hint_centres('a ü.jpg', 3).tolist()}\n"
    assert protocol.hint_centres("b.jpg", 3).tolist() != protocol.hint_centres("a ü.jpg", 3).tolist()


def test_the_first_hints_of_many_are_the_hints_of_few() -> None:
    assert np.array_equal(protocol.hint_centres("x.png", 100)[:10], protocol.hint_centres("x.png", 10))


def test_hints_show_the_photos_own_pixels_in_3x3_squares() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    raster = protocol.true_hints(rgb, "x.png", 5)
    expected = np.zeros((256, 256), bool)
    for y, x in protocol.hint_centres("x.png", 5):
        assert 1 <= y <= 254 and 1 <= x <= 254
        expected[y - 1 : y + 2, x - 1 : x + 2] = True
    assert np.array_equal(raster[..., 3] == 255, expected) and set(np.unique(raster[..., 3])) == {0, 255}
    assert np.array_equal(raster[expected][:, :3], rgb[expected]) and not raster[~expected].any()
    assert not protocol.true_hints(rgb, "x.png", 0).any()


def test_a_sample_does_not_depend_on_order_and_grows_by_its_end() -> None:
    paths = [Path(f"{i}.jpg") for i in range(20)]
    assert protocol.sample(paths, 5) == protocol.sample(reversed(paths))[:5]


def test_the_fingerprint_names_photos_and_counts() -> None:
    one = protocol.fingerprint(["a", "b"], [0, 10])
    assert one == protocol.fingerprint(["b", "a"], [10, 0])
    assert len({one, protocol.fingerprint(["a", "c"], [0, 10]), protocol.fingerprint(["a", "b"], [0, 11])}) == 3
