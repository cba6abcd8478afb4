"""`gcolor batch --watch`: what comes in is colored once it is complete, until the process is told to stop."""

from __future__ import annotations

import json
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.smoke


class Watched:
    """A watching process; its rows as they come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("imgs", "hints"):
            (folder / name).mkdir()
        command = [
            sys.executable,
            "-m",
            "gcolor",
            "batch",
            "imgs",
            "--hints",
            "hints",
            "-o",
            "out",
            "--watch",
            "--json",
        ]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True, bufsize=1)
        self.rows: queue.Queue[dict[str, Any]] = queue.Queue()
        self.said: list[str] = []
        for read in (self._read_rows, self._read_words):
            threading.Thread(target=read, daemon=True).start()

    def _read_rows(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.rows.put(json.loads(line))

    def _read_words(self) -> None:
        assert self.process.stderr
        self.said.extend(iter(self.process.stderr.readline, ""))

    def row(self, seconds: float = 120) -> tuple[str, str]:
        found = self.rows.get(timeout=seconds)
        return found["picture"], found["status"]

    def hears(self, text: str) -> None:
        until = time.monotonic() + 120
        while not any(text in line for line in list(self.said)):
            assert time.monotonic() < until and self.process.poll() is None, self.said
            time.sleep(0.05)

    def is_quiet(self, seconds: float) -> None:
        with pytest.raises(queue.Empty):
            self.rows.get(timeout=seconds)

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    watched.process.kill()
    watched.process.wait()
    for stream in (watched.process.stdout, watched.process.stderr):
        assert stream
        stream.close()


def test_pictures_come_and_change(watched: Watched, grey_folder_elsewhere: Path) -> None:
    images, hints = watched.folder / "imgs", watched.folder / "hints"
    watched.hears("watching imgs; Ctrl-C ends it")  # nothing there yet is no error
    shutil.copy(grey_folder_elsewhere / "a.jpg", images)
    assert watched.row() == ("a.jpg", "colored")
    (hints / "a.json").write_text('{"version": 1, "points": [{"x": 9, "y": 9, "color": "#c03028"}]}')
    assert watched.row() == ("a.jpg", "colored")
    shutil.copy(grey_folder_elsewhere / "b.png", images)
    assert watched.row() == ("b.png", "colored")
    watched.is_quiet(5)  # and nothing twice
    assert watched.stop(signal.SIGINT) == 130
    assert watched.rows.get(timeout=10)["summary"]["colored"] == 3


def test_a_file_that_grows_is_waited_for(watched: Watched, grey_folder_elsewhere: Path) -> None:
    data = (grey_folder_elsewhere / "b.png").read_bytes()
    with (watched.folder / "imgs" / "b.png").open("wb", buffering=0) as file:
        for part in range(16):  # eight seconds, in which three or four looks fall
            file.write(data[part * len(data) // 16 : (part + 1) * len(data) // 16])
            time.sleep(0.5)
        assert watched.rows.empty()
    assert watched.row() == ("b.png", "colored")
    assert watched.stop(signal.SIGTERM) == 143


def test_what_failed_is_tried_again_when_it_changed(watched: Watched, grey_folder_elsewhere: Path) -> None:
    good = (grey_folder_elsewhere / "a.jpg").read_bytes()
    path = watched.folder / "imgs" / "a.jpg"
    path.write_bytes(good[:700])
    assert watched.row() == ("a.jpg", "failed")
    watched.is_quiet(7)  # not again and again
    path.write_bytes(good)
    assert watched.row() == ("a.jpg", "colored")
    # Hints for two pictures: said once, the others wait, nobody leaves.
    shutil.copy(path, path.with_suffix(".jpeg"))
    (watched.folder / "hints" / "a.json").write_text("{}")
    watched.hears("a.json may belong to")
    watched.is_quiet(5)
    assert sum("may belong to" in line for line in watched.said) == 1
    path.with_suffix(".jpeg").unlink()
    assert watched.row() == ("a.jpg", "failed")  # its hints say no version
    assert watched.stop(signal.SIGINT) == 130


@pytest.fixture
def grey_folder_elsewhere(tmp_path_factory: pytest.TempPathFactory, make_scene: Callable[..., Any]) -> Path:
    from PIL import Image

    folder = tmp_path_factory.mktemp("grey")
    for number, name in enumerate(["a.jpg", "b.png"]):
        Image.fromarray(make_scene(seed=number)).convert("L").save(folder / name)
    return folder


@pytest.mark.parametrize("option", [["--force"], ["--if-exists", "overwrite"], ["--files-from", "x"], ["--dry-run"]])
def test_what_has_no_end_is_refused(gcolor, grey_folder: Path, tmp_path: Path, option: list[str]) -> None:
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out", "--watch", *option)
    assert done.returncode == 2 and "--watch" in done.stderr and not (tmp_path / "out").exists()
