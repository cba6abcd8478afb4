"""What a batch says where the packages are missing that a cluster or a URL needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize(
    ("missing", "arguments", "sentence"),
    [
        ("ray", ["imgs", "-o", "out", "--ray"], "ray is not installed; pip install 'gcolor[ray]'"),
        ("pyarrow", ["imgs", "-o", "out", "--ray", "head:6379"], "pip install 'gcolor[ray]'"),
        ("fsspec", ["memory://bucket/imgs"], "fsspec is not installed; pip install 'gcolor[ray]'"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    grey_folder: Path, tmp_path: Path, missing: str, arguments: list[str], sentence: str
) -> None:
    code = f"import sys; sys.modules['{missing}'] = None; from gcolor.cli.main import main; main()"
    command = [sys.executable, "-c", code, "batch", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 6 and sentence in done.stderr and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize("arguments", [["imgs", "--ray"], ["file:///imgs"]])
def test_watching_is_for_folders_here(grey_folder: Path, tmp_path: Path, gcolor, arguments: list[str]) -> None:
    done = gcolor("batch", "--watch", *arguments, cwd=tmp_path)
    assert done.returncode == 2 and "--watch looks at folders of this machine" in done.stderr
