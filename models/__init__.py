"""The networks: the paper's UNet, ResUNet and TransUNet, and gcolor's own HintUNet.

Every network maps ``lightness [B,1,h,w]`` (L, 0..100), ``hint_ab [B,2,h,w]`` (chroma, 0 where there is none) and
``hint_mask [B,1,h,w]`` (1 at hints) to a `Prediction`; h and w are multiples of 16.
"""

from typing import TYPE_CHECKING

from .config import PRESETS, ModelConfig

if TYPE_CHECKING:
    from .factory import build
    from .prediction import Network, Prediction

__all__ = ["PRESETS", "ModelConfig", "Network", "Prediction", "build"]


def __getattr__(name: str) -> object:
    # Lazy, so that configurations, which the command line is made of, are there without torch.
    if name == "build":
        from .factory import build

        return build
    if name in ("Network", "Prediction"):
        from . import prediction

        return getattr(prediction, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
