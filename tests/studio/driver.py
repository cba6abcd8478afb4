"""What a user does on the page, and what the page then shows."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
RED = "#c03020"


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
