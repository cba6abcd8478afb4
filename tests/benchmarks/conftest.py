"""The benchmarks' folder, which its scripts see as their own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import a module of the benchmarks' folder by its name there."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module
