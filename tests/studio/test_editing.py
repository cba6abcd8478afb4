"""What is done to a picture on the page, in a real browser: one studio and one page, a fresh picture for each test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gcolor.color.lab import rgb_to_lab
from PIL import Image

from .conftest import Running, ramp
from .driver import RED, choose, click, drag, place, settle, show, shown, start, wait, warmth

PICTURES = 40
EXAMPLE = Path(__file__).parents[2] / "examples" / "imgs" / "astronaut.jpg"


class Sheet:
    """A picture that no test has touched, open on the page."""

    def __init__(self, page: Any, folder: Path, name: str) -> None:
        self.page, self.name = page, name
        self.picture, self.file = folder / "imgs" / name, folder / "hints" / f"{name}.json"

    @property
    def hints(self) -> Any:
        return json.loads(self.file.read_text())


@pytest.fixture(scope="module")
def room(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path, Iterator[str]]]:
    folder = tmp_path_factory.mktemp("room")
    (folder / "imgs").mkdir()
    names = [f"{number:02}.png" for number in range(PICTURES)]
    for name in names:
        ramp(90).save(folder / "imgs" / name)
    studio = Running(folder)
    context = browser.new_context(viewport={"width": 1280, "height": 800}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    start(page, studio.url)
    yield page, folder, iter(names)
    context.close()
    studio.stop()


@pytest.fixture
def sheet(room: tuple[Any, Path, Iterator[str]]) -> Iterator[Sheet]:
    page, folder, names = room
    name = next(names)
    page.fill("#search", name)
    show(page, name)
    page.fill("#search", "")
    page.locator("#picture").focus()
    for key in ("Escape", "r", "f"):
        page.keyboard.press(key)
    settle(page)
    yield Sheet(page, folder, name)
    assert not page.wrong


def test_a_hint_colors_what_is_around_it_and_leaves_far_things_alone(sheet: Any) -> None:
    page = sheet.page
    before = shown(page)
    choose(page, RED)
    click(page, 80, 120)
    after = shown(page)
    assert warmth(after[110:130, 70:90]) > warmth(before[110:130, 70:90]) + 40
    assert sheet.hints == {
        "version": 1,
        "size": [320, 240],
        "points": [{"x": pytest.approx(80, abs=1), "y": pytest.approx(120, abs=1), "color": RED, "radius": 0.0}],
        "strokes": [],
    }


def test_drag_undo_redo_and_delete(sheet: Any) -> None:
    page = sheet.page
    choose(page, RED)
    click(page, 80, 120)
    first = shown(page)
    drag(page, (80, 120), (250, 60))
    assert sheet.hints["points"][0]["x"] == pytest.approx(250, abs=1.5)
    assert warmth(shown(page)[50:70, 240:260]) > warmth(first[50:70, 240:260]) + 30
    page.keyboard.press("Control+z")
    settle(page)
    np.testing.assert_array_equal(shown(page), first)
    assert sheet.hints["points"][0]["x"] == pytest.approx(80, abs=1)
    page.keyboard.press("Control+Shift+Z")
    settle(page)
    assert sheet.hints["points"][0]["x"] == pytest.approx(250, abs=1.5)
    page.keyboard.press("m")
    page.keyboard.press("Delete")
    settle(page)
    assert not (sheet.file).exists()


def test_the_result_follows_while_the_drag_goes_on(sheet: Any) -> None:
    page = sheet.page
    choose(page, RED)
    page.mouse.move(*place(page, 80, 120))
    page.mouse.down()
    painted = page.evaluate("studio.view.painted")
    for x in range(85, 200, 12):
        page.mouse.move(*place(page, x, 120))
        page.wait_for_timeout(60)
    wait(page, f"studio.view.painted > {painted} + 1")
    assert page.evaluate("studio.marks.past.length") == 0
    page.mouse.up()
    settle(page)
    assert page.evaluate("studio.marks.past.length") == 1


def test_compare_zoom_and_single_pixels(sheet: Any) -> None:
    page = sheet.page
    choose(page, RED)
    click(page, 80, 120)
    page.click("#compare button:has-text('Split')")
    wait(page, "!!studio.view.frames.gray")
    np.testing.assert_array_equal(shown(page, "gray"), np.asarray(Image.open(sheet.picture)))
    whole = shown(page)
    for _ in range(9):
        page.keyboard.press("+")
    wait(page, "studio.view.frames.color.rect[2] - studio.view.frames.color.rect[0] < 100")
    settle(page)
    left, top, right, bottom = page.evaluate("studio.view.frames.color.rect")
    np.testing.assert_array_equal(shown(page), whole[top:bottom, left:right])
    page.locator("#picture").focus()
    page.keyboard.press("Escape")
    for _ in range(9):  # the cross stays in sight: the view follows it
        page.keyboard.press("Shift+ArrowRight")
    settle(page)
    assert page.evaluate("studio.view.frames.color.rect[0]") > left


def test_everything_has_a_name_for_screen_readers(sheet: Any) -> None:
    page = sheet.page
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, canvas:not([aria-hidden])")].filter((e) =>
        !e.getAttribute("aria-label") && !e.textContent.trim() && !e.closest("label")?.textContent.trim()
        && e.type !== "file").map((e) => e.id || e.outerHTML)"""
    )
    assert nameless == []
    page.keyboard.press("?")
    assert page.locator("#shortcuts dt").count() > 20
    page.click("#shortcuts button")


