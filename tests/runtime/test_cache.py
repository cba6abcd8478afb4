"""What is kept from run to run: found again, never half, never needed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from gcolor.runtime.cache import cache_folder, keep, recall
from gcolor.runtime.colorizer import Colorizer


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GCOLOR_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_what_was_kept_is_found_again(folder: Path) -> None:
    assert recall("a-1") is None
    keep("a-1", b"content")
    assert recall("a-1") == b"content"
    keep("a-1", b"")
    assert recall("a-1") == b""
    assert [path.name for path in folder.iterdir()] == ["a-1"]


def test_what_was_damaged_is_not(folder: Path) -> None:
    keep("a-1", b"content")
    (folder / "a-1").write_bytes((folder / "a-1").read_bytes()[:-1])
    assert recall("a-1") is None
    (folder / "a-1").write_bytes(b"")
    assert recall("a-1") is None


def test_only_the_last_of_a_kind_stay(folder: Path) -> None:
    keep("b-1", b"another kind")
    for number in range(4):
        keep(f"a-{number}", b"x", most=2)
        os.utime(folder / f"a-{number}", (number, number))
    assert sorted(path.name for path in folder.iterdir()) == ["a-2", "a-3", "b-1"]


def test_a_folder_that_cannot_be_had_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    for name in (str(tmp_path / "file"), "off"):
        monkeypatch.setenv("GCOLOR_CACHE", name)
        keep("a-1", b"content")
        assert recall("a-1") is None
    assert cache_folder() is None


def test_the_users_own_cache_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GCOLOR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == tmp_path / "gcolor"


def test_a_kept_graph_paints_what_the_bundles_own_paints(
    folder: Path, make_scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")

    def colored() -> np.ndarray:
        colorizer = Colorizer(device="cpu", threads=1)
        colorizer.set_image(make_scene(70, 90))
        return colorizer.chroma()

    first = colored()
    assert not list(folder.glob("graph-*"))  # many bundles are of one use
    assert (colored() == first).all()
    (graph,) = folder.glob("graph-*")
    stamp = graph.stat().st_mtime_ns
    assert (colored() == first).all() and graph.stat().st_mtime_ns == stamp
    # One that is sound and no graph.
    keep(graph.name, b"no graph")
    assert (colored() == first).all()
    assert len(recall(graph.name) or b"") > 1000
    monkeypatch.setenv("GCOLOR_CACHE", "off")
    assert (colored() == first).all()
