"""What the commands show while they work: something live on a terminal, lines elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

try:
    import pty
except ImportError:
    pytest.skip("there are no pseudo-terminals here", allow_module_level=True)

ROW = "dict(step=2.0, loss=0.5, accuracy=0.25, entropy=1.0, lr=1e-3, photos_per_second=7.0, waiting=0.1, seconds=9.0, "
VIEWS = {
    # What is shown: how it is made and used, what a terminal shows of it, what is printed elsewhere.
    "batch": ("BatchView(3, False)", "view.step('a.png', 1.5, None)", "1/3", "[1/3] a.png 1.50 s"),
    "batch, failed": ("BatchView(None, True)", "view.step('a.png', 1.5, 'torn')", "torn", "error: a.png: torn"),
    "prepare": ("PrepareView()", "view.step(5, 9)", "5/9", "[5/9]"),
    "build": ("BuildView()", "view.step('Tactics [x]', 5, 9)", "Tactics [x]", ""),
    "bench": ("StepView(lambda: None)", "view.step('warming up [y]')", "warming up [y]", "warming up [y]"),
    "train": ("TrainingView(2, True)", f"view.row({ROW}progress=0.5))", "waits for data", "step 2/2: loss 0.5000"),
    "train, past its minutes": (
        "TrainingView(2, True)",
        f"view.row({ROW}progress=1.1))",
        "0:00:00 left",
        "step 2/2: loss 0.5000, accuracy 0.250, 7.0 photos/s, 0:00:00 left",
    ),
}


def script(made: str, used: str) -> list[str]:
    code = f"from gcolor.cli.views import *\nwith {made} as view:\n    {used}\n    view.say('said [z]')"
    return [sys.executable, "-c", code]


@pytest.mark.parametrize("name", VIEWS)
def test_lines_where_there_is_no_terminal(name: str) -> None:
    made, used, _, line = VIEWS[name]
    done = subprocess.run(script(made, used), capture_output=True, text=True, check=True)
    first, _, second = done.stderr.rstrip("\n").rpartition("\n")
    assert second == "said [z]" and first.startswith(line) and (bool(first) == bool(line))
    assert not done.stdout


@pytest.mark.parametrize("name", VIEWS)
def test_something_live_on_a_terminal(name: str) -> None:
    made, used, shown, _ = VIEWS[name]
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "150"}
    process = subprocess.Popen(script(made, used), stderr=theirs, stdout=subprocess.PIPE, env=environment)
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 4096):
            text += part
    except OSError:  # the end, on Linux
        pass
    os.close(ours)
    assert process.communicate()[0] == b"" and process.returncode == 0
    assert shown in text.decode() and "said [z]" in text.decode()
    assert (b"\x1b[" in text) == (name != "batch, failed"), "what moves is drawn by control sequences, unless quiet"