def test_the_wheel_sets_the_radius_in_one_step(sheet: Any) -> None:
    page = sheet.page
    choose(page, RED)
    zoom = page.locator("#zoom").inner_text()
    click(page, 80, 120)
    for _ in range(4):
        page.mouse.wheel(0, -100)
    wait(page, "studio.marks.past.length === 2")
    settle(page)
    radius = sheet.hints["points"][0]["radius"]
    assert radius >= 4
    page.keyboard.press("]")
    wait(page, "studio.marks.past.length === 3")
    settle(page)
    assert sheet.hints["points"][0]["radius"] > radius
    assert page.locator("#zoom").inner_text() == zoom, "over a hint the wheel does not zoom"
    page.keyboard.press("Control+z")
    settle(page)
    assert sheet.hints["points"][0]["radius"] == radius


def test_a_gray_dot_and_a_suggestion_by_keys(sheet: Any) -> None:
    page = sheet.page
    choose(page, RED)
    click(page, 250, 120)
    page.mouse.move(*place(page, 80, 120))
    page.keyboard.press("x")
    settle(page)
    red, neutral = sheet.hints["points"]
    assert (red["color"], neutral["color"]) == (RED, "#808080")
    assert (neutral["x"], neutral["y"]) == (pytest.approx(80, abs=1), pytest.approx(120, abs=1))
    assert np.ptp(shown(page)[120, 80]) < 12
    page.wait_for_selector("#suggestions button")
    second = page.evaluate("studio.panel.suggested[1]")
    page.keyboard.press("2")
    settle(page)
    assert sheet.hints["points"][1]["color"] == second
    page.keyboard.press("Escape")
    page.wait_for_selector("#suggestionsTitle:has-text('pointer')")


def test_what_the_page_says_of_gamut_and_of_wide_effects(sheet: Any) -> None:
    page = sheet.page
    page.mouse.move(*place(page, 310, 20))
    choose(page, "#0000ff")
    assert "does not exist" in page.locator("#swatchNote").inner_text(), "the place is much too light for that blue"
    choose(page, "#7d7d90")
    assert "As it looks here" in page.locator("#swatchNote").inner_text()
    choose(page, "#d02020")
    page.fill("#radius", "100")
    drag(page, (20, 120), (300, 120))
    page.wait_for_selector("#notes:has-text('% of the picture')", state="attached")
    page.keyboard.press("Control+z")
    wait(page, "!document.querySelector('#notes').textContent.includes('% of the picture')")
    page.fill("#radius", "0")


