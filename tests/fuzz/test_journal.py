"""Whatever a journal file holds, it is read with our errors only, and what is written to it is there afterwards."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from gcolor.color.errors import UsageError
from hypothesis import HealthCheck, given, settings

made = pytest.importorskip("gcolor.runtime.batch.journal", reason="there is no journal")
fingerprints = pytest.importorskip("gcolor.runtime.batch.fingerprint")


def entry(number: int) -> object:
    prints = [fingerprints.Fingerprint(1000 + number, 17, 18, f"{n:032x}") for n in range(3)]
    return made.Entry(
        prints[0], (prints[1],), prints[2]._replace(changed=0), made.Recipe("b" * 32, "{}", "onnx on cpu")
    )


def seeds() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        whole = seed(Path(folder))
    return [whole, b"", whole + whole]


def seed(folder: Path) -> bytes:
    with made.Journal.open(folder) as journal:
        for number, name in enumerate(["a.jpg", "sub/caf\udce9.png", "a.jpg"]):
            journal.record(name, entry(number))
    return (folder / made.NAME).read_bytes()


def attack(data: bytes, folder: Path) -> None:
    (folder / made.NAME).write_bytes(data)
    try:
        with made.Journal.read(folder) as journal:
            for name in list(journal):
                journal.entry(name)
        with made.Journal.open(folder) as journal:
            journal.record("new.jpg", entry(9))
        with made.Journal.read(folder) as journal:
            assert journal.entry("new.jpg") == entry(9)
    except UsageError:
        pass


def test_only_our_errors_come_out(mutated) -> None:
    @settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutated(seeds()))
    def run(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            attack(data, Path(folder))

    run()
