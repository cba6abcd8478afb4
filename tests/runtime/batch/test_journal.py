from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from gcolor.color.errors import UsageError
from gcolor.runtime.batch.entries import Entry, Recipe
from gcolor.runtime.batch.fingerprint import Fingerprint, take, unchanged
from gcolor.runtime.batch.journal import NAME, Journal

pytestmark = pytest.mark.smoke

RECIPE = Recipe("b" * 32, '{"quality":92}', "onnx on cpu, onnxruntime 1", "0.1.0")


def entry(number: int = 0, recipe: Recipe = RECIPE, over: str = "") -> Entry:
    source, hint = Fingerprint(number, 2**62, 3, "aa"), Fingerprint(4, 5, 0, "bb")
    return Entry(source, (hint,), Fingerprint(6, 7, 0, f"{number:032x}"), recipe, over)


def filled(folder: Path, names: list[str]) -> dict[str, Entry]:
    entries = {name: entry(i, over="cc" if i % 2 else "") for i, name in enumerate(names)}
    with Journal.open(folder) as journal:
        for name, value in entries.items():
            journal.record(name, value)
    return entries


def known(folder: Path) -> tuple[dict[str, Entry | None], list[int]]:
    """All entries, and the numbers of damaged lines."""
    with Journal.read(folder) as journal:
        return {name: journal.entry(name) for name in list(journal)}, journal.damaged


NAMES = ["a.jpg", "sub/b.jpg", "two\nlines.png", "日本語.jpg", os.fsdecode(b"caf\xe9.jpg"), '"\\.png']


def test_what_is_recorded_is_read_again(tmp_path: Path) -> None:
    entries = filled(tmp_path, NAMES)
    for journal in (Journal.read(tmp_path), Journal.open(tmp_path)):
        with journal:
            assert {name: journal.entry(name) for name in journal} == entries
            assert journal.entry("other.jpg") is None and journal.damaged == []
    lines = [json.loads(line) for line in (tmp_path / NAME).read_text("ascii").splitlines()]
    assert lines[0]["journal"] == 1 and lines[0]["gcolor"]
    assert [line["bundle"] for line in lines if "bundle" in line] == [RECIPE.bundle]  # once for all
    assert lines[1]["settings"] == {"quality": 92}


