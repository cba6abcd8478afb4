"""The Triton part of `gcolor export`: its options, and what is said of the repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ...export.triton import TritonBackend


def triton_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for Triton Inference Server to a command."""
    backend = click.option(
        "--triton-backend",
        type=click.Choice(["onnxruntime", "tensorrt"]),
        help="What the server runs: the graphs, or the bundle's engines. [default: the engines where it has them]",
    )
    repository = click.option(
        "--triton",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="REPOSITORY",
        help="Write the models gcolor and gcolor_paint into a repository of Triton Inference Server, too.",
    )
    return repository(backend(function))


def write(bundle: Path | None, repository: Path, backend: TritonBackend | None) -> None:
    """Write a bundle's models, None being the default one; says what was written on stderr."""
    from ...export.triton import NAMES, write_repository
    from ...runtime.bundle import load_bundle

    loaded = load_bundle(bundle)
    chosen = write_repository(loaded, repository, backend)
    click.echo(f"{repository}: {' and '.join(NAMES.values())} of {loaded.name} for the backend {chosen}", err=True)
