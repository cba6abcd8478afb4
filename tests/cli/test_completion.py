"""What a shell is offered, as README sets it up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINES = {
    "bash": """
eval "$(_GCOLOR_COMPLETE=bash_source gcolor)"
compopt() { :; }
COMP_WORDS=(gcolor batch --if-exists s); COMP_CWORD=3
_gcolor_completion gcolor; echo "${COMPREPLY[@]}"
COMP_WORDS=(gcolor ba); COMP_CWORD=1
_gcolor_completion gcolor; echo "${COMPREPLY[@]}"
""",
    "zsh": """
autoload -U compinit; compinit -u -D
eval "$(_GCOLOR_COMPLETE=zsh_source gcolor)"
test $_comps[gcolor] = _gcolor_completion || exit 1
COMP_WORDS="gcolor batch --if-exists s" COMP_CWORD=3 _GCOLOR_COMPLETE=zsh_complete gcolor
COMP_WORDS="gcolor ba" COMP_CWORD=1 _GCOLOR_COMPLETE=zsh_complete gcolor
""",
    "fish": """
_GCOLOR_COMPLETE=fish_source gcolor | source
complete -C "gcolor batch --if-exists s"
complete -C "gcolor ba"
complete -C "gcolor batch pho"
""",
}


@pytest.mark.parametrize("shell", LINES)
def test_a_shell_completes(tmp_path: Path, shell: str) -> None:
    path = shutil.which(shell)
    if not path:
        pytest.skip(f"{shell} is not installed")
    tool = tmp_path / "bin" / "gcolor"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gcolor "$@"\n')
    tool.chmod(0o755)
    (tmp_path / "photo.jpg").touch()
    env = {**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        [path, "-c", LINES[shell]], capture_output=True, text=True, timeout=120, cwd=tmp_path, env=env
    )
    words = done.stdout.split()
    assert "skip" in words and "batch" in words and "overwrite" not in words, done.stderr
    assert shell != "fish" or "photo.jpg" in words
