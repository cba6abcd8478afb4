"""The benchmarks' folder, which its scripts see as their own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import a module of the benchmarks' folder by its name there."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def load_one(name: str) -> ModuleType:
        # pytest has imported the checkout itself as a package, and its folder may be called as one of the benchmarks'.
        if sys.modules.get(BENCHMARKS.parent.name) and name.split(".")[0] == BENCHMARKS.parent.name:
            monkeypatch.delitem(sys.modules, BENCHMARKS.parent.name)
        return importlib.import_module(name)

    return load_one
