"""Peak memory of `gcolor batch` over many small and some large pictures, bad files among them; nothing may be lost.

python benchmarks/batch_memory.py [--small 1000] [--large 10] [--jobs N]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
from gcolor.runtime.machine import describe
from PIL import Image


def fill(folder: Path, small: int, large: int) -> int:
    """Write the pictures and three bad files; returns how many pictures are good."""
    rng = np.random.default_rng(0)
    for i in range(small):
        coarse = rng.integers(0, 256, (12, 16), np.uint8)
        Image.fromarray(coarse).resize((384, 288), Image.Resampling.BICUBIC).save(
            folder / f"small{i:05d}.jpg", quality=88
        )
    for i in range(large):
        coarse = rng.integers(0, 256, (300, 450), np.uint8)
        Image.fromarray(coarse).resize((6000, 4000), Image.Resampling.BICUBIC).save(
            folder / f"large{i:03d}.jpg", quality=90
        )
    data = (folder / "small00000.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (folder / "text.jpg").write_text("not a picture")
    Image.new("L", (20_000, 20_000)).save(folder / "bomb.png")
    return small + large


@click.command()
@click.option("--small", default=1000, show_default=True, help="Pictures of 384 x 288.")
@click.option("--large", default=10, show_default=True, help="Pictures of 6000 x 4000.")
@click.option("--jobs", type=int, help="As in gcolor batch.")
@click.option("--json", "as_json", is_flag=True)
def main(small: int, large: int, jobs: int | None, as_json: bool) -> None:
    """Peak resident memory, seconds, pictures lost (must be 0)."""
    with tempfile.TemporaryDirectory() as name:
        images, out = Path(name, "imgs"), Path(name, "out")
        images.mkdir()
        good = fill(images, small, large)
        command = [sys.executable, "-m", "gcolor", "batch", str(images), "-o", str(out), "--quiet"]
        begun = time.monotonic()
        done = subprocess.run([*command, *(["--jobs", str(jobs)] if jobs else [])], capture_output=True, text=True)
        seconds = time.monotonic() - begun
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
        made = len([path for path in out.iterdir() if not path.name.startswith(".")])
    result = {
        "machine": describe(),
        "pictures": good,
        "lost": good - made,
        "exit_code": done.returncode,
        "errors": [line for line in done.stderr.splitlines() if line.startswith("error:")],
        "peak_memory_mb": round(peak, 1),
        "seconds": round(seconds, 1),
    }
    click.echo(json.dumps(result) if as_json else "\n".join(f"{k}: {v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
