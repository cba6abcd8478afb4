"""How quick the studio is, in a real browser over a real server.

    python benchmarks/studio.py edits [--picture FILE] [--clicks 40] [--json]
    python benchmarks/studio.py folder [--pictures 10000] [--json]
    python benchmarks/studio.py first [--json]

`edits`: from the pointer's going up (and down) to painted pixels, with a megapixel in the view. `folder`: the first
screen of thumbnails of a large folder, and the server's peak memory after scrolling all through it. `first`: what a new
user does from nothing to a saved hint, done and counted. All need Chromium and `pip install 'gcolor[dev]'`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from gcolor.runtime.machine import describe

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "imgs"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MEGAPIXEL = 1e6
# Wide enough that a picture of 4:3 fills a megapixel beside the two panels.
WIDTH, HEIGHT = 1690, 950
PAUSE = 900  # ms, in which the suggestions for the place before are made
COLORS = ("#b5533c", "#2050c0", "#207040", "#808080", "#c8a030")

# Notes when the pointer went down and up, and when a frame of the newest hints was on the screen.
WATCH = """() => {
    const seen = window.seen = {}, { view, marks } = studio, ask = view.ask;
    const note = (event) => { seen[event.type] = event.timeStamp; };
    for (const kind of ["pointerdown", "pointerup"]) addEventListener(kind, note, true);
    let painted = null;
    view.ask = async (mode, region) => {
        const { list } = marks, data = await ask(mode, region);
        if (mode === "color") painted = list;
        seen.size = region.size[0] * region.size[1];
        return data;
    };
    const look = () => {
        if (painted !== marks.list || marks.before) return;
        requestAnimationFrame(() => {  // a message after it comes behind the painting
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => { seen.painted ??= performance.now(); };
            port2.postMessage(0);
        });
    };
    view.listeners.push(look);
    marks.listeners.push(look);
}"""
SCROLL = "part => { const list = document.querySelector('#thumbnails'); list.scrollTop = list.scrollHeight * part; }"
THUMBNAILS = """() => { const all = [...document.querySelectorAll(".thumbnail img")];
    return all.length >= 10 && all.every((image) => image.complete && image.naturalWidth) ? performance.now() : 0; }"""


class Server:
    """`gcolor studio` in a process of its own."""

    def __init__(self, images: Path, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "gcolor", "studio", str(images), "--device", "cpu"]
        command += [] if environment else ["--no-open"]
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        self.started = time.perf_counter() - self.begun

    @property
    def cpu(self) -> float:
        """Seconds of all its threads so far."""
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def peak(self) -> float:
        """Megabytes of resident memory."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)


@contextmanager
def served(images: Path, environment: dict[str, str] | None = None) -> Iterator[Server]:
    server = Server(images, environment)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def opened() -> Iterator[Any]:
    """A page of Chromium."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise click.UsageError("no Chromium here; apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}).new_page()
        browser.close()


def until(page: Any, expression: str, seconds: float = 60.0) -> Any:
    """The value of an expression once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := page.evaluate(expression):
            return value
        page.wait_for_timeout(10)
    raise click.ClickException(f"never true: {expression}")


def spread(values: list[float]) -> dict[str, float]:
    median, p95 = np.percentile(values, (50, 95))
    return {"median": round(float(median), 1), "p95": round(float(p95), 1), "worst": round(max(values), 1)}


def tell(result: dict[str, Any], as_json: bool) -> None:
    result = {"machine": describe(), "load": round(os.getloadavg()[0], 1), **result}
    click.echo(json.dumps(result) if as_json else "\n".join(f"{name}: {value}" for name, value in result.items()))


