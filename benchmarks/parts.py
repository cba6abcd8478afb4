"""What each part of the default model gives: its pictures with one part switched off, without training again.

    python benchmarks/parts.py HELD_OUT [--bundle DIR] [--limit 48] [--counts 0,10,36,100]

A network that was trained with a part counts on it, so what is lost says how much work the part does, not how well a
network trained without it would fare. ± is the standard error over the photos of the difference on the same photos.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import click
import numpy as np
import torch
from gcolor.cli.commands.evaluate import read_counts
from gcolor.color import scores
from gcolor.color.errors import GcolorError, UsageError
from gcolor.models.hintunet import HintUNet
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.machine import describe
from gcolor.runtime.manifest import DEFAULT
from gcolor.trainer.scoring.of_network import load_photos, score_network
from torch import Tensor, nn


class Off(nn.Module):
    """In the place of a part that changes ab: leaves it as it is."""

    def forward(self, ab: Tensor, *_: Tensor) -> Tensor:
        return ab


def without_carrying(network: HintUNet) -> None:
    """All of the mixture is the classifier's expectation; the carried colors are still seen as features."""
    nn.init.zeros_(network.gate.weight)
    assert network.gate.bias is not None
    nn.init.constant_(network.gate.bias, -100.0)
    network.gate.bias.data[0] = 100.0


def without_classifier(network: HintUNet) -> None:
    """All of the mixture is carried colors, as far as there are hints."""
    assert network.gate.bias is not None
    network.gate.bias.data[0] -= 100.0


def without_spreading(network: HintUNet) -> None:
    network.spread = Off()  # type: ignore[assignment]


def without_correction(network: HintUNet) -> None:
    network.correct = Off()  # type: ignore[assignment]


def without_retouching(network: HintUNet) -> None:
    network.retouch = Off()  # type: ignore[assignment]


def without_enlarging(network: HintUNet) -> None:
    """ab stays at a quarter of the grid and is enlarged bicubically."""
    network.enlarge = network.retouch = None


PARTS: dict[str, Callable[[HintUNet], None]] = {
    "carried colors": without_carrying,
    "the classifier's colors": without_classifier,
    "residual spreading": without_spreading,
    "hint correction": without_correction,
    "retouching": without_retouching,
    "learned enlarging": without_enlarging,
}


def load_network(path: Path) -> HintUNet:
    bundle = load_bundle(path)
    network = bundle.network()
    if not isinstance(network, HintUNet):
        raise UsageError(f"{path}: holds no hintunet; only that has these parts")
    return network


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("held", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--bundle", type=click.Path(exists=True, file_okay=False, path_type=Path), default=DEFAULT)
@click.option("--limit", type=click.IntRange(2), default=48, show_default=True, help="Held-out photos.")
@click.option("--counts", default="0,10,36,100", show_default=True, callback=read_counts, help="Numbers of hints.")
def command(held: Path, bundle: Path, limit: int, counts: list[int]) -> None:
    """Score the default model with one part switched off at a time."""
    try:
        network, photos = load_network(bundle), load_photos(held, limit)
    except GcolorError as error:
        raise click.ClickException(str(error)) from error
    device = torch.device("cpu")

    def psnr(network: HintUNet) -> dict[int, np.ndarray]:
        found = score_network(network, photos, device, counts)
        return {count: np.array([row["psnr"] for row in rows]) for count, rows in found.items()}

    whole = psnr(network)
    click.echo(f"{len(photos)} photos. " + ", ".join(f"{k} {v}" for k, v in describe().items()) + "\n")
    click.echo("| PSNR dB | " + " | ".join(f"{n} hints" for n in counts) + " |")
    click.echo("|---" * (len(counts) + 1) + "|")
    click.echo("| the whole | " + " | ".join(f"{whole[n].mean():.2f}" for n in counts) + " |")
    for name, switch_off in PARTS.items():
        part = deepcopy(network)
        switch_off(part)
        lost = {n: scores.mean_and_error(values - whole[n]) for n, values in psnr(part).items()}
        click.echo(
            f"| without {name} | " + " | ".join(f"{v['mean']:+.2f} ± {v['error']:.2f}" for v in lost.values()) + " |"
        )


if __name__ == "__main__":
    command()
