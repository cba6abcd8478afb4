"""A long run of one target of this folder's tests by Atheris, guided by what of gcolor and Pillow is reached.

    pip install atheris
    python tests/fuzz/long_run.py picture -max_total_time=120 -rss_limit_mb=4096 [FOLDER OF MORE SEEDS]

Its options are libFuzzer's. A finding is printed with its traceback and left as crash-* in the current folder.
"""

from __future__ import annotations

import contextlib
import runpy
import shutil
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-not-found]
import pytest

with atheris.instrument_imports(include=["gcolor.color", "gcolor.runtime", "PIL"]):
    readers = runpy.run_path(str(Path(__file__).with_name("test_readers.py")))
    TARGETS = dict(readers["TARGETS"])
    with contextlib.suppress(pytest.skip.Exception):
        journal = runpy.run_path(str(Path(__file__).with_name("test_journal.py")))
        TARGETS["journal"] = journal["attack"], journal["seeds"]
repair = runpy.run_path(str(Path(__file__).with_name("mutation.py")))["repair"]


def main(name: str, options: list[str]) -> None:
    target, seeds = TARGETS[name]
    readers["hint_pictures"].MAX_PIXELS = readers["MOST"]
    with tempfile.TemporaryDirectory() as made:
        folder, corpus = Path(made, "work"), Path(made, "corpus")
        folder.mkdir()
        corpus.mkdir()
        shutil.copy(readers["DEFAULT"] / "manifest.json", folder)
        for number, seed in enumerate(seeds()):
            (corpus / str(number)).write_bytes(seed)

        def attack(data: bytes) -> None:
            target(repair(data), folder)

        atheris.Setup([sys.argv[0], *options, str(corpus)], attack)
        atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(TARGETS)} [LIBFUZZER OPTIONS]")
    main(sys.argv[1], sys.argv[2:])
