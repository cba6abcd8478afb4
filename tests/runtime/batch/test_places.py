"""Folders elsewhere: an object store (fsspec's, in memory) and a file system by URL."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from gcolor.color.errors import EngineError, UsageError

pytest.importorskip("fsspec", reason="fsspec is missing; pip install 'gcolor[ray]' brings it")

from gcolor.runtime.batch.places import Place, is_url


@pytest.fixture(params=["memory", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(f"memory://{uuid.uuid4().hex}/a b" if request.param == "memory" else f"{tmp_path.as_uri()}/a b")


def put(place: Place, tmp_path: Path, name: str, data: bytes):
    (tmp_path / "local").write_bytes(data)
    return place.store(tmp_path / "local", name)


def test_what_is_stored_is_listed_and_fetched(place: Place, tmp_path: Path) -> None:
    assert place.list() == {} and place.read("a.jpg") is None
    stat = put(place, tmp_path, "sub/日本.jpg", b"one")
    put(place, tmp_path, "[b].jpg", b"three")
    listed = place.list()
    assert set(listed) == {"sub/日本.jpg", "[b].jpg"}  # no temporary either
    assert listed["sub/日本.jpg"] == stat and stat.st_size == 3
    place.fetch("sub/日本.jpg", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"one" and place.read("[b].jpg") == b"three"
    place.remove("[b].jpg")
    place.remove("[b].jpg")
    assert set(place.list()) == {"sub/日本.jpg"}


def test_another_content_is_another_version(place: Place, tmp_path: Path) -> None:
    before = put(place, tmp_path, "a.jpg", b"one")
    after = put(place, tmp_path, "a.jpg", b"two")
    assert before.st_size == after.st_size and before.st_mtime_ns != after.st_mtime_ns
    assert place.list()["a.jpg"] == after


def test_what_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(f"{tmp_path.as_uri()}/out")
    put(place, tmp_path, "a.jpg", b"old")

    def cut(source: str, target: str, **_: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(place._fs, "put_file", cut)
    with pytest.raises(OSError, match="No space"):
        put(place, tmp_path, "a.jpg", b"new")
    assert place.read("a.jpg") == b"old" and set(place.list()) == {"a.jpg"}


def test_places_that_cannot_be_had() -> None:
    with pytest.raises(UsageError, match="is no place that can be used"):
        Place("nonsense://bucket/x")
    with pytest.raises(EngineError, match="dropbox"):
        Place("dropbox://x")


def test_what_is_a_url() -> None:
    assert is_url("s3://bucket/x") and is_url("file:///x")
    assert not is_url(Path("a/b")) and not is_url("C:\\a") and not is_url("a:b")
