"""The page without a server, from a plain web host: the same colors as Python's, and nothing leaves the machine."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gcolor import Colorizer
from gcolor.color.distance import Comparison
from gcolor.color.errors import UsageError
from gcolor.color.hint_json import parse_json
from gcolor.color.hints import Hints, Mark
from gcolor.color.lab import lab_to_rgb, rgb_to_lab
from gcolor.color.scores import ciede2000
from gcolor.export.parity import LIMITS
from gcolor.runtime.grid import choose_grid
from gcolor.studio.static import PAGE, write_static
from PIL import Image

RED = "#c03020"

pytestmark = pytest.mark.skipif(not (PAGE / "ort").is_dir(), reason="no onnxruntime-web here; `make page` brings it")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """`python -m http.server`, without its lines."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("static") / "page"
    write_static(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def static(browser: Any, host: str) -> Iterator[Any]:
    """The page, its model loaded and then the network off."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.asked, page.wrong = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(host)
    page.wait_for_selector("#engineNote:has-text('runs in this browser')", state="attached", timeout=60000)
    context.set_offline(True)
    yield page
    assert all(url.startswith((host, "blob:")) for url in page.asked)
    assert not page.wrong
    context.close()


@pytest.fixture(scope="module")
def modules(browser: Any, host: str) -> Iterator[Any]:
    """A page that may import the page's modules, to call their functions."""
    page = browser.new_page()
    page.goto(f"{host}color.js")
    yield page
    page.close()


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    return Colorizer(device="cpu")


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ramp = np.linspace(40, 210, width)[None] + np.linspace(-30, 30, height)[:, None] + rng.normal(0, 3, (height, width))
    ramp[height // 3 : height // 2, width // 4 : width // 2] = 90
    return np.repeat(np.clip(ramp, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def drop(page: Any, path: Path) -> None:
    """As from the desktop."""
    data = base64.b64encode(path.read_bytes()).decode()
    transfer = page.evaluate_handle(
        """([data, name]) => { const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
            return transfer; }""",
        [data, path.name],
    )
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})


def wait(page: Any, expression: str) -> None:
    for _ in range(600):
        if page.evaluate(f"() => !!({expression})"):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {expression}")


def shows(page: Any, name: str) -> None:
    wait(page, f"studio.picture()?.name === {json.dumps(name)} && studio.view.frames.color && !studio.view.busy")


def saved(page: Any, button: str) -> Path:
    with page.expect_download() as download:
        page.click(button)
    return Path(download.value.path())


@pytest.mark.parametrize("size", [(240, 320), (1301, 903)], ids=["whole", "in tiles"])
def test_the_picture_that_is_saved_is_pythons(
    static: Any, colorizer: Colorizer, tmp_path: Path, size: tuple[int, int]
) -> None:
    pixels = picture(*size)
    path = tmp_path / f"scan {size[0]}.png"
    Image.fromarray(pixels).save(path)
    drop(static, path)
    shows(static, path.name)
    static.fill("#hex", RED)
    static.press("#hex", "Enter")
    box = static.locator("#picture").bounding_box()
    static.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wait(static, "studio.marks.list.length === 1 && !studio.view.busy")
    file = saved(static, "#saveHints").read_bytes()
    hints = parse_json(file, (size[1], size[0]))
    assert hints.marks[0].color == (0xC0, 0x30, 0x20)
    colorizer.set_image(pixels)
    expected = colorizer.color(hints)
    painted = np.asarray(Image.open(saved(static, "#savePicture")).convert("RGB"))
    ab = colorizer.chroma(hints)
    distance = Comparison().add(painted, expected, ab, ab)
    assert all(getattr(distance, name) <= limit for name, limit in LIMITS["fp32"].items())
    assert np.abs(expected.astype(int) - pixels).max() > 20


def test_suggestions_are_pythons(static: Any, colorizer: Colorizer, tmp_path: Path) -> None:
    pixels = picture(300, 400, 3)
    Image.fromarray(pixels).save(tmp_path / "b.png")
    drop(static, tmp_path / "b.png")
    shows(static, "b.png")
    hints = Hints((400, 300), None, [Mark(np.array([[120.0, 130.0]]), (0xC0, 0x30, 0x20))])
    file = {"version": 1, "points": [{"x": 120, "y": 130, "color": RED}]}
    colorizer.set_image(pixels)
    for x, y, given in ((10, 20, None), (399, 299, None), (150, 120, file)):
        found = static.evaluate(
            "async ([x, y, hints]) => (await (await import('./engine_browser.js')).engine.suggest('', x, y, hints))",
            [x, y, given or {"version": 1, "points": []}],
        )["suggestions"]
        expected = colorizer.suggest(x + 0.5, y + 0.5, hints if given else None)
        assert [one["color"] for one in found] == ["#{:02x}{:02x}{:02x}".format(*one.color) for one in expected]
        np.testing.assert_allclose([one["probability"] for one in found], [s.probability for s in expected], atol=1e-4)


def test_a_hint_file_of_another_size_is_scaled_and_others_are_refused(static: Any, tmp_path: Path) -> None:
    Image.fromarray(picture(200, 200)).save(tmp_path / "c.png")
    drop(static, tmp_path / "c.png")
    shows(static, "c.png")
    good = {"version": 1, "size": [400, 400], "points": [{"x": 100, "y": 300, "color": RED, "radius": 8}]}
    for name, value, said in (
        ("good.json", good, None),
        ("shape.json", good | {"size": [400, 300]}, "another shape"),
        ("version.json", {"version": 2}, "no hint file"),
        ("color.json", {"version": 1, "points": [{"x": 1, "y": 1, "color": "url(//x)"}]}, "no hint file"),
    ):
        (tmp_path / name).write_text(json.dumps(value))
        drop(static, tmp_path / name)
        if said:
            static.wait_for_selector(f"#notes:has-text('{said}')")
    assert static.evaluate("studio.marks.list") == [{"points": [[50, 150]], "color": RED, "radius": 4}]
    (tmp_path / "no picture.jpg").write_text("I am none")
    drop(static, tmp_path / "no picture.jpg")
    static.wait_for_selector("#notes:has-text('cannot read')")


def test_the_page_says_how_many_threads_it_has(static: Any) -> None:
    note = static.locator("#engineNote").inner_text()
    # A plain host sends no headers for isolation; the page's own worker adds them.
    assert static.evaluate("crossOriginIsolated")
    assert ("threads" in note) == (static.evaluate("navigator.hardwareConcurrency") > 1)


def test_cells_are_those_of_python(modules: Any) -> None:
    rng = np.random.default_rng(5)
    for height, width in ((256, 256), (300, 451), (4000, 900), (17, 1000)):
        grid = choose_grid(height, width)
        assert modules.evaluate("async (s) => (await import('./raster.js')).chooseGrid(...s)", [height, width]) == [
            *grid
        ]
        marks = []
        for number in range(60):
            points = rng.uniform(0, (width, height), (int(rng.integers(1, 5)), 2)).round(2)
            if number % 5 == 0:  # on borders, level and upright
                points = np.round(points / (width, height)) * (width, height)
            color = tuple(int(v) for v in rng.integers(0, 256, 3))
            marks.append(Mark(points, color, float(rng.choice([0, 0.4, 3, 40]))))
        given = [
            {"points": m.vertices.tolist(), "color": "#{:02x}{:02x}{:02x}".format(*m.color), "radius": m.radius}
            for m in marks
        ]
        digest = modules.evaluate(
            """async ([marks, size, grid]) => {
                const cells = (await import('./raster.js')).rasterize(marks, size, grid);
                return [...new Uint8Array(await crypto.subtle.digest('SHA-256', cells))];
            }""",
            [given, [width, height], grid],
        )
        expected = Hints((width, height), None, marks).rasterize(grid)
        assert bytes(digest) == hashlib.sha256(expected.tobytes()).digest()


def test_colors_are_those_of_python(modules: Any) -> None:
    rng = np.random.default_rng(6)
    rgb = np.concatenate([rng.integers(0, 256, (200, 3)), [[0, 0, 0], [255, 255, 255], [255, 0, 0]]]).astype(np.uint8)
    lab = np.column_stack([rng.uniform(0, 100, 203), rng.uniform(-120, 120, (203, 2))])
    found = modules.evaluate(
        """async ([rgb, lab]) => {
            const { ciede2000, labToRgb, rgbToLab } = await import('./color.js');
            return [rgb.map(rgbToLab), lab.map(labToRgb), lab.map((one, i) => ciede2000(one, lab[(i + 1) % 203]))];
        }""",
        [rgb.tolist(), lab.tolist()],
    )
    np.testing.assert_allclose(found[0], rgb_to_lab(rgb), atol=1e-6)
    np.testing.assert_allclose(found[1], lab_to_rgb(lab), atol=1)
    assert (np.array(found[1]) == lab_to_rgb(lab)).mean() > 0.99
    np.testing.assert_allclose(found[2], ciede2000(lab, np.roll(lab, -1, axis=0)), atol=1e-9)


def test_only_its_own_folder_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        write_static(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt"}
    write_static(tmp_path / "page")
    write_static(tmp_path / "page")
