"""A studio that really runs, and a browser that really looks at it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason="starlette is not installed; pip install 'gcolor[studio]'")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Running:
    """`gcolor studio` in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "gcolor", "studio", str(folder / "imgs"), "--hints", str(folder / "hints")]
        with (folder / "studio.log").open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--device", "cpu", "--no-open", *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http"):
            self.stop()
            pytest.fail((folder / "studio.log").read_text())
        self.base, _, self.token = self.url.partition("/?token=")
        self.port = int(self.base.rpartition(":")[2])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """The exit code; a second time does no harm."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()
        return code


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; pip install 'gcolor[dev]'")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium here; apt-get install chromium")
    with api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    made = context.new_page()
    made.wrong = []
    made.on("pageerror", lambda error: made.wrong.append(str(error)))
    yield made
    context.close()
    assert not made.wrong


def ramp(square: int, seed: int = 0) -> Image.Image:
    """A gray ramp of 320 x 240 with a square of one level in it."""
    pixels = np.linspace(60, 190, 320)[None] + np.random.default_rng(seed).normal(0, 2, (240, 320))
    pixels[80:160, 40:120] = square
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).convert("RGB")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures."""
    (tmp_path / "imgs").mkdir()
    ramp(90).save(tmp_path / "imgs" / "a.png")
    ramp(150, seed=1).save(tmp_path / "imgs" / "b.png")
    return tmp_path


@pytest.fixture
def launch(folder: Path) -> Iterator[Callable[..., Running]]:
    """Starts a studio over `folder`, with these options; all are stopped at the end."""
    started: list[Running] = []

    def start(*options: str) -> Running:
        started.append(Running(folder, *options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def studio(launch: Callable[..., Running]) -> Running:
    return launch()
