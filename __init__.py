"""gcolor: user-guided colorization of black-and-white photographs."""

from .version import __version__

__all__ = ["Colorizer", "GcolorError", "__version__"]


def __getattr__(name: str) -> object:
    # Lazy, so that `gcolor --help` and `import gcolor` stay free of ONNX Runtime and OpenCV.
    if name == "Colorizer":
        from .runtime.colorizer import Colorizer

        return Colorizer
    if name == "GcolorError":
        from .color.errors import GcolorError

        return GcolorError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
