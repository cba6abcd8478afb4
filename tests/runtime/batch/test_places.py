"""Places: a folder of this machine, and elsewhere an object store (fsspec's, in memory) and a file system by URL."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import pytest
from gcolor.color.errors import EngineError, UsageError

pytest.importorskip("fsspec", reason="fsspec is missing; pip install 'gcolor[ray]' brings it")

from gcolor.runtime.batch.places import Folder, Place, Url, is_url, new_place

JPEG = {".jpg"}


@pytest.fixture(params=["memory", "file", "folder"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    (tmp_path / "a b" / "sub").mkdir(parents=True)
    return {
        "memory": f"memory://{uuid.uuid4().hex}/a b",
        "file": f"{tmp_path.as_uri()}/a b",
        "folder": str(tmp_path / "a b"),
    }[request.param]


def put(where: str, tmp_path: Path, name: str, data: bytes) -> None:
    """Store a file, and see that a listing says of it what was said when it was stored."""
    (tmp_path / "local").write_bytes(data)
    stored = new_place(where).store(tmp_path / "local", name)
    assert stored in (None, new_place(where).stat(name))


def names(where: str) -> set[str]:
    return set(new_place(where).list(JPEG))


def read(place: Place, name: str, tmp_path: Path) -> bytes:
    return place.fetch(name, tmp_path / "copy").read_bytes()


def test_what_is_stored_is_listed_and_fetched(where: str, tmp_path: Path) -> None:
    assert names(where) == set() and not new_place(where).exists("a.jpg")
    put(where, tmp_path, "sub/日本.jpg", b"one")
    put(where, tmp_path, "[b].jpg", b"three")
    for hidden in (".c.jpg", "sub/d.txt"):
        put(where, tmp_path, hidden, b"")
    place = new_place(where)
    assert set(place.list(JPEG)) == {"sub/日本.jpg", "[b].jpg"}
    assert place.exists("sub/日本.jpg") and place.stat("sub/日本.jpg").st_size == 3
    assert read(place, "sub/日本.jpg", tmp_path) == b"one" and read(place, "[b].jpg", tmp_path) == b"three"
    place.remove("[b].jpg")
    place.remove("[b].jpg")
    assert names(where) == {"sub/日本.jpg"}


def test_a_file_that_is_not_there(where: str, tmp_path: Path) -> None:
    place = new_place(where)
    assert not place.exists("sub/a.jpg")
    for act in (place.stat, place.take, lambda name: read(place, name, tmp_path)):
        with pytest.raises(FileNotFoundError, match="No such file or directory"):
            act("sub/a.jpg")


def test_another_content_is_another_version(where: str, tmp_path: Path) -> None:
    put(where, tmp_path, "a.jpg", b"one")
    before = new_place(where).take("a.jpg")
    put(where, tmp_path, "a.jpg", b"two")
    after = new_place(where).take("a.jpg")
    assert before.size == after.size and before.modified != after.modified and before.digest != after.digest
    assert not before.fits(new_place(where).stat("a.jpg"))


def test_a_fingerprint_is_the_same_everywhere(where: str, tmp_path: Path) -> None:
    put(where, tmp_path, "a.jpg", b"one")
    assert new_place(where).take("a.jpg").digest == hashlib.blake2b(b"one", digest_size=16).hexdigest()


def test_a_url_is_as_its_first_listing_shows_it(tmp_path: Path) -> None:
    place = Url(f"{tmp_path.as_uri()}/out")
    assert not place.exists("a.jpg")
    put(place.root, tmp_path, "a.jpg", b"one")
    assert not place.exists("a.jpg") and Url(place.root).exists("a.jpg")


def test_temporaries_of_killed_runs_are_swept(where: str, tmp_path: Path) -> None:
    for name in (".gcolor-abc.jpg", "sub/.gcolor-def.jpg", "keep.jpg"):
        put(where, tmp_path, name, b"x")
    new_place(where).sweep()
    swept = new_place(where)
    assert names(where) == {"keep.jpg"}
    assert not swept.exists(".gcolor-abc.jpg") and not swept.exists("sub/.gcolor-def.jpg")


def test_what_a_list_calls_a_file(where: str, tmp_path: Path) -> None:
    put(where, tmp_path, "sub/a.jpg", b"one")
    place = new_place(where)
    for path in ("sub/a.jpg", f"{where}/sub/a.jpg", "./sub/../sub/a.jpg", "sub//a.jpg"):
        assert place.name_of(path) == "sub/a.jpg", path
    assert place.name_of("gone.jpg") == "gone.jpg"
    for path in ("../a.jpg", "/elsewhere/a.jpg", "sub/../../a.jpg"):
        assert place.name_of(path) is None, path


def test_a_place_within_another(tmp_path: Path) -> None:
    outer = Folder(tmp_path).parts
    for inner in (Folder(tmp_path / "x"), Url(f"{tmp_path.as_uri()}/x"), Folder(tmp_path / "y" / ".." / "x")):
        assert inner.parts[: len(outer)] == outer and inner.parts == Folder(tmp_path / "x").parts
    assert Url("memory://b/imgs").parts != Url("memory://b/imgs2").parts[: len(Url("memory://b/imgs").parts)]


def test_what_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Url(f"{tmp_path.as_uri()}/out")
    put(place.root, tmp_path, "a.jpg", b"old")

    def cut(source: str, target: str, **_: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(place._fs, "put_file", cut)
    (tmp_path / "local").write_bytes(b"new")
    with pytest.raises(OSError, match="No space"):
        place.store(tmp_path / "local", "a.jpg")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.jpg"]
    assert (tmp_path / "out" / "a.jpg").read_bytes() == b"old"


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), KeyError("a library's own")])
def test_a_folder_that_cannot_be_listed_is_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    place = Url(tmp_path.as_uri())
    for name in ("sub/a.jpg", "gone/b.jpg", "c.jpg"):
        put(place.root, tmp_path, name, b"x")
    real = place._fs.ls

    def ls(path: str, **how: object) -> object:
        if path.endswith("/sub"):
            raise error
        if path.endswith("/gone"):
            raise FileNotFoundError(path)  # since it was listed
        return real(path, **how)

    monkeypatch.setattr(place._fs, "ls", ls)
    with pytest.raises(UsageError, match="cannot be listed"):
        place.exists("c.jpg")
    error = FileNotFoundError("sub")
    assert set(Url(place.root).list(JPEG)) == {"c.jpg"}


def test_places_that_cannot_be_had() -> None:
    with pytest.raises(UsageError, match="is no place that can be used"):
        Url("nonsense://bucket/x")
    with pytest.raises(EngineError, match="dropbox"):
        Url("dropbox://x")


def test_what_is_a_url() -> None:
    assert is_url("s3://bucket/x") and is_url("file:///x")
    assert not is_url(Path("a/b")) and not is_url("C:\\a") and not is_url("a:b")
