"""Options that several commands share."""

from __future__ import annotations

import click

from ..runtime import BACKENDS, PAINTERS

backend = click.option(
    "--backend",
    type=click.Choice(["auto", *BACKENDS]),
    default="auto",
    show_default=True,
    help="What runs the model. auto: trt where the bundle has a TensorRT engine for the GPU here, else onnx.",
)
painter = click.option(
    "--painter",
    type=click.Choice(PAINTERS),
    default="auto",
    show_default=True,
    help="What colors the pixels. auto: native code where the model runs in ONNX Runtime on the CPU, else the bundle's "
    "graph, onnx.",
)
device = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
devices = click.option(
    "--device",
    default="auto",
    show_default=True,
    help="auto, cpu, cuda or cuda:N; several get a process each: cuda:0,1,2,3, or cpu:4 for four on the CPU.",
)
