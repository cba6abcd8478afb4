"""The page, the batch and the files: what is painted is what is written, and a server that dies loses nothing."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .conftest import ramp
from .driver import RED, choose, click, drag, file, place, settle, show, shown, start, wait, warmth

NAMES = ("日本語.jpg", "[a].jpg", "子/a b#?&.jpg", "%2e.jpg")


def test_the_batch_writes_what_the_page_shows(page: Any, launch: Any, folder: Path) -> None:
    """Dots and strokes, a painted layer under a dot, names of every kind on turned photographs, and a broken one."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (folder / "imgs" / "子").mkdir()
    for name in NAMES:
        ramp(90).save(folder / "imgs" / name, exif=exif)
    (folder / "imgs" / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    layer = np.zeros((240, 320, 4), np.uint8)
    layer[100:140, 60:100] = (190, 50, 30, 255)
    (folder / "hints").mkdir()
    Image.fromarray(layer).save(folder / "hints" / "b.png")
    start(page, launch("-o", str(folder / "out")).url)
    painted = {}
    choose(page, "#3060c0")
    for name in NAMES:
        show(page, name)
        assert page.evaluate("studio.view.size") == [240, 320]
        click(page, 50, 120)
        assert file(folder, f"{name}.json")["size"] == [240, 320]
    show(page, "b.png")
    settle(page)
    assert page.locator("#layerRow").is_visible() and warmth(shown(page)[110:130, 70:90]) > 40
    click(page, 250, 60)
    # Beside b.png a file b.png.json would hide it from the batch.
    assert {path.name for path in (folder / "hints").iterdir() if path.stem == "b"} == {"b.png", "b.json"}
    painted["b.png"] = shown(page)
    show(page, "a.png")
    choose(page, RED)
    click(page, 80, 120)
    drag(page, (200, 60), (220, 90), (260, 100))
    painted["a.png"] = shown(page)
    page.click("#color")
    page.wait_for_selector("#rate:has-text('Exit 3')", timeout=60000)
    assert "6 colored, 1 failed" in page.locator("#rate").inner_text()
    for name, pixels in painted.items():
        np.testing.assert_array_equal(pixels, np.asarray(Image.open(folder / "out" / name)))
    for name in NAMES:
        with Image.open(folder / "out" / name) as written:
            assert written.size == (240, 320)
    page.wait_for_selector('.thumbnail[title^="a.png"]:has-text("hinted, colored")')
    page.select_option("#filter", "failed")
    page.wait_for_selector('.thumbnail[title^="broken.jpg"]:has-text("failed")')
    assert page.locator(".thumbnail").count() == 1
    assert (folder / "out" / ".gcolor.journal").exists()


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
