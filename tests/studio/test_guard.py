"""Whoever is not the user's own page gets nothing, and nothing outside the folders is given to anyone."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .conftest import Running, ramp


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


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Of a studio that no test changes; beside its folder lies a picture, and in it a link to that."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "imgs").mkdir()
    ramp(90).save(folder / "imgs" / "a.png")
    ramp(90).save(folder / "secret.png")
    (folder / "imgs" / "link.png").symlink_to(folder / "secret.png")
    running = Running(folder)
    yield Client(running)
    running.stop()


def named(path: str, name: str, **more: str) -> str:
    return f"/api/{path}?{urllib.parse.urlencode({'name': name, **more})}"


def test_only_the_cookie_that_the_token_gave_opens_anything(closed: Client) -> None:
    client = closed
    assert "HttpOnly" in client.set_cookie and "SameSite=strict" in client.set_cookie
    for path in ("/", "/main.js", "/api/folder", named("picture", "a.png"), "/?token=wrong"):
        assert client.ask("GET", path, cookie=False)[0] == 403
    status, headers, _ = client.ask("GET", "/")
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "[::1"])
def test_another_host_is_refused(closed: Client, host: str) -> None:
    assert closed.ask("GET", "/api/folder", Host=host.format(port=closed.port))[0] in (400, 403)


def test_another_origin_is_refused(closed: Client) -> None:
    client = closed
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{client.port}", "http://127.0.0.1:1"):
        assert client.ask("GET", "/api/folder", Origin=origin)[0] == 403
        assert client.ask("POST", "/api/batch", {"do": "start"}, Origin=origin)[0] == 403
    assert client.ask("GET", "/api/folder", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "imgs/../../secret.png", "..", "", "link.png", "a.png\0"]
)
def test_nothing_outside_the_folder(closed: Client, name: str) -> None:
    client = closed
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
    assert statuses.count(200) < 500, "overtaken requests are dropped, not worked on"
    status, _, pixels = client.ask("POST", named("view", "a.png"), asked)
    assert status == 200 and np.frombuffer(pixels, np.uint8).size == 320 * 240 * 4


def test_hints_are_not_saved_over_a_file_that_was_changed_meanwhile(client: Client, folder: Path) -> None:
    hints = {"version": 1, "points": [{"x": 1, "y": 1, "color": "#ffffff"}]}
    status, _, body = client.ask("PUT", named("hints", "a.png", tag=""), hints)
    assert status == 200
    path = folder / "hints" / "a.png.json"
    path.write_text(json.dumps({**hints, "points": []}))
    assert client.ask("PUT", named("hints", "a.png", tag=json.loads(body)["tag"]), hints)[0] == 412
    assert json.loads(path.read_text())["points"] == []
    tag = json.loads(client.ask("GET", named("picture", "a.png"))[2])["tag"]
    assert client.ask("PUT", named("hints", "a.png", tag=tag), {"version": 1})[0] == 200
    assert not path.exists(), "a picture without hints has no file"


def test_palettes_are_checked(client: Client, folder: Path) -> None:
    for bad in ([], {"skin": "#ffffff"}, {"skin": ["red; }"]}, {"x" * 300_000: []}):
        assert client.ask("PUT", "/api/palettes", bad)[0] in (400, 422)
    assert client.ask("PUT", "/api/palettes", {"skin": ["#E3B49B"]})[0] == 200
    (folder / "hints" / ".gcolor.palettes.json").write_text("{")
    status, _, body = client.ask("GET", "/api/palettes")
    assert status == 422 and "mend or remove it" in json.loads(body)["error"]


def test_listening_beyond_this_machine_is_asked_about(gcolor: Any, launch: Any, folder: Path) -> None:
    refused = gcolor("studio", folder / "imgs", "--host", "0.0.0.0", "--no-open")
    assert refused.returncode == 2 and "--i-know" in refused.stderr and "not encrypted" in refused.stderr
    studio = launch("--host", "0.0.0.0", "--i-know")
    assert "warning: 0.0.0.0" in (folder / "studio.log").read_text()
    # By the address that was connected to, never by a name that leads to it.
    client = Client(studio)
    assert client.ask("GET", "/api/folder")[0] == 200
    assert client.ask("GET", "/api/folder", Host=f"evil.example:{client.port}")[0] == 403
