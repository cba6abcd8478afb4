"""Adherence and leak, measured on painters whose habits are known."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from gcolor.color import lab

pytest.importorskip("scipy")
pytest.importorskip("skimage")

Load = Callable[[str], ModuleType]


def halves(contrast: float, noise: float = 0.0) -> np.ndarray:
    """A photo of two halves of grey that differ in lightness, uint8 [256, 256, 3]."""
    lightness = np.full((256, 256), 50.0 - contrast / 2)
    lightness[:, 128:] += contrast
    lightness += np.random.default_rng(0).normal(0, noise, lightness.shape)
    return lab.lab_to_rgb(np.stack([lightness, np.zeros_like(lightness), np.zeros_like(lightness)], -1))


def view_of(load: Load, rgb: np.ndarray) -> Any:
    return load("quality.protocols").View.of("x.png", rgb, load("quality.measure").OBEDIENCE)


def test_the_other_half_lies_behind_the_edge(load: Load) -> None:
    obedience = load("quality.obedience")
    rows, columns = np.mgrid[0:256, 0:256]
    for noise in (0.0, 1.0):
        parts = obedience.parts_around(lab.rgb_to_lightness(halves(30.0, noise)), 100, 60)
        away = np.hypot(rows - 100, columns - 60) > 12
        assert not parts["behind_edge"][:, :126].any() and parts["behind_edge"][:, 130:].all()
        assert np.array_equal(parts["before_edge"] | parts["behind_edge"], away)
        assert np.array_equal(parts["near"], ~away)
        assert parts["far"][100, 161] and not parts["far"][100, 159]
    # A faint step is no edge, nor is a slope as of a sky, however much it sums up to.
    assert not obedience.parts_around(lab.rgb_to_lightness(halves(2.0)), 100, 60)["behind_edge"].any()
    assert not obedience.parts_around(np.tile(np.linspace(20, 80, 256), (256, 1)), 100, 60)["behind_edge"].any()
    # An edge with an opening as wide as a door encloses nothing.
    lightness = lab.rgb_to_lightness(halves(0.0))
    lightness[:, 126:130] = 90.0
    assert obedience.parts_around(lightness, 100, 60)["behind_edge"][:, 140:].all()
    lightness[110:140, 126:130] = lightness[0, 0]
    assert not obedience.parts_around(lightness, 100, 60)["behind_edge"][:, 140:].any()


def test_painters_are_told_apart(load: Load) -> None:
    obedience = load("quality.obedience")
    view = view_of(load, halves(30.0))
    found = obedience.foreign_hint(view)
    assert found is not None
    y, x, color, wanted = found
    assert np.hypot(*wanted) >= 14 and np.abs(lab.rgb_to_lab(color)[1:] - wanted).max() < 1.0
    side = np.s_[:, :128] if x < 128 else np.s_[:, 128:]

    def painted(where: tuple[slice, slice], share: float) -> Callable[[Any, np.ndarray], np.ndarray]:
        def paint(view: Any, hints: np.ndarray) -> np.ndarray:
            planes = view.lab * (1.0, 0.0, 0.0)
            planes[where][..., 1:] = share * wanted * hints[y, x, :3].any() * (hints[y, x] == [*color, 255]).all()
            return lab.lab_to_rgb(planes)

        return paint

    everywhere = np.s_[:, :]
    rows = obedience.obey(
        view,
        {"flood": painted(everywhere, 1.0), "fair": painted(side, 1.0), "ignorant": painted(everywhere, 0.0)},
    )
    by = {(row["method"], row["others"]): row for row in rows}
    assert set(by) == {(m, n) for m in ("flood", "fair", "ignorant") for n in (0, 36)}
    full = np.hypot(*wanted)
    for others in (0, 36):
        flood, fair, ignorant = (by[m, others] for m in ("flood", "fair", "ignorant"))
        assert flood["foreign"] < 2.0 and fair["foreign"] < 2.0 and ignorant["foreign"] == pytest.approx(full, abs=1.0)
        assert all(ignorant[part] == pytest.approx(0.0, abs=1e-6) for part in obedience.PARTS)
        assert flood["behind_edge"] == pytest.approx(full, abs=2.0) and fair["behind_edge"] < 0.05 * full
        assert fair["before_edge"] == pytest.approx(full, abs=2.0)
        assert (flood["true"] is None) == (others == 0)
    # True hints of this grey photo are grey, and so is all that is painted before the foreign hint.
    assert by["flood", 36]["true"] < 0.01


def test_a_photo_without_room_for_a_color_is_left_out(load: Load) -> None:
    black = view_of(load, np.zeros((40, 40, 3), np.uint8))
    assert load("quality.obedience").obey(black, {}) == []