def timed(page: Any, *acts: Callable[[], None]) -> dict[str, float]:
    """Do what moves the pointer down and up; when either was, and when the result was on the screen, ms."""
    page.evaluate("() => { delete seen.painted; delete seen.pointerup; }")
    for act in acts:
        act()
    until(page, "seen.painted > seen.pointerup")
    seen: dict[str, float] = page.evaluate("seen")
    return seen


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure the studio."""


@main.command()
@click.option("--picture", type=click.Path(path_type=Path), help="[default: an example, enlarged to 12 megapixels]")
@click.option("--clicks", type=click.IntRange(1), default=40, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def edits(picture: Path | None, clicks: int, as_json: bool) -> None:
    """From the pointer's going up to painted pixels, a megapixel in the view."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        images = Path(name) / "imgs"
        images.mkdir()
        if picture:
            shutil.copy(picture, images)
        else:
            small = cv2.imread(str(EXAMPLES / "astronaut.jpg"))
            assert small is not None
            cv2.imwrite(str(images / "large.jpg"), cv2.resize(small, (4000, 3000), interpolation=cv2.INTER_CUBIC))
        with served(images) as server, opened() as page:
            page.goto(server.url)
            until(page, "!!window.studio?.view.frames.color")
            page.evaluate(WATCH)
            box = page.locator("#picture").bounding_box()
            placed, dragged, cost = [], [], []
            for number in range(clicks + 3):
                page.keyboard.press("Escape")
                page.fill("#hex", COLORS[number % len(COLORS)])
                page.press("#hex", "Enter")
                x = box["x"] + box["width"] * rng.uniform(0.25, 0.75)
                y = box["y"] + box["height"] * rng.uniform(0.25, 0.75)
                page.mouse.move(x, y)
                page.wait_for_timeout(PAUSE)
                before = server.cpu
                seen = timed(page, page.mouse.down, page.mouse.up)
                used = server.cpu - before
                page.wait_for_timeout(PAUSE)
                page.mouse.down()
                page.mouse.move(x + 40, y + 25, steps=6)
                let_go = timed(page, page.mouse.up)
                if number >= 3:  # the first ones warm up
                    placed.append(seen)
                    dragged.append(let_go["painted"] - let_go["pointerup"])
                    cost.append(1e3 * used)
            view = page.evaluate("seen.size") / MEGAPIXEL
    tell(
        {
            "view, megapixels": round(view, 2),
            "clicks": clicks,
            "click, pointer up to painted, ms": spread([one["painted"] - one["pointerup"] for one in placed]),
            "click, pointer down to painted, ms": spread([one["painted"] - one["pointerdown"] for one in placed]),
            "drag, pointer up to painted, ms": spread(dragged),
            "server's CPU a click, ms": spread(cost),
        },
        as_json,
    )


@main.command()
@click.option("--pictures", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def folder(pictures: int, as_json: bool) -> None:
    """A large folder: the first screen of thumbnails, and the server's peak memory."""
    with tempfile.TemporaryDirectory() as name:
        images = Path(name) / "imgs"
        images.mkdir()
        for path in EXAMPLES.iterdir():
            large = cv2.imread(str(path))
            assert large is not None
            cv2.imwrite(str(Path(name) / path.name), cv2.resize(large, (1800, 1200), interpolation=cv2.INTER_CUBIC))
        sources = sorted(Path(name).glob("*.jpg"))
        for number in range(pictures):
            os.link(sources[number % len(sources)], images / f"{number:06}.jpg")
        with served(images) as server, opened() as page:
            page.goto(server.url)
            shown = until(page, THUMBNAILS)
            painted = until(page, "window.studio?.view.frames.color ? performance.now() : 0")
            for part in range(1, 101):  # all through the folder
                page.evaluate(SCROLL, part / 100)
                page.wait_for_timeout(60)
            scrolled = page.evaluate("performance.now()")
            settled = until(page, THUMBNAILS) - scrolled
            items = page.evaluate("document.querySelectorAll('.thumbnail').length")
            heap = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
            peak = server.peak
    tell(
        {
            "pictures": pictures,
            "command to address, s": round(server.started, 2),
            "first screen of thumbnails, s": round(shown / 1e3, 2),
            "first picture painted, s": round(painted / 1e3, 2),
            "thumbnails in sight after scrolling through all in 6 s, s": round(settled / 1e3, 2),
            "thumbnails that exist at a time": items,
            "server's peak memory, MB": round(peak),
            "page's heap, MB": round(heap),
        },
        as_json,
    )


@main.command()
@click.option("--json", "as_json", is_flag=True)
def first(as_json: bool) -> None:
    """Do what a new user does, and count it; the browser that the command opens is ours."""
    actions = ["pip install 'gcolor[cpu,studio]'"]  # not done here: this is the environment that it makes
    with tempfile.TemporaryDirectory() as name:
        images, address = Path(name) / "imgs", Path(name) / "address"
        shutil.copytree(EXAMPLES, images)
        browser = Path(name) / "browser"
        browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{address}"\n')
        browser.chmod(0o755)
        actions.append("gcolor studio imgs")
        with served(images, {"BROWSER": f"{browser} %s"}) as server, opened() as page:
            while not address.exists() or not address.read_text():
                time.sleep(0.05)
            page.goto(address.read_text())
            until(page, "!!window.studio?.view.frames.color")
            box = page.locator("#picture").bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            until(page, "document.querySelector('#suggestions button')")
            page.locator("#suggestions button").first.click()
            actions.append("click on a suggestion")
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            actions.append("click on the photograph")
            hints = images.with_name("imgs_hints")
            while not list(hints.glob("*.json")):
                time.sleep(0.02)
            seconds = time.perf_counter() - server.begun
    tell({"actions": len(actions), "they are": actions, "command to saved hint, s": round(seconds, 1)}, as_json)


if __name__ == "__main__":
    main()
