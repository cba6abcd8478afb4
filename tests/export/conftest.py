"""NVIDIA's builder and ONNX parser without a GPU, where GCOLOR_TRT_RIG names a script that sets them up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Rig = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def rig() -> Rig:
    """Run Python in a process of its own that has `tensorrt`; a crash of the libraries skips the test."""
    script = os.environ.get("GCOLOR_TRT_RIG")
    if not script or not Path(script).is_file():
        pytest.skip("GCOLOR_TRT_RIG names no script that sets TensorRT up")
    folder = Path.home() / ".cache" / "trt-rig"
    found = subprocess.run(
        ["bash", "-c", 'lines=$("$0" "$1") && eval "$lines" && exec env -0', script, str(folder)],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    if found.returncode:
        pytest.skip(f"{script} does not set TensorRT up: {found.stderr.strip()[-300:]}")
    env = dict(line.split("=", 1) for line in found.stdout.split("\0") if "=" in line)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=env)
        if done.returncode < 0:
            pytest.skip(f"the TensorRT of {script} crashed with signal {-done.returncode}: {done.stderr[-300:]}")
        return done

    return run
