"""gcolor export: a training run to a bundle."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command("export", short_help="Turn a training run into a bundle.")
@click.argument("run", type=_PATH)
@click.option("-o", "--output", type=_PATH, required=True, help="The bundle's folder.")
@click.option("--photos", type=_PATH, multiple=True, help="Photos for the parity gate. [default: the run's own]")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Factor on the parity limits.",
)
def command(run: Path, output: Path, photos: tuple[Path, ...], tolerance: float) -> None:
    """Write the fused ONNX graph of a training RUN, with its manifest, once its parity with PyTorch is measured.

    A bundle that paints otherwise than PyTorch is refused with the figures (exit code 5) and not written.
    """
    from .needs import require

    for module in ("torch", "onnx", "onnxscript"):
        require(module, "train")
    from ..export.bundle import export_bundle

    parity = export_bundle(run, output, list(photos), tolerance)
    click.echo(
        f"{output}: parity with PyTorch on {parity.photos} photos: at most {parity.max_levels} of 255 levels apart, "
        f"{100 * parity.share_beyond_one_level:.4f} % beyond one, mean CIEDE2000 {parity.mean_ciede2000:.5f}, "
        f"{100 * parity.bin_agreement:.3f} % of bins agree",
        err=True,
    )
