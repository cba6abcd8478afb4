"""gcolor: user-guided colorization of black-and-white photographs."""

from importlib import import_module
from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .color.errors import GcolorError
    from .runtime.colorizer import Colorizer, colorize

__all__ = ["Colorizer", "GcolorError", "__version__", "colorize"]

# Lazy, so that `gcolor --help` and `import gcolor` stay free of ONNX Runtime and OpenCV.
_LAZY = {"Colorizer": ".runtime.colorizer", "GcolorError": ".color.errors", "colorize": ".runtime.colorizer"}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
