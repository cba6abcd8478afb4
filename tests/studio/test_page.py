"""The page in a real browser, over a real server, against the files on the disk and the real batch."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
RED = "#c03020"
EXAMPLE = Path(__file__).parents[2] / "examples" / "imgs" / "astronaut.jpg"


def wait(page: Any, expression: str) -> None:
    """Until an expression is true. Not Playwright's own way, which the page's security policy forbids."""
    for _ in range(300):
        if page.evaluate(f"() => ({expression})"):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {expression}")


def start(page: Any, url: str) -> None:
    page.goto(url)
    wait(page, "!!window.studio?.view.frames.color")


def show(page: Any, name: str) -> None:
    page.locator(f'.thumbnail[title^="{name}"]').click()
    wait(page, f"studio.picture()?.name === {json.dumps(name)} && !!studio.view.frames.color")


def place(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the picture lies on the page."""
    box = page.locator("#picture").bounding_box()
    at = page.evaluate("([x, y]) => studio.view.toCanvas(x, y).map((v) => v / devicePixelRatio)", [x, y])
    return box["x"] + at[0], box["y"] + at[1]


def settle(page: Any) -> None:
    """Wait until everything is painted and saved."""
    wait(page, "!studio.view.busy && !studio.saver.dirty && !studio.saver.running")


def click(page: Any, x: float, y: float) -> None:
    page.mouse.click(*place(page, x, y))
    settle(page)


