"""Commands that need an extra say so in one sentence."""

from __future__ import annotations

from importlib.util import find_spec

from ..color.errors import EngineError


def require(module: str, extra: str) -> None:
    """Raise EngineError where a module is not installed, naming the extra that brings it."""
    if find_spec(module) is None:
        raise EngineError(f"{module} is not installed; pip install 'gcolor[{extra}]'")
