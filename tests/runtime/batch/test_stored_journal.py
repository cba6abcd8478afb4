"""A journal that is kept here and stored in a place that cannot be appended to."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from gcolor.color.errors import UsageError

pytest.importorskip("fsspec", reason="fsspec is missing; pip install 'gcolor[ray]' brings it")

from gcolor.runtime.batch import stored_journal
from gcolor.runtime.batch.entries import Entry, Recipe
from gcolor.runtime.batch.fingerprint import Fingerprint
from gcolor.runtime.batch.journal import NAME
from gcolor.runtime.batch.places import Url
from gcolor.runtime.batch.stored_journal import MAKING, StoredJournal, begun_outputs

ENTRY = Entry(Fingerprint(1, 2, 2, "ab"), (), Fingerprint(3, 4, 0, "cd"), Recipe("bundle", "{}", "engine"))


@pytest.fixture
def root() -> str:
    return f"memory://{uuid.uuid4().hex}/out"


def put(root: str, name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(data)
    Url(root).store(tmp_path / "data", name)


def known(root: str) -> list[str]:
    with StoredJournal.fetch(Url(root)) as journal:
        return list(journal)


def test_it_is_stored_when_its_outputs_are_made(root: str) -> None:
    with StoredJournal.fetch(Url(root)) as journal:
        assert len(journal) == 0 and not journal.locked
        with journal.making(["a.jpg", "b.jpg"]):
            assert begun_outputs(Url(root)) == {"a.jpg", "b.jpg"} and not Url(root).exists(NAME)
            journal.record("a.jpg", ENTRY)
        assert known(root) == ["a.jpg"]
    with StoredJournal.fetch(Url(root)) as journal:
        assert journal.entry("a.jpg") == ENTRY


def test_it_is_stored_now_and_then_meanwhile(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(stored_journal.time, "monotonic", lambda: now[0])
    with StoredJournal.fetch(Url(root)) as journal:
        journal.record("0.jpg", ENTRY)
        now[0] += 10 * stored_journal.EVERY
        journal.record("1.jpg", ENTRY)
        assert not Url(root).exists(NAME), "nothing is made yet"
        with journal.making([]):
            journal.record("2.jpg", ENTRY)
            assert not Url(root).exists(NAME)
            now[0] += stored_journal.EVERY + 1
            journal.record("3.jpg", ENTRY)
            assert known(root) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
            journal.record("4.jpg", ENTRY)
            assert len(known(root)) == 4
        assert len(known(root)) == 5


def test_an_error_in_between_loses_no_line(root: str) -> None:
    with StoredJournal.fetch(Url(root)) as journal:
        with pytest.raises(KeyError), journal.making(["a.jpg"]):
            journal.record("a.jpg", ENTRY)
            raise KeyError
        assert known(root) == ["a.jpg"] and Url(root).exists(MAKING)


def test_another_format_is_refused_by_its_url(root: str, tmp_path: Path) -> None:
    put(root, NAME, b'{"journal": 2}\n', tmp_path)
    with pytest.raises(UsageError, match=f"^{root}/{NAME}: a journal of format 2"):
        StoredJournal.fetch(Url(root))


@pytest.mark.parametrize("data", [b"", b"{", b"7", b'[["a.jpg"]]', b"\xff"])
def test_a_list_of_begun_outputs_that_cannot_be_read(root: str, tmp_path: Path, data: bytes) -> None:
    assert begun_outputs(Url(root)) == set()
    put(root, MAKING, data, tmp_path)
    with pytest.raises(ValueError):
        begun_outputs(Url(root))
    put(root, MAKING, json.dumps(["a.jpg"]).encode(), tmp_path)
    assert begun_outputs(Url(root)) == {"a.jpg"}