def drag(page: Any, *points: tuple[float, float]) -> None:
    page.mouse.move(*place(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*place(page, *point), steps=8)
    page.mouse.up()
    settle(page)


def choose(page: Any, color: str) -> None:
    page.fill("#hex", color)
    page.press("#hex", "Enter")
    page.locator("#hex").blur()


def shown(page: Any, mode: str = "color") -> Pixels:
    """The last frame: the picture's own pixels where it is shown whole at 100 %."""
    width, height, data = page.evaluate(
        """async mode => {
            const { data } = studio.view.frames[mode], reader = new FileReader();
            await new Promise((done) => { reader.onload = done; reader.readAsDataURL(new Blob([data.data])); });
            return [data.width, data.height, reader.result.split(",")[1]];
        }""",
        mode,
    )
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[..., :3]


def warmth(pixels: Pixels) -> float:
    return float(np.mean(pixels[..., 0].astype(float) - pixels[..., 2]))


def file(folder: Path, name: str) -> Any:
    return json.loads((folder / "hints" / name).read_text())


def batch(folder: Path) -> None:
    command = [sys.executable, "-m", "gcolor", "batch", str(folder / "imgs"), "--device", "cpu", "-q"]
    hints = ["--hints", str(folder / "hints")] if (folder / "hints").exists() else []
    subprocess.run([*command, *hints, "-o", str(folder / "out")], check=True, capture_output=True)


def test_a_hint_colors_what_is_around_it_and_leaves_far_things_alone(page: Any, studio: Any, folder: Path) -> None:
    start(page, studio.url)
    before = shown(page)
    choose(page, RED)
    click(page, 80, 120)
    after = shown(page)
    assert warmth(after[110:130, 70:90]) > warmth(before[110:130, 70:90]) + 40
    assert file(folder, "a.png.json") == {
        "version": 1,
        "size": [320, 240],
        "points": [{"x": pytest.approx(80, abs=1), "y": pytest.approx(120, abs=1), "color": RED, "radius": 0.0}],
        "strokes": [],
    }


def test_on_a_photograph_the_hints_place_takes_its_color(page: Any, launch: Any, folder: Path) -> None:
    """How far a hint reaches is the model's business, and measured in benchmarks/quality.py."""
    shutil.copy(EXAMPLE, folder / "imgs" / "0.jpg")
    start(page, launch().url)
    before = shown(page)
    choose(page, "#2050c0")
    click(page, 110, 400)  # the sleeve
    after = shown(page)
    assert warmth(after[390:410, 100:120]) < warmth(before[390:410, 100:120]) - 30


def test_the_batch_makes_the_pixels_that_the_page_showed(page: Any, studio: Any, folder: Path) -> None:
    start(page, studio.url)
    choose(page, "#3060c0")
    click(page, 80, 120)
    drag(page, (200, 60), (220, 90), (260, 100))
    page_shows = shown(page)
    batch(folder)
    np.testing.assert_array_equal(page_shows, np.asarray(Image.open(folder / "out" / "a.png")))


def test_drag_undo_redo_and_delete(page: Any, studio: Any, folder: Path) -> None:
    start(page, studio.url)
    choose(page, RED)
    click(page, 80, 120)
    first = shown(page)
    drag(page, (80, 120), (250, 60))
    assert file(folder, "a.png.json")["points"][0]["x"] == pytest.approx(250, abs=1.5)
    assert warmth(shown(page)[50:70, 240:260]) > warmth(first[50:70, 240:260]) + 30
    page.keyboard.press("Control+z")
    settle(page)
    np.testing.assert_array_equal(shown(page), first)
    assert file(folder, "a.png.json")["points"][0]["x"] == pytest.approx(80, abs=1)
    page.keyboard.press("Control+Shift+Z")
    settle(page)
    assert file(folder, "a.png.json")["points"][0]["x"] == pytest.approx(250, abs=1.5)
    page.keyboard.press("m")
    page.keyboard.press("Delete")
    settle(page)
    assert not (folder / "hints" / "a.png.json").exists()


def test_the_result_follows_while_the_drag_goes_on(page: Any, studio: Any) -> None:
    start(page, studio.url)
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


def test_reload_finds_the_hints_and_the_keyboard_is_enough(page: Any, studio: Any, folder: Path) -> None:
    start(page, studio.url)
    page.keyboard.press("c")
    page.keyboard.type("207040")
    page.keyboard.press("Enter")
    page.locator("#picture").focus()
    for key in ("ArrowRight", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    settle(page)
    point = file(folder, "a.png.json")["points"][0]
    assert (point["x"], point["y"], point["color"]) == (161, 130, "#207040")
    page.keyboard.press("n")
    wait(page, "studio.picture()?.name === 'b.png'")
    page.keyboard.press("h")
    settle(page)
    page.wait_for_timeout(500)
    settle(page)
    assert file(folder, "b.png.json")["points"] == [point]
    start(page, studio.base + "/#a.png")
    assert page.evaluate("studio.marks.list.length") == 1


def test_names_of_every_kind_and_rotation(page: Any, launch: Any, folder: Path) -> None:
    rng = np.random.default_rng(1)
    turned = Image.fromarray(rng.integers(80, 140, (100, 160), dtype=np.uint8)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    (folder / "imgs" / "子").mkdir()
    for name in ("日本語.jpg", "[a].jpg", "子/a b#?&.jpg", "%2e.jpg"):
        turned.save(folder / "imgs" / name, exif=exif)
    studio = launch()
    start(page, studio.url)
    for name in ("日本語.jpg", "[a].jpg", "子/a b#?&.jpg", "%2e.jpg"):
        show(page, name)
        assert page.evaluate("studio.view.size") == [100, 160]
        click(page, 50, 120)
        assert file(folder, f"{name}.json")["size"] == [100, 160]
    painted = shown(page)
    batch(folder)
    with Image.open(folder / "out" / "%2e.jpg") as written:
        assert written.size == (100, 160) == painted.shape[1::-1]


def test_a_png_of_hints_is_shown_and_lies_under_the_marks(page: Any, launch: Any, folder: Path) -> None:
    layer = np.zeros((240, 320, 4), np.uint8)
    layer[100:140, 60:100] = (190, 50, 30, 255)
    (folder / "hints").mkdir()
    Image.fromarray(layer).save(folder / "hints" / "a.png")
    (folder / "imgs" / "b.png").unlink()
    studio = launch()
    start(page, studio.url)
    assert warmth(shown(page)[110:130, 70:90]) > 40
    assert page.locator("#layerRow").is_visible()
    choose(page, "#2050c0")
    click(page, 250, 60)
    # Beside a.png a file a.png.json would hide it from the batch.
    assert {path.name for path in (folder / "hints").iterdir()} == {"a.png", "a.json"}
    page_shows = shown(page)
    batch(folder)
    np.testing.assert_array_equal(page_shows, np.asarray(Image.open(folder / "out" / "a.png")))


def test_a_file_that_is_changed_outside_is_reloaded_or_asked_about(page: Any, studio: Any, folder: Path) -> None:
    start(page, studio.url)
    click(page, 80, 120)
    path = folder / "hints" / "a.png.json"
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
    assert len(file(folder, "a.png.json")["points"]) == 3


def test_a_damaged_hint_file_stays_until_it_is_given_up(page: Any, launch: Any, folder: Path) -> None:
    (folder / "hints").mkdir()
    path = folder / "hints" / "a.png.json"
    path.write_text('{"version": 1, "points": [{"x": -5, "y": 0, "color": "#ffffff"}]}')
    before = path.read_bytes()
    studio = launch()
    page.goto(studio.url)
    page.wait_for_selector("#question[open]")
    assert "points[0].x" in page.locator("#question p").inner_text()
    page.click("#question button:has-text('Leave it')")
    page.mouse.click(*place(page, 100, 100))
    page.wait_for_timeout(900)
    assert path.read_bytes() == before


def test_a_server_that_is_killed_loses_nothing(page: Any, launch: Any, folder: Path) -> None:
    first = launch()
    start(page, first.url)
    click(page, 80, 120)
    first.stop(signal.SIGKILL)
    page.mouse.click(*place(page, 200, 60))
    page.wait_for_selector("#notes:has-text('does not answer')")
    second = launch("--port", str(first.port))
    other = page.context.new_page()
    start(other, second.url)
    assert len(file(folder, "a.png.json")["points"]) >= 1
    other.close()
    wait(page, "!studio.saver.dirty")
    assert len(file(folder, "a.png.json")["points"]) == 2


def test_palettes_lie_beside_the_hints(page: Any, studio: Any, folder: Path) -> None:
    start(page, studio.url)
    choose(page, "#556b2f")
    page.click("#newPalette")
    page.fill("#naming input", "uniforms")
    page.keyboard.press("Enter")
    page.wait_for_selector(".palette:has-text('uniforms')")
    page.wait_for_timeout(300)
    assert json.loads((folder / "hints" / ".gcolor.palettes.json").read_text()) == {"uniforms": ["#556b2f"]}
    start(page, studio.base + "/")
    page.wait_for_selector(".palette:has-text('uniforms')")


def test_the_batch_runs_from_the_page(page: Any, launch: Any, folder: Path) -> None:
    (folder / "imgs" / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    studio = launch("-o", str(folder / "out"))
    start(page, studio.url)
    choose(page, RED)
    click(page, 80, 120)
    page.click("#color")
    page.wait_for_selector("#rate:has-text('Exit 3')", timeout=60000)
    assert "2 colored, 1 failed" in page.locator("#rate").inner_text()
    page.wait_for_selector('.thumbnail[title^="a.png"]:has-text("hinted, colored")')
    page.wait_for_selector('.thumbnail[title^="broken.jpg"]:has-text("failed")')
    page.select_option("#filter", "failed")
    assert page.locator(".thumbnail").count() == 1
    assert (folder / "out" / ".gcolor.journal").exists()
    np.testing.assert_array_equal(shown(page), np.asarray(Image.open(folder / "out" / "a.png")))


def test_compare_zoom_and_single_pixels(page: Any, studio: Any, folder: Path) -> None:
    start(page, studio.url)
    choose(page, RED)
    click(page, 80, 120)
    page.click("#compare button:has-text('Split')")
    wait(page, "!!studio.view.frames.gray")
    np.testing.assert_array_equal(shown(page, "gray"), np.asarray(Image.open(folder / "imgs" / "a.png")))
    whole = shown(page)
    for _ in range(9):
        page.keyboard.press("+")
    wait(page, "studio.view.frames.color.rect[2] - studio.view.frames.color.rect[0] < 100")
    settle(page)
    left, top, right, bottom = page.evaluate("studio.view.frames.color.rect")
    np.testing.assert_array_equal(shown(page), whole[top:bottom, left:right])


def test_everything_has_a_name_for_screen_readers(page: Any, studio: Any) -> None:
    start(page, studio.url)
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, canvas:not([aria-hidden])")].filter((e) =>
        !e.getAttribute("aria-label") && !e.textContent.trim() && !e.closest("label")?.textContent.trim()
        && e.type !== "file").map((e) => e.id || e.outerHTML)"""
    )
    assert nameless == []
    page.keyboard.press("?")
    assert page.locator("#shortcuts dt").count() > 20
