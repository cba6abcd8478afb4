"""Compile paint.c: for this machine, or for every platform at once.

    python -m gcolor.runtime.painting.build            # for this machine, by the ziglang package or a C compiler
    python -m gcolor.runtime.painting.build --all      # for all of PLATFORMS, by the ziglang package

On Linux and Windows the libraries want nothing but themselves: no C library, so that one is for glibc and musl alike,
whatever their version.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ...color.errors import EngineError
from ..files import TEMPORARY
from .kernel import FOLDER, Kernel, library_path, platform_name

SOURCE = Path(__file__).with_name("paint.c")
# Zig's names for the system and the least processor. On x86-64 each library holds a second form, for AVX2.
PLATFORMS = {
    "linux-x86_64": ("x86_64-linux-gnu.2.17", "x86_64"),
    "linux-arm64": ("aarch64-linux-gnu.2.17", "generic"),
    "macos-x86_64": ("x86_64-macos", "x86_64"),
    "macos-arm64": ("aarch64-macos", "apple_m1"),
    "windows-x86_64": ("x86_64-windows-gnu", "x86_64"),
    "windows-arm64": ("aarch64-windows-gnu", "generic"),
}
# Sums may be put in another order, and no number is NaN or infinite: without that the loops do not become vector code.
# Not -ffast-math: linking with it would switch denormals off for the whole process that loads the library.
COMPILE = shlex.split(
    "-O3 -std=c11 -fPIC -fvisibility=hidden -fno-stack-protector -fno-math-errno -fno-trapping-math -fno-signed-zeros "
    "-ffinite-math-only -fassociative-math -freciprocal-math -Wall -Wextra"
)
LINK = {"linux": ["-nostdlib"], "macos": [], "windows": ["-nostdlib", "-Wl,--no-entry"]}
ZIG = [sys.executable, "-m", "ziglang", "cc"]


def build(name: str, compiler: list[str]) -> Path:
    """Compile the library of a platform. Raises EngineError with what the compiler says."""
    target = library_path(name)
    FOLDER.mkdir(exist_ok=True)
    # Linkers for Windows leave more than the library behind.
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=TEMPORARY) as folder:
        made = Path(folder, target.name)
        link = ["-shared", "-s", *LINK.get(name.split("-")[0], [])]
        command = [*compiler, *COMPILE, *link, "-o", str(made), str(SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise EngineError(f"{shlex.join(command)}: {done.stderr.strip()[-2000:]}")
        os.replace(made, target)
    return target


def compiler_here() -> list[str]:
    """What compiles for this machine. Raises EngineError where nothing does."""
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    if importlib.util.find_spec("ziglang"):
        target, processor = PLATFORMS.get(platform_name(), ("native", "baseline"))
        return [*ZIG, "-target", target, f"-mcpu={processor}"]
    found = next(filter(shutil.which, ("cc", "gcc", "clang")), None)
    if found is None:
        raise EngineError("there is no C compiler; install one, or pip install ziglang, to have the painting kernel")
    return [found]


def main(arguments: list[str]) -> int:
    """Build, and say what was built; the exit code."""
    try:
        if arguments == ["--all"]:
            made = [build(name, [*ZIG, "-target", target, f"-mcpu={cpu}"]) for name, (target, cpu) in PLATFORMS.items()]
        else:
            made = [build(platform_name(), compiler_here())]
            Kernel(made[0])
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for path in made:
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