def test_the_last_line_of_an_output_counts(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.record("a.jpg", entry(1))
        journal.record("a.jpg", entry(2, RECIPE._replace(bundle="x")))
        assert journal.entry("a.jpg") == entry(2, RECIPE._replace(bundle="x"))
    assert known(tmp_path) == ({"a.jpg": entry(2, RECIPE._replace(bundle="x"))}, [])


def test_torn_at_any_byte_it_keeps_the_lines_before_and_goes_on(tmp_path: Path) -> None:
    entries = filled(tmp_path, NAMES[:3])
    whole = (tmp_path / NAME).read_bytes()
    for length in range(len(whole)):
        (tmp_path / NAME).write_bytes(whole[:length])
        # The header, the recipe, then the entries.
        kept = max(0, whole[:length].count(b"\n") - 2)
        with Journal.open(tmp_path) as journal:
            assert {n: journal.entry(n) for n in journal} == dict(list(entries.items())[:kept])
            assert journal.damaged == []
            journal.record("new.jpg", entry(9))
        again, damaged = known(tmp_path)
        assert again["new.jpg"] == entry(9) and len(again) == kept + 1 and damaged == []


def test_damaged_lines_in_the_middle_are_named_and_passed_over(tmp_path: Path) -> None:
    entries = filled(tmp_path, NAMES)
    lines = (tmp_path / NAME).read_bytes().splitlines(keepends=True)
    lines[3] = lines[3][:40] + b"\n"
    lines[5:5] = [b"\x00\xff garbage\n", b"[" * 100_000 + b"\n", b"{}\n", b"7\n", b'{"out": 7}\n', b"\n"]
    (tmp_path / NAME).write_bytes(b"".join(lines))
    del entries[NAMES[1]]
    assert known(tmp_path) == (entries, [4, 6, 7, 8, 9, 10, 11])


def test_an_entry_of_wrong_values_is_not_known(tmp_path: Path) -> None:
    filled(tmp_path, ["a.jpg", "b.jpg"])
    text = (tmp_path / NAME).read_text()
    (tmp_path / NAME).write_text(text.replace('"made": [6, 7,', '"made": ["6", 7,', 1))
    assert known(tmp_path)[0] == {"a.jpg": None, "b.jpg": entry(1, over="cc")}


def test_random_damage_never_ends_in_another_error(tmp_path: Path) -> None:
    filled(tmp_path, NAMES)
    whole = (tmp_path / NAME).read_bytes()
    rng, refused = random.Random(3), 0
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            at = rng.randrange(len(data))
            match rng.randrange(3):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    del data[at : at + rng.randint(1, 30)]
                case _:
                    data[at:at] = rng.choice([b"\n", b"null", b"1e999", b"NaN", b"{", b'"', b"9" * 5000, b"\\ud800"])
        (tmp_path / NAME).write_bytes(data)
        try:
            with Journal.open(tmp_path) as journal:
                for name in list(journal):
                    found = journal.entry(name)
                    assert found is None or isinstance(found.recipe, Recipe)
                journal.record("new.jpg", entry(9))
                assert journal.entry("new.jpg") == entry(9)
        except UsageError as error:
            refused += 1
            assert "a journal of format" in str(error)
    assert refused < 100


def test_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"journal": 2, "gcolor": "9"}\n')
    for open_journal in (Journal.open, Journal.read):
        with pytest.raises(UsageError, match="a journal of format 2, this gcolor reads 1"):
            open_journal(tmp_path)
    assert (tmp_path / NAME).read_text() == '{"journal": 2, "gcolor": "9"}\n'


def test_it_is_written_anew_when_most_of_it_is_outdated(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        for number in range(1500):
            journal.record("a.jpg", entry(number))
            journal.record("b.jpg", entry(number, RECIPE._replace(bundle=f"{number % 3}"), over="cc"))
    size = (tmp_path / NAME).stat().st_size
    with Journal.open(tmp_path) as journal:
        assert (tmp_path / NAME).stat().st_size < size / 500
        with pytest.raises(UsageError, match="another gcolor batch"):
            Journal.open(tmp_path)
        journal.record("c.jpg", entry(1))
    b = entry(1499, RECIPE._replace(bundle="2"), over="cc")
    assert known(tmp_path) == ({"a.jpg": entry(1499), "b.jpg": b, "c.jpg": entry(1)}, [])
    assert [p.name for p in tmp_path.iterdir()] == [NAME]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from gcolor.runtime.batch.journal import Journal\n"
    code += "journal = Journal.open(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match="another gcolor batch is writing there"):
            Journal.open(tmp_path)
        Journal.read(tmp_path).close()  # looking is free
        other.kill()
    Journal.open(tmp_path).close()


def test_a_journal_that_is_taken_away_is_noticed(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.record("a.jpg", entry())
        (tmp_path / NAME).unlink()
        with pytest.raises(UsageError, match="removed while the batch ran"):
            journal.record("b.jpg", entry())


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        Journal.open(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        Journal.read(tmp_path)


def test_fingerprints_tell_content_from_times(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    young = take(path)
    assert young.changed == 0 and not young.fits(path.stat())  # it may change again within one tick of its clock
    assert unchanged(path, young)
    old = young._replace(changed=path.stat().st_ctime_ns)
    assert old.fits(path.stat())
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # same size, same time of change
    assert not old.fits(path.stat()) and not unchanged(path, old)
    path.write_bytes(b"one")
    assert unchanged(path, old)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        take(tmp_path / "pipe")