def test_colors_from_the_result_the_reference_and_the_picker(sheet: Any, tmp_path: Path) -> None:
    page = sheet.page
    choose(page, RED)
    click(page, 80, 120)
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.mouse.click(*place(page, 80.5, 120.5))
    assert page.input_value("#hex") == "#{:02x}{:02x}{:02x}".format(*shown(page)[120, 80])
    assert len(sheet.hints["points"]) == 1, "picking places nothing"
    Image.new("RGB", (60, 40), "#345678").save(tmp_path / "reference.png")
    page.set_input_files("#referenceFile", tmp_path / "reference.png")
    page.locator("#referencePicture").click()
    assert page.input_value("#hex") == "#345678"
    page.click("#closeReference")
    page.mouse.move(*place(page, 200, 60))
    box = page.locator("#picker").bounding_box()
    for x, y in ((0.6, 0.45), (0.02, 0.98)):  # inside the gamut, and far outside
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        wanted = np.array(((2 * x - 1) * 110, (1 - 2 * y) * 110))
        rgb = np.array([int(page.input_value("#hex")[i : i + 2], 16) for i in (1, 3, 5)], np.uint8)
        lab = rgb_to_lab(rgb)
        assert abs(lab[0] - page.evaluate("studio.panel.lightness")) < 1.0
        if x > 0.5:
            assert np.hypot(*(lab[1:] - wanted)) < 3.0
    assert page.locator("#recent button").count() >= 4


def test_compare_by_divider_by_held_key_and_by_held_button(sheet: Any) -> None:
    page = sheet.page
    page.keyboard.press("s")
    wait(page, "!!studio.view.frames.gray")
    drag(page, (160, 200), (240, 200))
    assert page.evaluate("studio.view.divider") == pytest.approx(0.75, abs=0.02)
    page.keyboard.press(",")
    assert page.evaluate("studio.view.divider") == pytest.approx(0.70, abs=0.02)
    assert page.evaluate("studio.marks.list.length") == 0
    page.keyboard.press("r")
    page.keyboard.down("g")
    assert page.evaluate("studio.view.shown") == "gray"
    page.keyboard.up("g")
    assert page.evaluate("studio.view.shown") == "color"
    page.locator("#compare button:has-text('Automatic')").click(delay=600)
    assert page.evaluate("studio.view.shown") == "color"
    page.locator("#compare button:has-text('Automatic')").click()
    assert page.evaluate("studio.view.shown") == "automatic"


def test_pen_and_fingers(sheet: Any) -> None:
    page = sheet.page
    choose(page, RED)
    session = page.context.new_cdp_session(page)
    x, y = place(page, 80, 120)
    for kind, dx in (("mousePressed", 0), ("mouseMoved", 30), ("mouseMoved", 60), ("mouseReleased", 60)):
        given = {
            "type": kind,
            "x": x + dx,
            "y": y,
            "button": "left",
            "buttons": 1,
            "pointerType": "pen",
            "clickCount": 1,
        }
        session.send("Input.dispatchMouseEvent", given)
    settle(page)
    assert len(sheet.hints["strokes"]) == 1

    def touch(kind: str, *points: tuple[float, float]) -> None:
        given = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

    before = page.evaluate("studio.view.scale")
    x, y = place(page, 200, 120)
    touch("touchStart", (x - 20, y))
    touch("touchStart", (x - 20, y), (x + 20, y))
    for spread in (30, 40, 50, 60):
        touch("touchMove", (x - spread, y), (x + spread, y))
    touch("touchEnd")
    settle(page)
    assert page.evaluate("studio.view.scale") == pytest.approx(3 * before, rel=0.1)
    assert page.evaluate("studio.marks.list.length") == 1, "two fingers place nothing"


def test_only_thumbnails_in_sight_exist_and_filters_choose(sheet: Any) -> None:
    page = sheet.page
    choose(page, RED)
    click(page, 80, 120)
    assert page.locator(".thumbnail").count() < PICTURES
    page.select_option("#filter", "hinted")
    names = page.locator(".thumbnail .file").all_inner_texts()
    assert sheet.name in names and len(names) < PICTURES
    page.fill("#search", "no such name")
    assert page.locator(".thumbnail").count() == 0
    page.fill("#search", "")
    page.select_option("#filter", "all")
    page.locator("#thumbnails").evaluate("(list) => { list.scrollTop = list.scrollHeight; }")
    page.wait_for_selector(f'.thumbnail[title^="{PICTURES - 1}.png"]')


