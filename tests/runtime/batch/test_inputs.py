"""How inputs and outputs of a call are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from gcolor.runtime.batch.planning.inputs import Part, split


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.jpg", "b.jpg", "one/x.png", "one/sub/y.png", "two/x.png", "d.jpg/z.png"):
        path = tmp_path / "here" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def shape(part: Part) -> tuple[str, tuple[str, ...], tuple[str, ...], str]:
    """Where its pictures are, the folders and files of them, and where the outputs go."""
    return str(part.images), part.folders, part.files, str(part.output)


def test_one_input(here: Path) -> None:
    assert shape(split(Path("one"))[0]) == ("one", ("",), (), str(here / "one_color"))
    assert shape(split("one/x.png")[0]) == ("one", (), ("x.png",), str(here / "one_color"))
    for path in ("a.jpg", "./a.jpg", str(here / "a.jpg"), "one/../a.jpg"):
        (part,) = split(path)
        assert part.beside and part.files == ("a.jpg",) and Path(part.output).resolve() == here
        assert part.made("a.jpg") == "a_color.jpg" and part.made("a.p2.jpg") == "a.p2_color.jpg"
    assert not split("one/x.png")[0].beside
    assert shape(split("d.jpg")[0]) == ("d.jpg", ("",), (), str(here / "d.jpg_color"))
    assert shape(split("s3://bucket/imgs")[0]) == ("s3://bucket/imgs", ("",), (), "s3://bucket/imgs_color")


def test_one_picture_with_an_output(here: Path) -> None:
    (part,) = split("a.jpg", "new/b.PNG")
    assert (str(part.output), part.file, part.made("a.jpg")) == ("new", "b.PNG", "b.PNG")
    for output in ("out", "v1.2", "one"):
        assert split("a.jpg", output)[0].file == "" and split("a.jpg", output)[0].made("a.jpg") == "a.jpg"
    assert split("a.jpg", "d.jpg")[0].file == ""  # there is a folder of that name


def test_gifs_beside(here: Path) -> None:
    (here / "a.gif").touch()
    assert split("a.gif")[0].made("a.gif") == "a_color.gif.png"


def test_several_inputs_without_an_output(here: Path) -> None:
    parts = split(["a.jpg", "one", "two/x.png", "b.jpg", "one/x.png", "./a.jpg", "s3://bucket/imgs"])
    assert {shape(part) for part in parts} == {
        (".", (), ("a.jpg", "b.jpg"), "."),
        ("one", ("",), (), str(here / "one_color")),
        ("two", (), ("x.png",), str(here / "two_color")),
        ("s3://bucket/imgs", ("",), (), "s3://bucket/imgs_color"),
    }
    assert all(part.named for part in parts) and not split(["a.jpg", "b.jpg"])[0].named


def test_several_inputs_with_an_output(here: Path) -> None:
    (part,) = split(["a.jpg", "one", "two/x.png", "one/sub", "one/x.png"], "out")
    assert shape(part) == (".", ("one",), ("a.jpg", "two/x.png"), "out")
    (part,) = split([str(here / "one"), "two"], "out")
    assert shape(part) == (str(here), ("one", "two"), (), "out")
    (part,) = split(["one/x.png", "one/sub/y.png"], "out")
    assert shape(part) == ("one", (), ("sub/y.png", "x.png"), "out")
    (part,) = split(["one", "one/x.png"], "out")
    assert shape(part) == ("one", ("",), (), "out")


def test_names_of_hints(here: Path) -> None:
    (part,) = split(["a.jpg", "one", "one/sub", "two/x.png"], "out")
    assert part.hint_names("one/sub/y.png") == ("one/sub/y.png", "sub/y.png")
    assert part.hint_names("two/x.png") == ("two/x.png", "x.png")
    assert part.hint_names("a.jpg") == ("a.jpg", "a.jpg")
    one, two = split(["one", "two"])
    assert one.hint_names("sub/y.png") == ("one/sub/y.png", "sub/y.png")
    assert two.hint_names("x.png") == ("two/x.png", "x.png")
    (whole,) = split("one")
    assert whole.hint_names("sub/y.png") == ("sub/y.png", "sub/y.png")
