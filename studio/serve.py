"""Start the studio: bind, print the address, open the browser, serve until the end."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from ..color.errors import UsageError
from ..runtime.colorizer import Colorizer
from .app import Studio
from .batch_job import BatchJob
from .desk import Desk
from .folder import Folder, Places
from .guard import LOOPBACK, Guard

CONNECTIONS = 2000


def serve(
    places: Places,
    open_colorizer: Callable[[], Colorizer],
    batch_options: list[str],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    browser: bool = True,
    say: Callable[[str], None] = print,
) -> None:
    """Serve the page over the folders until SIGINT or SIGTERM. port: 0 takes a free one.

    Raises what `Folder` and opening the engine raise, UsageError where the port cannot be had.
    """
    folder = Folder(places)
    desk = Desk(open_colorizer)
    batch = BatchJob(places, batch_options)
    with _listen(host, port) as listener:
        try:
            asyncio.run(desk.warm())
            port = listener.getsockname()[1]
            token = secrets.token_urlsafe(24)
            shown = host if ":" not in host else f"[{host}]"
            url = f"http://{shown}:{port}/?token={token}"
            say(url)
            config = uvicorn.Config(
                Guard(Studio(folder, desk, batch).app(), host, port, token),
                log_level="warning",
                lifespan="off",
                limit_concurrency=CONNECTIONS,
                timeout_graceful_shutdown=2,
                server_header=False,
            )
            server = uvicorn.Server(config)
            if browser:
                # By a thread: a browser of the terminal would keep us.
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
            server.run(sockets=[listener])
        finally:
            batch.close()
            desk.close()


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1024)
        except OSError as error:
            raise UsageError(f"{host}:{port}: cannot listen there ({error.strerror}); choose another --port") from error
        yield listener


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    return host in LOOPBACK
