"""Whoever is not the user's own page gets nothing, and nothing outside the folders is given to anyone."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


class Client:
    """A browser that is logged in, with headers of one's own."""

    def __init__(self, studio: Any) -> None:
        self.port = studio.port
        status, headers, _ = self.ask("GET", f"/?token={studio.token}", cookie=False)
        assert status == 303
        self.set_cookie = headers["set-cookie"]
        self.cookie = self.set_cookie.split(";")[0]

    def ask(self, method: str, path: str, body: Any = None, *, cookie: bool = True, **headers: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        given = {"Origin": f"http://127.0.0.1:{self.port}"} if method != "GET" else {}
        if cookie:
            given["Cookie"] = self.cookie
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, data, given | {key.replace("_", "-"): value for key, value in headers.items()})
        answer = connection.getresponse()
        result = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        connection.close()
        return result


@pytest.fixture
def client(studio: Any) -> Client:
    return Client(studio)


def named(path: str, name: str, **more: str) -> str:
    return f"/api/{path}?{urllib.parse.urlencode({'name': name, **more})}"


def test_only_the_cookie_that_the_token_gave_opens_anything(client: Client) -> None:
    assert "HttpOnly" in client.set_cookie and "SameSite=strict" in client.set_cookie
    for path in ("/", "/main.js", "/api/folder", named("picture", "a.png"), "/?token=wrong"):
        assert client.ask("GET", path, cookie=False)[0] == 403
    status, headers, _ = client.ask("GET", "/")
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "[::1"])
def test_another_host_is_refused(client: Client, host: str) -> None:
    assert client.ask("GET", "/api/folder", Host=host.format(port=client.port))[0] in (400, 403)


def test_another_origin_is_refused(client: Client) -> None:
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{client.port}", "http://127.0.0.1:1"):
        assert client.ask("GET", "/api/folder", Origin=origin)[0] == 403
        assert client.ask("POST", "/api/batch", {"do": "start"}, Origin=origin)[0] == 403
    assert client.ask("GET", "/api/folder", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "imgs/../../secret.png", "..", "", "link.png", "a.png\0"]
)
def test_nothing_outside_the_folder(studio: Any, folder: Path, name: str) -> None:
    Image.new("RGB", (64, 64)).save(folder / "secret.png")
    (folder / "imgs" / "link.png").symlink_to(folder / "secret.png")
    client = Client(studio)
    client.ask("GET", "/api/folder")
    for path in ("picture", "thumbnail", "layer", "changes"):
        assert client.ask("GET", named(path, name))[0] == 404
    assert client.ask("PUT", named("hints", name, tag=""), {"version": 1})[0] == 404
    for path in ("/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "//etc/passwd"):
        assert client.ask("GET", path)[0] in (400, 404)


def test_hints_do_not_follow_a_link_out(client: Client, folder: Path) -> None:
    (folder / "hints").mkdir()
    (folder / "mine.json").write_text("{}")
    (folder / "hints" / "a.png.json").symlink_to(folder / "mine.json")
    hints = {"version": 1, "points": [{"x": 1, "y": 1, "color": "#ffffff"}]}
    assert client.ask("PUT", named("hints", "a.png", tag=""), hints)[0] in (404, 422)
    assert (folder / "mine.json").read_text() == "{}"


def test_hostile_pictures_and_hints_are_one_sentence(client: Client, folder: Path) -> None:
    (folder / "imgs" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "imgs" / "text.jpg").write_text("I am no picture")
    Image.new("1", (20000, 10001)).save(folder / "imgs" / "huge.png")
    (folder / "hints").mkdir()
    point = {"x": 1, "y": 1, "color": "#ffffff"}
    (folder / "hints" / "b.png.json").write_text(json.dumps({"version": 1, "points": [point] * 1_000_000}))
    client.ask("GET", "/api/folder")
    wrong = {"broken.jpg": "header is damaged", "text.jpg": "not a picture", "huge.png": "megapixels"}
    for name, said in wrong.items():
        for path in ("picture", "thumbnail"):
            status, _, body = client.ask("GET", named(path, name))
            assert status == 404 and said in json.loads(body)["error"]
    assert "too large" in json.loads(client.ask("GET", named("picture", "b.png"))[2])["error"]
    big = json.dumps({"version": 1, "points": [point] * 100_000}).encode()
    assert client.ask("PUT", named("hints", "a.png", tag=""), big)[0] == 422
    for bad in (b"", b"[" * 100_000, b"\xff", b"{}", b'{"rect": [0, 0, 1e9, 1], "size": [1, 1]}'):
        assert client.ask("POST", named("view", "a.png"), bad)[0] in (400, 422)


def test_a_thousand_requests_at_once(client: Client) -> None:
    hints = {"version": 1, "points": [{"x": 80, "y": 120, "color": "#c03020"}]}
    asked = {"rect": [0, 0, 320, 240], "size": [320, 240], "mode": "color", "hints": hints, "page": "one"}
    with ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(lambda _: client.ask("POST", named("view", "a.png"), asked)[0], range(1000)))
    assert set(statuses) <= {200, 409, 503} and 200 in statuses
    status, _, pixels = client.ask("POST", named("view", "a.png"), asked)
    assert status == 200 and np.frombuffer(pixels, np.uint8).size == 320 * 240 * 4
