"""The page in a real browser, over a real server, against the files on the disk and the real batch."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .driver import RED, choose, click, drag, file, place, settle, show, shown, start, wait, warmth

EXAMPLE = Path(__file__).parents[2] / "examples" / "imgs" / "astronaut.jpg"


def batch(folder: Path) -> None:
    command = [sys.executable, "-m", "gcolor", "batch", str(folder / "imgs"), "--device", "cpu", "-q"]
    hints = ["--hints", str(folder / "hints")] if (folder / "hints").exists() else []
    subprocess.run([*command, *hints, "-o", str(folder / "out")], check=True, capture_output=True)


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
