"""Who may talk to the studio: one token in the opened address, then a cookie; no other site, no other name for us."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Guard:
    """ASGI middleware. host, port: what the server listens on. `token` opens the door once it is in the address.

    What another site makes a browser send carries no cookie (SameSite=Strict), or another Origin, or, where its name
    was bound to our address, another Host; each alone is refused.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, token: str) -> None:
        self._app, self._port, self._token = app, port, token
        self._cookie = f"gcolor-studio-{port}"
        self._secret = secrets.token_urlsafe(32)
        self._names = {name.lower() for name in (LOOPBACK if host in LOOPBACK else (host, socket.gethostname()))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                raise RuntimeError("the studio speaks no WebSocket")
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, send_guarded)

    def _answer(self, scope: Scope) -> Response | None:
        """What to say instead of the page, None where the request is welcome."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_us(host, scope):
            return _refuse(f"the Host {host[:80]!r} is not this server's; open the address that gcolor studio printed")
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{host}".lower():
            return _refuse("a page of another site must not reach the studio")
        site = headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and headers.get("sec-fetch-mode") != "navigate":
            return _refuse("a page of another site must not reach the studio")
        if scope["method"] not in ("GET", "HEAD") and origin is None:
            return _refuse("a change needs an Origin header, which every browser sends")
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and scope["method"] == "GET" and given:
            if not _same(given, self._token):
                return _refuse("the token in the address is not the one of this run; use the address it printed")
            # The token leaves the address bar, and with it the history.
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self._cookie, self._secret, httponly=True, samesite="strict", path="/")
            return answer
        if not _same(_cookie(headers, self._cookie), self._secret):
            return _refuse("no token: open the address that gcolor studio printed when it started")
        return None

    def _is_us(self, host: str, scope: Scope) -> bool:
        name, _, port = host.rpartition(":")
        if not name or port != str(self._port):
            return False
        name = name.removeprefix("[").removesuffix("]").lower()
        if name in self._names:
            return True
        # Listening on every address: the one that was connected to, never a name that leads to it.
        server = (scope.get("server") or ("",))[0]
        return _is_address(name) and name == server


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _refuse(why: str) -> Response:
    return PlainTextResponse(f"gcolor studio: {why}\n", 403)