def test_on_a_photograph_the_hints_place_takes_its_color(sheet: Any) -> None:
    """How far a hint reaches is the model's business, and measured in benchmarks/quality.py."""
    page = sheet.page
    shutil.copy(EXAMPLE, sheet.picture)  # another file of the same name is opened anew
    page.reload()
    wait(page, "window.studio?.view.size[0] === 512 && studio.view.frames.color && !studio.view.busy")
    page.keyboard.press("z")
    settle(page)
    before = shown(page)
    choose(page, "#2050c0")
    click(page, 110, 400)  # the sleeve
    after = shown(page)
    assert warmth(after[390:410, 100:120]) < warmth(before[390:410, 100:120]) - 30


def test_reload_finds_the_hints_and_the_keyboard_is_enough(sheet: Any) -> None:
    page = sheet.page
    page.keyboard.press("c")
    page.keyboard.type("207040")
    page.keyboard.press("Enter")
    page.locator("#picture").focus()
    for key in ("ArrowRight", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    settle(page)
    point = sheet.hints["points"][0]
    assert (point["x"], point["y"], point["color"]) == (161, 130, "#207040")
    page.keyboard.press("n")
    wait(page, f"studio.picture()?.name > {json.dumps(sheet.name)} && !studio.view.busy")
    page.keyboard.press("h")
    settle(page)
    page.wait_for_timeout(500)
    settle(page)
    other = page.evaluate("studio.picture().name")
    assert json.loads(sheet.file.with_name(f"{other}.json").read_text())["points"] == [point]
    page.evaluate(f"location.hash = '{sheet.name}'")
    page.reload()
    wait(page, f"window.studio?.picture()?.name === '{sheet.name}' && studio.view.frames.color")
    assert page.evaluate("studio.marks.list.length") == 1


def test_a_file_that_is_changed_outside_is_reloaded_or_asked_about(sheet: Any) -> None:
    page = sheet.page
    click(page, 80, 120)
    path = sheet.file
    theirs = {"version": 1, "points": [{"x": 10, "y": 20, "color": "#112233"}, {"x": 30, "y": 20, "color": "#445566"}]}
    path.write_text(json.dumps(theirs))
    wait(page, "studio.marks.list.length === 2")
    # Changed on both sides at once: the page must not win unseen.
    page.evaluate("studio.saver.look = async () => {}")
    theirs["points"].pop()
    path.write_text(json.dumps(theirs))
    page.mouse.click(*place(page, 200, 200))
    page.wait_for_selector("#question[open]")
    assert json.loads(path.read_text()) == theirs
    page.click("#question button:has-text('Keep mine')")
    settle(page)
    assert len(sheet.hints["points"]) == 3
    page.reload()
    wait(page, "window.studio?.view.frames.color")


def test_a_damaged_hint_file_stays_until_it_is_given_up(sheet: Any) -> None:
    page = sheet.page
    sheet.file.write_text('{"version": 1, "points": [{"x": -5, "y": 0, "color": "#ffffff"}]}')
    before = sheet.file.read_bytes()
    page.wait_for_selector("#question[open]")
    assert "points[0].x" in page.locator("#question p").inner_text()
    page.click("#question button:has-text('Leave it')")
    page.mouse.click(*place(page, 100, 100))
    page.wait_for_timeout(900)
    assert sheet.file.read_bytes() == before


def test_palettes_lie_beside_the_hints(sheet: Any) -> None:
    page = sheet.page
    choose(page, "#556b2f")
    page.click("#newPalette")
    page.fill("#naming input", "uniforms")
    page.keyboard.press("Enter")
    page.wait_for_selector(".palette:has-text('uniforms')")
    page.wait_for_timeout(300)
    assert json.loads(sheet.file.with_name(".gcolor.palettes.json").read_text()) == {"uniforms": ["#556b2f"]}
    page.reload()
    page.wait_for_selector(".palette:has-text('uniforms')")
