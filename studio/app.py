"""The studio's addresses. Each answer is JSON, pixels or an image; what is wrong is one sentence and a status."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from PIL import Image
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ..color.errors import BundleError, GcolorError, HintError, PictureError, UsageError
from ..color.hint_json import MAX_JSON_BYTES, parse_json
from ..color.hints import Hints
from .batch_job import BatchJob, shown
from .desk import BusyError, Desk, OvertakenError
from .folder import Folder
from .hint_store import ChangedOutsideError, HintStore
from .opened import Opened, View, with_alpha
from .thumbnails import Thumbnails

PAGE = Path(__file__).parent / "page"
MAX_BODY = MAX_JSON_BYTES + (1 << 16)
STATUS: dict[type[GcolorError], int] = {
    OvertakenError: 409,
    ChangedOutsideError: 412,
    BusyError: 503,
    UsageError: 400,
    HintError: 422,
    PictureError: 404,
}
Answer = Callable[[Request], Awaitable[Response]]


class Studio:
    """The handlers over one folder."""

    def __init__(self, folder: Folder, desk: Desk, batch: BatchJob) -> None:
        self.folder, self.desk, self.batch = folder, desk, batch
        self.store = HintStore(folder)
        self.thumbnails = Thumbnails()
        self._thumbnailing = asyncio.Semaphore(2)

    def app(self) -> Starlette:
        """The ASGI application, without its guard."""
        routes = [
            Route("/api/folder", self.pictures),
            Route("/api/states", self.states),
            Route("/api/picture", self.picture),
            Route("/api/hints", self.save, methods=["PUT"]),
            Route("/api/layer", self.layer),
            Route("/api/view", self.view, methods=["POST"]),
            Route("/api/suggest", self.suggest, methods=["POST"]),
            Route("/api/thumbnail", self.thumbnail),
            Route("/api/palettes", self.palettes, methods=["GET", "PUT"]),
            Route("/api/changes", self.changes),
            Route("/api/batch", self.control, methods=["POST"]),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ]
        return Starlette(routes=routes, exception_handlers={GcolorError: _say, ClientDisconnect: _gone})

    async def pictures(self, _: Request) -> Response:
        names = await asyncio.to_thread(self.folder.refresh)
        places = self.folder.places
        return JSONResponse({"names": names, "hints": str(places.hints), "output": str(places.output)})

    async def states(self, _: Request) -> Response:
        """What each picture is: "hinted", "current" (its output is), "failed"; one that is not named is automatic."""
        looked, hinted = await asyncio.gather(asyncio.to_thread(self.batch.look), asyncio.to_thread(self.folder.hinted))
        failures = dict(self.batch.progress.failures) if self.batch.progress else {}
        states: dict[str, list[str]] = {}
        wrong = {}
        for name in self.folder.names:
            called = shown(name)
            found = []
            if hinted and (name in hinted or name.rpartition(".")[0] in hinted):
                found.append("hinted")
            if sentence := looked.refused.get(called) or failures.get(called):
                found.append("failed")
                wrong[name] = sentence
            elif not looked.error and called not in looked.why:
                found.append("current")
            if found:
                states[name] = found
        return JSONResponse({"states": states, "wrong": wrong, "error": looked.error})

    async def picture(self, request: Request) -> Response:
        name, path = self._named(request)
        size = await self.desk.work(name, path, lambda opened: opened.size)
        found = await asyncio.to_thread(self.store.load, name, size)
        return JSONResponse(
            {
                "name": name,
                "size": size,
                "hints": found.json,
                "tag": found.tag,
                "layer": found.hints.overlay is not None,
                "files": [path.name for path in found.files],
                "error": found.error,
            }
        )

    async def save(self, request: Request) -> Response:
        name, path = self._named(request)
        text = await _body(request)
        size = await self.desk.work(name, path, lambda opened: opened.size)
        tag = request.query_params.get("tag", "")
        return JSONResponse({"tag": await asyncio.to_thread(self.store.save, name, text, size, tag)})

    async def layer(self, request: Request) -> Response:
        """The painted overlay as a PNG, made anew from its pixels and no larger than a screen."""
        name, path = self._named(request)
        size = await self.desk.work(name, path, lambda opened: opened.size)
        overlay = await asyncio.to_thread(self.store.overlay, name, size)
        if overlay is None:
            return Response(status_code=404)
        image = Image.fromarray(overlay)
        image.thumbnail((2048, 2048))
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=1)
        return Response(file.getvalue(), media_type="image/png")

    async def view(self, request: Request) -> Response:
        """The pixels of a view, RGBA. mode: "color", "automatic" or "gray"."""
        name, path = self._named(request)
        asked = await _json(request)
        mode = asked.get("mode")

        def paint(opened: Opened) -> tuple[bytes, float]:
            view = View.read(asked, opened.size)
            if mode == "gray":
                return with_alpha(opened.gray(view)), 0.0
            hints = Hints(opened.size) if mode == "automatic" else self._hints(name, asked, opened.size)
            chroma = opened.chroma(hints)
            changed = opened.changed(f"{page}/{asked.get('edit')}", chroma) if mode == "color" else 0.0
            return with_alpha(opened.paint(view, chroma)), changed

        page = str(asked.get("page"))[:40]
        lane = f"{page}/{mode}"
        pixels, changed = await self.desk.work(name, path, paint, lane)
        return Response(pixels, media_type="application/octet-stream", headers={"x-changed": f"{changed:.4f}"})

    async def suggest(self, request: Request) -> Response:
        name, path = self._named(request)
        asked = await _json(request)

        def look(opened: Opened) -> list[dict[str, Any]]:
            x, y = (int(asked[axis]) for axis in ("x", "y"))
            if not (0 <= x < opened.size[0] and 0 <= y < opened.size[1]):
                raise UsageError("the place lies outside the picture")
            return opened.suggest(x, y, self._hints(name, asked, opened.size))

        try:
            return JSONResponse({"suggestions": await self.desk.work(name, path, look, f"{asked.get('page')}/suggest")})
        except BundleError as error:
            return JSONResponse({"suggestions": [], "why": str(error)})
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError("a place is {x, y} in pixels") from error

    async def thumbnail(self, request: Request) -> Response:
        name, path = self._named(request)
        if request.query_params.get("of") == "output":
            path = self.folder.output(name)
        async with self._thumbnailing:
            if await request.is_disconnected():  # scrolled past meanwhile
                raise ClientDisconnect
            data = await asyncio.to_thread(self.thumbnails.get, path)
        return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=5"})

    async def palettes(self, request: Request) -> Response:
        if request.method == "PUT":
            await asyncio.to_thread(self.store.save_palettes, await _json(request))
        return JSONResponse(await asyncio.to_thread(self.store.palettes))

    async def changes(self, request: Request) -> Response:
        """What may have changed meanwhile: the files of the picture that is shown, and the batch."""
        name, path = self._named(request)
        tag = await asyncio.to_thread(self.store.tag, name)
        progress = self.batch.progress
        return JSONResponse({"tag": tag, "there": path.exists(), "batch": progress.json if progress else None})

    async def control(self, request: Request) -> Response:
        match (await _json(request)).get("do"):
            case "start":
                await asyncio.to_thread(self.batch.start)
            case "cancel":
                await asyncio.to_thread(self.batch.cancel)
            case _:
                raise UsageError('expected {"do": "start"} or {"do": "cancel"}')
        return JSONResponse({})

    def _named(self, request: Request) -> tuple[str, Path]:
        name = request.query_params.get("name", "")
        return name, self.folder.picture(name)

    def _hints(self, name: str, asked: Any, size: tuple[int, int]) -> Hints:
        """The marks that the page sent, over the painted layer that the file has."""
        marks = parse_json(json.dumps(asked.get("hints")).encode(), size).marks
        return Hints(size, self.store.overlay(name, size) if asked.get("layer") is not False else None, marks)


async def _body(request: Request) -> bytes:
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MAX_BODY:
            raise HintError("more than 1 MB of hints: paint a PNG overlay instead")
    return data


async def _json(request: Request) -> Any:
    try:
        value = json.loads(await _body(request))
    except (ValueError, RecursionError) as error:
        raise UsageError("the request is no JSON") from error
    if not isinstance(value, dict):
        raise UsageError("the request is no object")
    return value


async def _say(_: Request, error: Exception) -> Response:
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    return JSONResponse({"error": str(error)}, status)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)
