"""Suggestions: covering a known distribution, and staying inside the gamut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from gcolor.color import bins
from gcolor.runtime.suggestions import RADIUS, at_place, cover, spread, suggest

pytest.importorskip("skimage")
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab


def nodes(*peaks: tuple[tuple[float, float], float]) -> np.ndarray:
    """Probabilities with so much on each of some nodes."""
    out = np.zeros(len(bins.JOINT))
    for ab, share in peaks:
        (number,) = np.flatnonzero((ab == bins.JOINT).all(1))
        out[number] = share
    return out


def test_a_distribution_with_two_peaks_gives_both_first_the_likelier_one() -> None:
    first, second, *_ = suggest(nodes(((48, 32), 0.3), ((-32, 32), 0.7)), 60.0, 6)
    for one, wanted in ((first, (-32, 32)), (second, (48, 32))):
        found = rgb2lab(np.array(one.color, np.uint8))
        assert deltaE_ciede2000(found, (60.0, *wanted)) < RADIUS


def test_an_even_distribution_gives_as_many_distinct_colors_as_are_asked_for() -> None:
    even = np.full(len(bins.JOINT), 1.0 / len(bins.JOINT))
    for count in (1, 3, 6):
        found = suggest(even, 55.0, count)
        assert len(found) == count
        lab = [rgb2lab(np.array(one.color, np.uint8)) for one in found]
        # Bytes move a color by a little.
        assert all(deltaE_ciede2000(p, q) > RADIUS - 1.0 for p, q in itertools.combinations(lab, 2))
        assert all(abs(color[0] - 55.0) < 0.6 for color in lab)
        shares = [one.probability for one in found]
        assert shares == sorted(shares, reverse=True) and 0.0 < sum(shares) <= 1.0 + 1e-9


@pytest.mark.parametrize("lightness", [0.0, 0.5, 8.0, 50.0, 97.0, 100.0])
def test_every_color_is_inside_the_gamut_at_its_lightness(lightness: float) -> None:
    even = np.full(len(bins.JOINT), 1.0 / len(bins.JOINT))
    colors, mass = spread(even, lightness)
    assert mass.sum() == pytest.approx(1.0, abs=0.01) and len(colors)
    back = rgb2lab(lab2rgb(colors))  # scikit-image clips what is outside
    assert np.abs(back - colors).max() < 0.2
    assert suggest(even, lightness, 6)


def test_where_nothing_likely_is_inside_the_gamut_grey_is_left() -> None:
    (one,) = suggest(nodes(((96, 80), 1.0)), 99.9, 6)
    assert max(one.color) - min(one.color) <= 1 and min(one.color) >= 254


def test_covering_is_greedy_over_what_is_left() -> None:
    colors = np.array([[50.0, 0.0, 0.0], [50.0, 4.0, 0.0], [50.0, 60.0, 0.0], [50.0, 0.0, 60.0]])
    assert cover(colors, np.array([0.3, 0.2, 0.1, 0.4]), 3) == [(0, 0.5), (3, 0.4), (2, 0.1)]
    assert [number for number, _ in cover(colors, np.array([0.5, 0.5, 0.0, 0.0]), 9)] == [0]


def test_a_place_is_mixed_from_its_four_cells() -> None:
    joint = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    assert at_place(joint, 1.5 / 4, 0.5 / 3) == [1.0]
    assert at_place(joint, 2.0 / 4, 1.0 / 3) == [3.5]
    assert at_place(joint, 0.0, 0.0) == [0.0] and at_place(joint, 0.9999, 0.9999) == [11.0]
    assert at_place(np.ones((1, 1, 1), np.float32), 0.7, 0.2) == [1.0]
