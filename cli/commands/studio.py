"""gcolor studio: the page where hints are placed."""

from __future__ import annotations

from pathlib import Path

import click

from ...color.errors import UsageError
from .. import options
from ..needs import require
from ..params import Model

_PATH = click.Path(path_type=Path)


@click.command("studio", short_help="Place hints on a page in the browser and see the photograph change.")
@click.argument("images", type=_PATH, required=False)
@click.option("--hints", type=_PATH, help="Folder of hint files. [default: IMAGES_hints beside IMAGES]")
@click.option("-o", "--output", type=_PATH, help="Where the batch writes. [default: IMAGES_color beside IMAGES]")
@click.option("--bundle", type=Model(), help="Model bundle. [default: the one that ships with gcolor]")
@options.backend
@options.device
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="[default: a free one]")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; see --i-know.")
@click.option("--i-know", is_flag=True, help="Listen where other machines reach it: without encryption.")
@click.option("--no-open", is_flag=True, help="Only print the address.")
@click.option(
    "--static",
    type=_PATH,
    metavar="DIR",
    help="Instead, write a page that needs no server of ours: any web host serves it, the browser colors.",
)
def command(
    images: Path | None,
    hints: Path | None,
    output: Path | None,
    bundle: Path | None,
    backend: str,
    device: str,
    port: int,
    host: str,
    i_know: bool,
    no_open: bool,
    static: Path | None,
) -> int:
    """Open IMAGES, a folder or one picture, in the browser: click a place, choose its color, see what it does.

    Hints are saved where `gcolor batch --hints` looks for them, a moment after each change; nothing else is stored.
    Ctrl-C ends it.
    """
    if static is not None:
        from ...studio.static import write_static

        write_static(static, bundle)
        click.echo(f"the page is in {static}; `python -m http.server -d {static}` serves it", err=True)
        return 0
    if images is None:
        raise UsageError("IMAGES is missing: name a folder of pictures, or one picture")
    for module in ("starlette", "uvicorn"):
        require(module, "studio")
    from ...studio.folder import Places
    from ...studio.serve import is_loopback, serve

    places = Places.of(images, hints, output)
    if not is_loopback(host):
        meaning = (
            f"{host}: other machines can reach it there. Whoever sees the address or its traffic (it is not encrypted) "
            "can see the pictures and change the hints"
        )
        if not i_know:
            raise UsageError(f"{meaning}; say --i-know if that is meant")
        click.echo(f"warning: {meaning}.", err=True)

    def open_colorizer():  # type: ignore[no-untyped-def]
        from ...runtime.colorizer import Colorizer

        return Colorizer(bundle, device, backend=backend)

    batch = ["--backend", backend, "--device", device, *(["--bundle", str(bundle)] if bundle else [])]
    serve(places, open_colorizer, batch, host=host, port=port, browser=not no_open, say=click.echo)
    return 0
