"""What the tests of real files share: the folder with their makers, and one way to color a folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@dataclass
class Made:
    """What `gcolor batch` made of a folder."""

    out: Path
    code: int
    stderr: str
    rows: dict[str, dict[str, Any]]
    summary: dict[str, Any]


@pytest.fixture
def batch(gcolor: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Callable[..., Made]:
    """Color tmp_path/imgs by the real command, into tmp_path/out."""

    def run(*options: object) -> Made:
        done = gcolor("batch", tmp_path / "imgs", "-o", tmp_path / "out", "--json", "--jobs", "1", *options)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        rows = {Path(line["output"]).name: line for line in lines if "output" in line}
        summary = next((line["summary"] for line in lines if "summary" in line), {})
        return Made(tmp_path / "out", done.returncode, done.stderr, rows, summary)

    (tmp_path / "imgs").mkdir()
    return run


@pytest.fixture
def exiftool() -> Callable[[Path], dict[str, Any]]:
    """What exiftool reads in a file, by group and name."""
    if not shutil.which("exiftool"):
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")

    def read(path: Path) -> dict[str, Any]:
        done = subprocess.run(
            ["exiftool", "-j", "-G1", "-a", "-u", "-struct", str(path)], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)[0]

    return read
