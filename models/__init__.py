"""The networks: the paper's UNet, ResUNet and TransUNet, and gcolor's own HintUNet.

Every network maps ``lightness [B,1,h,w]`` (L, 0..100), ``hint_ab [B,2,h,w]`` (chroma, 0 where there is none) and
``hint_mask [B,1,h,w]`` (1 at hints) to a `Prediction`; h and w are multiples of 16.
"""

from .build import build
from .config import PRESETS, ModelConfig
from .prediction import Network, Prediction

__all__ = ["PRESETS", "ModelConfig", "Network", "Prediction", "build"]
