"""Whole processes of `gcolor batch`, from cold: CPU seconds and peak memory, of this checkout and of others in turns.

    python benchmarks/whole.py [PHOTOS] [--sizes 0.3,12] [--large 100] [--against FOLDER]... [--runs 5] [--json]

FOLDER/gcolor is another checkout, with its kernel. Gray pictures: JPEGs of `--sizes` megapixels, and of `--large` a
JPEG, a TIFF of 8 bits and one of 16, whose low byte is noise as scanners leave it. "same" is whether both outputs are,
byte for byte. CPU is the median of the runs, user and system together; large pictures are run once.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import gcolor
import numpy as np
from gcolor.runtime.machine import describe
from gcolor.runtime.pictures import read_picture
from peers.files import make_files
from PIL import Image
from rich.console import Console
from rich.table import Table

HERE = Path(gcolor.__file__).parent
# Runs that are not counted: compiled modules are written, and from the second opening of a bundle its graph is kept.
WARM = 2
# A process counts as its own what the one had that forked it, and this one makes large pictures: a small one forks.
LAUNCHER = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


def run(package: Path, source: Path, folder: Path) -> tuple[float, float, str]:
    """CPU seconds, peak MB and the hash of the output of one process; `package` is the folder that holds gcolor."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        out = Path(name, "out" + source.suffix)
        command = [sys.executable, "-m", "gcolor", "batch", str(source), "-o", str(out), "--quiet"]
        launched = [sys.executable, "-c", LAUNCHER, *command, "--max-pixels", "1000000000"]
        done = subprocess.run(launched, cwd=package, capture_output=True, text=True, check=True)
        code, seconds, peak = json.loads(done.stdout)
        if code:
            raise SystemExit(f"error: {package}: exit code {code} on {source.name}")
        digest = hashlib.blake2b(out.read_bytes()).hexdigest()
    return seconds, peak / (2**20 if sys.platform == "darwin" else 2**10), digest


def make_large(photos: Path | None, megapixels: float, folder: Path) -> dict[str, Path]:
    """A JPEG of that size and the same as TIFF of 8 and of 16 bits."""
    (jpeg,) = make_files(photos, [megapixels], 1, True, folder)[f"{megapixels:g} MP"]
    gray = read_picture(jpeg, max_pixels=10**9).pixels
    found = {f"{megapixels:g} MP, JPEG": jpeg}
    Image.fromarray(gray).save(folder / "8.tif", compression="tiff_lzw")
    low = np.random.default_rng(0).integers(0, 256, gray.shape, np.uint8)
    Image.fromarray((gray.astype(np.uint16) << 8) + low).save(folder / "16.tif")
    return found | {f"{megapixels:g} MP, TIFF, {bits} bits": folder / f"{bits}.tif" for bits in (8, 16)}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("photos", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--sizes", default="0.3,12", show_default=True, help="Megapixels of JPEGs.")
@click.option("--large", type=float, default=100.0, show_default=True, help="Megapixels; 0: none.")
@click.option("--against", type=click.Path(path_type=Path, exists=True), multiple=True)
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def command(photos: Path | None, sizes: str, large: float, against: tuple[Path, ...], runs: int, as_json: bool) -> None:
    """CPU seconds and peak memory of `gcolor batch` on one picture, the start of the process included."""
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "here").mkdir()
        (work / "here" / "gcolor").symlink_to(HERE)
        packages = {"here": work / "here"} | {str(folder): folder for folder in against}
        small = make_files(photos, list(map(float, sizes.split(","))), 1, True, work)
        pictures = {f"{size}, JPEG": (paths[0], runs) for size, paths in small.items()}
        if large:
            pictures |= {size: (path, 1) for size, path in make_large(photos, large, work).items()}
        first = next(iter(pictures.values()))[0]
        for folder in packages.values():
            for _ in range(WARM):
                run(folder, first, work)
        for size, (path, count) in pictures.items():
            turns = [(package, run(folder, path, work)) for _ in range(count) for package, folder in packages.items()]
            found = {package: [used for of, used in turns if of == package] for package in packages}
            rows[size] = {
                package: {"cpu_s": statistics.median(r[0] for r in each), "peak_mb": max(r[1] for r in each)}
                for package, each in found.items()
            }
            rows[size]["same"] = len({digest for each in found.values() for _, _, digest in each}) == 1
    if as_json:
        click.echo(json.dumps({"machine": describe(), "rows": rows}, indent=2))
        return
    table = Table("", *(f"{package}: CPU s, MB" for package in packages), "same")
    for size, row in rows.items():
        figures = (f"{row[package]['cpu_s']:.2f}, {row[package]['peak_mb']:.0f}" for package in packages)
        table.add_row(size, *figures, "yes" if row["same"] else "no")
    Console().print(table)
    click.echo(", ".join(f"{key} {value}" for key, value in describe().items()))


if __name__ == "__main__":
    command()
