"""Shared by the fuzz tests; without Hypothesis, as beside an installed wheel, there are none."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("hypothesis") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def mutated() -> Callable[[list[bytes]], Any]:
    """A Hypothesis strategy for bytes that were one of some valid files."""
    return runpy.run_path(str(Path(__file__).with_name("mutation.py")))["mutated"]
