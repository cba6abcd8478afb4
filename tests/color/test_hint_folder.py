"""Which hint files of a folder belong to which picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from gcolor.color.errors import UsageError
from gcolor.color.hint_folder import HintFolder


def folder_of(root: Path, *names: str) -> HintFolder:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return HintFolder(root)


def test_the_full_name_goes_before_the_stem(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "sub/a.jpg.json", "sub/a.png", "b.json", "b.png", "c.jpg.PNG", "d.tar.png")

    def found(name: str) -> list[str]:
        return [Path(p).relative_to(tmp_path).as_posix() for p in folder.names(name)]

    assert found("sub/a.jpg") == ["sub/a.jpg.json"]
    assert found("sub/a.tif") == ["sub/a.png"]
    assert found("b.jpg") == ["b.png", "b.json"]
    assert found("c.jpg") == ["c.jpg.PNG"]
    assert found("d.tar.jpg") == ["d.tar.png"]
    assert found("a.jpg") == found("sub/b.jpg") == found("d.jpg") == []


def test_two_pictures_of_one_stem_are_ambiguous(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.png", "b.json", "b.tif.json")
    assert len(folder.pair(["a.jpg", "b.jpg", "b.tif", "c.jpg", "c.tif"])) == 5
    with pytest.raises(UsageError, match=r"a\.png may belong to a\.jpg or to a\.tif"):
        folder.pair(["a.jpg", "a.tif"])


def test_unused_hint_files_are_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.png", "a.jpg.png", "sub/x.json", ".hidden.png", ".git/b.png", "notes.txt")
    unused = folder.unused(folder.pair(["a.jpg", "c.jpg"]))
    assert [Path(p).relative_to(tmp_path).as_posix() for p in unused] == ["a.png", "sub/x.json"]


def test_names_from_macos_match(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Ma\u0308rz.png")
    assert len(folder.names("M\u00e4rz.jpg")) == 1


def test_folder_that_is_missing_or_doubtful(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        HintFolder(tmp_path / "gone")
    (tmp_path / "Case").mkdir()
    if not (tmp_path / "case").exists():
        with pytest.raises(UsageError, match="keep one"):
            folder_of(tmp_path, "a.png", "a.PNG")
