"""The TensorRT part of `gcolor export`: its options, and the build."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ...color.errors import UsageError
from ...export.tensorrt.build import HARDWARE
from ..views import BuildView


@dataclass(frozen=True, slots=True, kw_only=True)
class TrtOptions:
    """What the command line says about TensorRT."""

    trt: bool
    trt_profile: tuple[str, ...]
    trt_level: int | None
    trt_version_compatible: bool
    trt_hardware_compatible: str
    timing_cache: Path | None
    workspace: int | None


def trt_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `TrtOptions` to a command."""
    for option in reversed(
        (
            click.option("--trt", is_flag=True, help="Build the TensorRT engines, too; those that still fit are kept."),
            click.option(
                "--trt-profile",
                multiple=True,
                metavar="SHAPE",
                help="Shapes to build for: dynamic, or fixed ones such as 8x768x1024, batch x height x width; may be "
                "repeated. [default: dynamic]",
            ),
            click.option(
                "--trt-level", type=click.IntRange(0, 5), help="TensorRT's optimization level. [default: its own]"
            ),
            click.option(
                "--trt-version-compatible",
                is_flag=True,
                help="Engines also run under later TensorRT of the same major.",
            ),
            click.option(
                "--trt-hardware-compatible",
                type=click.Choice(["none", *HARDWARE]),
                default="none",
                show_default=True,
                help="Engines also run on other GPUs of the same capability, or of Ampere and later.",
            ),
            click.option(
                "--timing-cache",
                type=click.Path(path_type=Path, dir_okay=False),
                help="Makes the next build quicker. [default: engines/timing.cache in the bundle]",
            ),
            click.option(
                "--workspace",
                type=click.IntRange(1),
                metavar="MIB",
                help="Memory that TensorRT may use. [default: all]",
            ),
        )
    ):
        function = option(function)
    return function


def build(bundle: Path, options: TrtOptions) -> None:
    """Build what a bundle lacks of engines; says what and why on stderr."""
    from ...export.tensorrt.build import BuildOptions
    from ...export.tensorrt.engines import build_engines
    from ...runtime.bundle import load_bundle

    chosen = BuildOptions(
        workspace=options.workspace,
        level=options.trt_level,
        timing_cache=options.timing_cache,
        version_compatible=options.trt_version_compatible,
        hardware_compatible=options.trt_hardware_compatible,
    )
    with BuildView() as view:
        build_engines(load_bundle(bundle), chosen, options.trt_profile, view.step, view.say)


def copy_bundle(bundle: Path, output: Path) -> Path:
    """Copy a bundle, so that its engines are built in the copy. Raises UsageError where something is there already."""
    from ...runtime.bundle import load_bundle

    load_bundle(bundle)
    if output.exists():
        raise UsageError(f"{output}: exists; leave -o out to build in {bundle} itself, or choose another folder")
    shutil.copytree(bundle, output)
    return output
