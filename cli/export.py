"""gcolor export: a training run to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..color.errors import UsageError
from ..runtime import PRECISIONS
from .export_trt import TrtOptions, build, copy_bundle, trt_options

_PATH = click.Path(path_type=Path)


@click.command("export", short_help="Turn a training run into a bundle.")
@click.argument("run", type=_PATH)
@click.option("-o", "--output", type=_PATH, help="The bundle's folder; may be left out where RUN is a bundle.")
@click.option("--photos", type=_PATH, multiple=True, help="Photos for the parity gate. [default: the run's own]")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Factor on the parity limits.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="fp32",
    show_default=True,
    help="Of the network inside the graph: fp16 for GPUs, int8 for CPUs and for TensorRT.",
)
@click.option("--calibration", type=_PATH, multiple=True, help="Photos to calibrate int8 on. [default: the gate's]")
@trt_options
def command(
    run: Path,
    output: Path | None,
    photos: tuple[Path, ...],
    tolerance: float,
    precision: str,
    calibration: tuple[Path, ...],
    **trt: Any,
) -> None:
    """Write the fused ONNX graph of a training RUN, with its manifest, once its parity with PyTorch is measured.

    A bundle that paints otherwise than PyTorch is refused with the figures (exit code 5) and not written. With --trt,
    RUN may be a bundle, too: its TensorRT engines that are missing or stale are built, in it or in a copy at -o.
    """
    from ..runtime.engines.trt_library import import_tensorrt
    from .needs import require

    options = TrtOptions(**trt)
    if calibration and precision != "int8":
        raise UsageError(f"--calibration is for --precision int8, not for {precision}")
    for module in ("torch", "onnx", "onnxscript"):
        require(module, "train")
    if options.trt and (run / "manifest.json").is_file():
        if precision != "fp32":
            raise UsageError(f"{run}: is a bundle, whose precision is settled; export its training run for {precision}")
        build(copy_bundle(run, output) if output else run, options)
        return
    if output is None:
        raise UsageError("name the bundle's folder with -o; only `gcolor export BUNDLE --trt` needs none")
    if options.trt:
        import_tensorrt()  # says now what would be missing after minutes
    from ..export.bundle import export_bundle

    parity = export_bundle(run, output, list(photos), tolerance, precision, list(calibration), trt=options.trt)
    click.echo(
        f"{output}: parity with PyTorch on {parity.photos} photos: at most {parity.max_levels} of 255 levels apart, "
        f"{100 * parity.share_beyond_one_level:.4f} % beyond one, mean CIEDE2000 {parity.mean_ciede2000:.5f}, "
        f"{100 * parity.bin_agreement:.3f} % of bins agree",
        err=True,
    )
    if options.trt:
        build(output, options)
