"""What several tests share: pictures made on the spot, runs of the command, the folder of photographs."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session", autouse=True)
def hear_ctrl_c() -> None:
    """A suite started in the background ignores SIGINT, and so would the commands that it runs."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def keep_apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is kept from run to run is this suite's alone, here and in the commands that it runs."""
    os.environ["GCOLOR_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def gcolor() -> Run:
    """Run the real command in a process of its own."""

    def run(
        *arguments: object, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gcolor", *map(os.fsdecode, map(_plain, arguments))]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=600,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )

    return run


def _plain(argument: object) -> str | bytes:
    return argument if isinstance(argument, bytes) else str(argument)


def scene(height: int = 96, width: int = 144, seed: int = 0) -> np.ndarray:
    """A made-up color picture, uint8 [H, W, 3]: smooth ground, a few discs, mild texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    out = np.stack([90 + 60 * y / height, 120 + 40 * x / width, np.full_like(x, 110.0)], axis=-1)
    for _ in range(4):
        cy, cx, r = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(0.1, 0.3) * height
        out[(y - cy) ** 2 + (x - cx) ** 2 < r * r] = rng.uniform(30, 220, 3)
    return np.clip(out + rng.normal(0, 4, out.shape), 0, 255).astype(np.uint8)


def png(
    width: int,
    height: int,
    rows: bytes,
    *,
    depth: int = 8,
    color: int = 2,
    interlaced: bool = False,
    extra: bytes = b"",
) -> bytes:
    """A PNG around raw rows, each with its filter byte in front; its chunks are sound, its rows as they are given."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    parts = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.fixture
def make_png() -> Callable[..., bytes]:
    return png


@pytest.fixture
def make_scene() -> Callable[..., np.ndarray]:
    return scene


def outputs(folder: Path) -> list[str]:
    """The files below an output folder, without the journal."""
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    return sorted(name for name in names if name != ".gcolor.journal")


@pytest.fixture
def list_outputs() -> Callable[[Path], list[str]]:
    return outputs


@pytest.fixture
def grey_folder(tmp_path: Path) -> Path:
    """Three grey pictures, one of them in a folder of its own."""
    folder = tmp_path / "imgs"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(["a.jpg", "b.png", "sub/c.jpg"]):
        Image.fromarray(scene(seed=number)).convert("L").save(folder / name)
    return folder


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of photographs that GCOLOR_PHOTOS names; its tests are skipped without one."""
    named = os.environ.get("GCOLOR_PHOTOS")
    if not named or not (Path(named) / "test").is_dir():
        pytest.skip("GCOLOR_PHOTOS names no folder of photographs")
    return Path(named)
