"""Marks and painted overlays on the grid of cells, against plain loops."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from gcolor.color.hint_files import parse_picture
from gcolor.color.hints import Bytes, Hints, Mark
from PIL import Image

SIZE = (64, 48)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def point(x: float, y: float, color: tuple[int, int, int] = (200, 10, 30), radius: float = 0.0) -> Mark:
    return Mark(np.array([[x, y]]), color, radius)


def stroke(*vertices: tuple[float, float], color: tuple[int, int, int] = (1, 2, 3), radius: float = 0.0) -> Mark:
    return Mark(np.array(vertices, float), color, radius)


def png(pixels: Bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def overlay() -> Bytes:
    """Scattered pixels of any color, the others transparent."""
    found = rng().integers(0, 256, (SIZE[1], SIZE[0], 4), np.uint8)
    found[rng().random(found.shape[:2]) > 0.3] = 0
    return found


# --- Rasterizing an overlay ---


def average_by_loop(pixels: Bytes, h: int, w: int) -> Bytes:
    """The definition, one pixel and one cell after the other."""
    height, width = pixels.shape[:2]
    sums = np.zeros((h, w, 4))
    for y in range(height) if height >= h and width >= w else ():
        for x in range(width):
            r, g, b, alpha = (float(v) for v in pixels[y, x])
            if alpha >= 128:
                cell = int((y + 0.5) * h / height), int((x + 0.5) * w / width)
                sums[cell] += (r * alpha, g * alpha, b * alpha, alpha)
    cells = np.zeros((h, w, 4), np.uint8)
    for i in range(h):
        for j in range(w):
            if height < h or width < w:
                nearest = pixels[int((i + 0.5) * height / h), int((j + 0.5) * width / w)]
                if nearest[3] >= 128:
                    cells[i, j] = (*nearest[:3], 255)
            elif sums[i, j, 3] > 0:
                cells[i, j] = (*np.rint(sums[i, j, :3] / sums[i, j, 3]), 255)
    return cells


@pytest.mark.parametrize("grid", [(48, 64), (16, 16), (32, 48), (7, 5), (1, 1), (96, 128), (100, 130), (47, 64)])
def test_overlay_is_averaged_as_defined(grid: tuple[int, int]) -> None:
    pixels = overlay()
    found = Hints(SIZE, pixels).rasterize(grid)
    assert found.shape == (*grid, 4) and found.dtype == np.uint8
    np.testing.assert_array_equal(found, average_by_loop(pixels, *grid))


@pytest.mark.parametrize(("height", "width"), [(3000, 4001), (301, 400), (256, 384), (97, 131), (12, 16), (1, 1)])
def test_no_dot_is_lost(height: int, width: int) -> None:
    """Any single opaque pixel marks its own cell, with its own color, at every ratio of overlay to grid."""
    grid = (96, 128)
    for y, x in rng().integers(0, (height, width), (20 if height < 1000 else 5, 2)):
        pixels = np.zeros((height, width, 4), np.uint8)
        pixels[y, x] = (9, 250, 77, 128)
        found = Hints((width, height), pixels).rasterize(grid)
        cell = int((y + 0.5) * grid[0] / height), int((x + 0.5) * grid[1] / width)
        assert found[cell].tolist() == [9, 250, 77, 255]
        assert (found[..., 3] > 0).sum() == 1 or height < grid[0] or width < grid[1]


def test_one_axis_coarser_than_the_grid_and_one_finer() -> None:
    pixels = np.zeros((10, 40, 4), np.uint8)
    pixels[3, 39] = (5, 6, 7, 255)
    found = Hints((40, 10), pixels).rasterize((20, 20))
    assert np.argwhere(found[..., 3]).tolist() == [[6, 19], [7, 19]]


def test_alpha_weighs_and_127_is_no_hint() -> None:
    pixels = np.array([[[100, 0, 0, 128], [200, 0, 0, 255], [7, 7, 7, 127], [9, 9, 9, 0]]], np.uint8)
    found = Hints((4, 1), pixels).rasterize((1, 2))
    assert found[0, 0].tolist() == [round((100 * 128 + 200 * 255) / 383), 0, 0, 255]
    assert found[0, 1].tolist() == [0, 0, 0, 0]
    same = Hints((4, 1), pixels).rasterize((1, 4))
    assert same[0, 2:].tolist() == [[0, 0, 0, 0], [0, 0, 0, 0]] and same[0, 0].tolist() == [100, 0, 0, 255]


def test_the_overlay_itself_is_left_alone() -> None:
    pixels = overlay()
    before = pixels.copy()
    Hints(SIZE, pixels, [point(3, 3, radius=9)]).rasterize(SIZE[::-1])
    np.testing.assert_array_equal(pixels, before)


# --- Rasterizing marks ---


def distance(center: tuple[float, float], mark: Mark) -> float:
    v = mark.vertices
    best = min(np.hypot(*(center - a)) for a in v)
    for a, b in zip(v[:-1], v[1:], strict=True):
        length = ((b - a) ** 2).sum()
        if length > 0:
            t = np.clip(((center - a) @ (b - a)) / length, 0, 1)
            best = min(best, np.hypot(*(center - a - t * (b - a))))
    return float(best)


def passes(mark: Mark, size: tuple[int, int], grid: tuple[int, int]) -> set[tuple[int, int]]:
    """The cells of points spread densely along the mark."""
    v, cells = mark.vertices, set()
    along = [v] + [a + np.linspace(0, 1, 1500)[:, None] * (b - a) for a, b in zip(v[:-1], v[1:], strict=True)]
    for x, y in np.concatenate(along).tolist():
        row, column = int(y * grid[0] / size[1]), int(x * grid[1] / size[0])
        cells.add((min(row, grid[0] - 1), min(column, grid[1] - 1)))
    return cells


def test_marks_cover_what_the_definition_says() -> None:
    """Random points, strokes and polylines; a cell that is just grazed may be missed by the sampled reference."""
    random_ = rng()
    size, grid = (300, 210), (14, 22)
    for trial in range(40):
        vertices = random_.uniform(0, 1, (1 + trial % 4, 2)) * size
        if trial % 5 == 0:
            vertices[:, trial % 2] = vertices[0, trial % 2]  # level or upright
        mark = Mark(vertices, (1, 2, 3), float(random_.choice([0.0, 3.0, 11.0, 40.0, 500.0])))
        found = Hints(size, None, [mark]).rasterize(grid)[..., 3] > 0
        crossed = passes(mark, size, grid)
        wanted = np.zeros(grid, bool)
        for i in range(grid[0]):
            for j in range(grid[1]):
                center = (j + 0.5) * size[0] / grid[1], (i + 0.5) * size[1] / grid[0]
                wanted[i, j] = (i, j) in crossed or 0 < mark.radius >= distance(center, mark)
        assert not (wanted & ~found).any()
        extra = np.argwhere(found & ~wanted)
        for i, j in extra:  # must be grazed: the line comes within a hair of the cell
            corner = [(x * size[0] / grid[1], y * size[1] / grid[0]) for x in (j, j + 1) for y in (i, i + 1)]
            assert min(distance(c, mark) for c in corner) < 0.2


@pytest.mark.parametrize("at", [(0, 0), (64, 48), (64, 0), (0, 48), (32, 24), (63.999, 0.001)])
def test_a_point_anywhere_marks_one_cell(at: tuple[float, float]) -> None:
    for grid in [(1, 1), (3, 5), (48, 64), (500, 700)]:
        found = Hints(SIZE, None, [point(*at)]).rasterize(grid)
        row, column = min(int(at[1] * grid[0] / 48), grid[0] - 1), min(int(at[0] * grid[1] / 64), grid[1] - 1)
        assert np.argwhere(found[..., 3]).tolist() == [[row, column]]
        assert found[row, column].tolist() == [200, 10, 30, 255]


def test_a_stroke_has_no_gaps() -> None:
    found = Hints(SIZE, None, [stroke((1, 2), (61, 45))]).rasterize((24, 32))[..., 3] > 0
    rows = [np.flatnonzero(row) for row in found[1:23]]
    for row, below in zip(rows, rows[1:], strict=False):
        assert row[-1] - row[0] == len(row) - 1 and row[-1] >= below[0] - 1


def test_later_marks_lie_over_earlier_ones_and_over_the_overlay() -> None:
    pixels = np.full((48, 64, 4), 255, np.uint8)
    under, over = point(20, 20, (10, 0, 0), 12), stroke((0, 20), (64, 20), color=(0, 20, 0), radius=3)
    found = Hints(SIZE, pixels, [under, over]).rasterize((48, 64))
    assert found[20, 20].tolist() == [0, 20, 0, 255]
    assert found[28, 20].tolist() == [10, 0, 0, 255]
    assert found[40, 20].tolist() == [255, 255, 255, 255]
    assert Hints(SIZE, pixels, [over, under]).rasterize((48, 64))[20, 20].tolist() == [10, 0, 0, 255]


def test_many_marks_equal_one_after_the_other() -> None:
    """All at once, on a grid of several strips, is the same as each mark drawn over what is there."""
    random_ = rng()
    marks = [
        Mark(random_.uniform(0, 1, (n % 3 + 1, 2)) * SIZE, tuple(random_.integers(0, 256, 3).tolist()), n % 7)
        for n in range(80)
    ]
    grid = (600, 130)
    wanted = np.zeros((*grid, 4), np.uint8)
    for mark in marks:
        one = Hints(SIZE, None, [mark]).rasterize(grid)
        wanted[one[..., 3] > 0] = one[one[..., 3] > 0]
    np.testing.assert_array_equal(Hints(SIZE, None, marks).rasterize(grid), wanted)


def test_more_marks_than_are_clipped_at_once() -> None:
    random_ = rng()
    places, radii = random_.uniform(0, 1, (3000, 2)) * (60, 40), random_.uniform(0, 4, 3000)
    colors = random_.integers(0, 256, (3000, 3))
    marks = [Mark(p[None], tuple(c), r) for p, c, r in zip(places, colors.tolist(), radii.tolist(), strict=True)]
    y, x = np.mgrid[:40, :60] + 0.5
    for end in (500, 1024, 1025, 3000):
        wanted = np.zeros((40, 60, 4), np.uint8)
        for (px, py), color, radius in zip(places[:end], colors, radii, strict=False):
            wanted[np.hypot(x - px, y - py) <= radius] = (*color, 255)
            wanted[int(py), int(px)] = (*color, 255)
        np.testing.assert_array_equal(Hints((60, 40), None, marks[:end]).rasterize((40, 60)), wanted)


def test_ten_thousand_marks_are_quick() -> None:
    random_ = rng()
    for radius in (0.0, 900.0):
        marks = [Mark(v, (1, 2, 3), radius) for v in random_.uniform(0, 2000, (10_000, 2, 2))]
        start = time.process_time()
        Hints((2000, 2000), None, marks).rasterize((256, 256))
        assert time.process_time() - start < 5.0  # a fraction of a second where nothing else runs


def test_count_and_empty() -> None:
    assert Hints(SIZE).count == Hints(SIZE, np.zeros((4, 4, 4), np.uint8)).count == 0
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[:2, :3, 3] = 128
    hints = Hints(SIZE, pixels, [point(1, 1)])
    assert hints.count == 2
    assert not Hints(SIZE).rasterize((8, 8)).any()


def test_render_reads_back_to_the_same_cells() -> None:
    size, grid = (640, 480), (48, 64)
    pixels = np.zeros((240, 320, 4), np.uint8)
    pixels[100:140, 200:260] = (10, 200, 90, 255)
    marks = [point(33, 44, (250, 0, 0)), point(335, 405, (0, 0, 250), 40), stroke((100, 300), (600, 80), radius=20)]
    hints = Hints(size, pixels, marks)
    drawn = hints.render()
    assert drawn.shape == (480, 640, 4) and set(np.unique(drawn[..., 3])) == {0, 255}
    assert not drawn[drawn[..., 3] == 0].any()
    assert drawn[44, 33].tolist() == [250, 0, 0, 255] and 1 <= (drawn[30:60, 20:50, 3] > 0).sum() <= 9

    before, after = hints.rasterize(grid), parse_picture(png(drawn), size).rasterize(grid)
    was, now = before[..., 3] > 0, after[..., 3] > 0
    assert not (was & ~now).any()
    grown = np.zeros_like(was)  # the drawing fills every cell that it touches, so the border may grow by one cell
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            grown |= np.roll(was, (dy, dx), (0, 1))
    assert not (now & ~grown).any()
    inside = was & (before == after).all(-1)
    assert inside.sum() > 0.8 * was.sum()
    np.testing.assert_array_equal(parse_picture(png(drawn), size).render(), drawn)
