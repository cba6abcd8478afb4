"""gcolor export: a training run to a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ...color.errors import UsageError
from ...runtime import PRECISIONS, Precision
from ...runtime.manifest import is_bundle
from ..interrupt import unwinding
from ..params import Model
from ..views import StepView
from .export_triton import triton_options, write
from .export_trt import TrtOptions, build, copy_bundle, trt_options

_PATH = click.Path(path_type=Path)


@click.command("export", short_help="Turn a training run into a bundle.")
@click.argument("run", type=Model(), required=False)
@click.option("-o", "--output", type=_PATH, help="The bundle's folder; may be left out where RUN is a bundle.")
@click.option("--photos", type=_PATH, multiple=True, help="Photos for the parity gate. [default: a run's own]")
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
    help="Of the network inside the graph: fp16 for GPUs, int8 for CPUs and for TensorRT. [default: fp32]",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0, min_open=True),
    help="Of the classifier's colors: below 1 purer than their mean. [default: the run's; 0.7]",
)
@click.option(
    "--chroma",
    type=click.FloatRange(0, min_open=True),
    help="Factor on the classifier's colors, before hints have their say. [default: the run's; 1.1]",
)
@click.option(
    "--reserve",
    type=float,
    help='Added to the score of "no hint fits": one hint then says less of what is far off. [default: the run\'s; 0]',
)
@click.option("--calibration", type=_PATH, multiple=True, help="Photos to calibrate int8 on. [default: the gate's]")
@trt_options
@triton_options
def command(
    run: Path | None,
    output: Path | None,
    photos: tuple[Path, ...],
    tolerance: float,
    precision: Precision | None,
    temperature: float | None,
    chroma: float | None,
    reserve: float | None,
    calibration: tuple[Path, ...],
    triton: Path | None,
    triton_backend: Any,
    **trt: Any,
) -> None:
    """Write the fused ONNX graph of a training RUN, with its manifest, once its parity with PyTorch is measured.

    A bundle that paints otherwise than PyTorch is refused with the figures (exit code 5) and not written.

    RUN may be a bundle, too, such as `default`. Asked for another precision or other colors (--temperature, --chroma,
    --reserve), its network is exported anew to -o, measured on --photos. With --trt alone, its TensorRT engines that
    are missing or stale are built, in it or in a copy at -o. With --triton, the models of the bundle are written into a
    repository of Triton Inference Server; without RUN, those of the model that ships with gcolor.
    """
    options = TrtOptions(**trt)
    if calibration and precision != "int8":
        raise UsageError(f"--calibration is for --precision int8, not for {precision}")
    if triton_backend and triton is None:
        raise UsageError("--triton-backend says what --triton is to write; name the repository with --triton")
    asked = {"temperature": temperature, "chroma": chroma, "reserve": reserve}
    decoding = {name: value for name, value in asked.items() if value is not None}
    anew = bool(precision or decoding)
    if run is None and (triton is None or output or options.trt or anew):
        raise UsageError("name the training run; only `gcolor export --triton REPOSITORY` needs none")
    with unwinding() as heed:
        if run is None or (is_bundle(run) and not anew):
            bundle = _finish(run, output, options, triton)
        else:
            bundle = _export(
                run, output, list(photos), tolerance, precision or "fp32", decoding, list(calibration), options, heed
            )
        if triton:
            write(bundle, triton, triton_backend)


def _finish(bundle: Path | None, output: Path | None, options: TrtOptions, triton: Path | None) -> Path | None:
    """Build the engines of a bundle where they are asked for; returns where it is, None being the default model."""
    from ..needs import require

    if bundle is None:
        return None
    if not (options.trt or triton):
        raise UsageError(
            f"{bundle}: is a bundle; --precision exports it anew, --trt builds its engines, --triton writes its models "
            "for Triton"
        )
    if output and not options.trt:
        raise UsageError(
            f"{bundle}: is a bundle already; -o is for what --precision exports anew, or for the copy that --trt makes"
        )
    if options.trt:
        for module in ("torch", "onnx", "onnxscript"):
            require(module, "train")
        bundle = copy_bundle(bundle, output) if output else bundle
        build(bundle, options)
    return bundle


def _export(
    run: Path,
    output: Path | None,
    photos: list[Path],
    tolerance: float,
    precision: Precision,
    decoding: dict[str, float],
    calibration: list[Path],
    options: TrtOptions,
    heed: Callable[[], None],
) -> Path:
    """Write the bundle of a run or another bundle, with its engines where they are asked for; returns where it is."""
    from ...runtime.engines.trt_library import import_tensorrt
    from ..needs import require

    for module in ("torch", "onnx", "onnxscript"):
        require(module, "train")
    if output is None:
        raise UsageError("name the new bundle's folder with -o")
    if options.trt:
        import_tensorrt()  # says now what would be missing after minutes
    with StepView(heed) as view:
        view.step("loading PyTorch")
        from ...export.bundle import export_bundle

        parity = export_bundle(
            run,
            output,
            photos,
            tolerance,
            precision,
            calibration,
            trt=options.trt,
            decoding=decoding,
            progress=view.step,
        )
    click.echo(
        f"{output}: parity with PyTorch on {parity.photos} photos: at most {parity.max_levels} of 255 levels apart, "
        f"{100 * parity.share_beyond_one_level:.4f} % beyond one, mean CIEDE2000 {parity.mean_ciede2000:.5f}, "
        f"{100 * parity.bin_agreement:.3f} % of bins agree",
        err=True,
    )
    if options.trt:
        build(output, options)
    return output
