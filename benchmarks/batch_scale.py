"""How `gcolor batch` grows with its folder: seconds and memory of looking, checking and working, as whole processes.

python benchmarks/batch_scale.py [--counts 1000,10000,100000] [--work 200]

Each picture has a hint file, 1000 to a folder. Their outputs are not painted: the journal gets the lines that painting
would have written, so that a hundred thousand take a minute.

new        `--dry-run` where nothing was made yet
current    a rerun after one hint was edited, with nothing painted (`--dry-run`)
idle       a rerun with nothing to do
work       a rerun that paints some pictures whose outputs were removed; the rest is current
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from gcolor.runtime.batch.entries import Entry, Recipe
from gcolor.runtime.batch.fingerprint import take
from gcolor.runtime.batch.journal import Journal
from gcolor.runtime.batch.options import Settings
from gcolor.runtime.batch.planning.job import Job
from gcolor.runtime.batch.planning.plan import find_jobs
from gcolor.runtime.files import RECENT_NS
from gcolor.runtime.machine import describe
from gcolor.runtime.manifest import read_manifest
from PIL import Image

HINT = '{"version": 1, "points": [{"x": 30, "y": 20, "color": "#c03028"}]}'
KINDS = ("new", "current", "idle", "work")
# A run of the command in a process of its own that says at its end what it took.
RUN = """
import json, sys, time
begun = time.perf_counter()
from gcolor.cli.main import run
from gcolor.runtime.machine import peak_memory_mb
code = run(sys.argv[1:])
print("took " + json.dumps([code, time.perf_counter() - begun, time.process_time(), peak_memory_mb()]), file=sys.stderr)
"""


def fill(root: Path, count: int) -> list[Job]:
    """Pictures, hints, outputs."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8)).save(root / "one.jpg")
    data = (root / "one.jpg").read_bytes()
    for number in range(count):
        folder, name = f"{number // 1000:03d}", f"{number:06d}"
        if number % 1000 == 0:
            for kind in ("imgs", "hints", "out"):
                (root / kind / folder).mkdir(parents=True)
        (root / "imgs" / folder / f"{name}.jpg").write_bytes(data)
        (root / "out" / folder / f"{name}.jpg").write_bytes(data)
        (root / "hints" / folder / f"{name}.json").write_text(HINT)
    return find_jobs(root / "imgs", root / "hints", root / "out").jobs


def write_journal(jobs: list[Job]) -> None:
    """The lines that painting the pictures would have written."""
    recipe = Recipe(read_manifest().fingerprint, Settings().shaping(".jpg"), "none")
    time.sleep(RECENT_NS / 1e9)
    with Journal.open(Path(jobs[0].roots.output)) as journal:
        for job in jobs:
            output = take(job.output)._replace(changed=0)
            journal.record(job.made, Entry(take(job.source), (take(job.hint_files[0]),), output, recipe))


def gcolor(root: Path, *options: str, expect: str) -> dict[str, float]:
    """Seconds of the whole process, of its processors, and its peak memory in MB."""
    folders = [str(root / "imgs"), "--hints", str(root / "hints"), "-o", str(root / "out")]
    arguments = ["batch", *folders, "--quiet", *options]
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True)
    *said, took = done.stderr.splitlines()
    if expect not in said[-1]:
        raise SystemExit(f"error: expected {expect!r}, gcolor said {said[-1]!r}")
    code, seconds, cpu, peak = json.loads(took.removeprefix("took "))
    assert code == 0, done.stderr
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak}


def measure(count: int, work: int) -> dict[str, Any]:
    """All rows of one folder."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        jobs = fill(root, count)
        journal = root / "out" / ".gcolor.journal"
        outputs = (root / "out").rename(root / "aside")
        row: dict[str, Any] = {"pictures": count, "new": gcolor(root, "--dry-run", expect=f"{count} to color")}
        outputs.rename(root / "out")
        write_journal(jobs)
        row["journal_mb"] = journal.stat().st_size / 1e6
        row["idle"] = gcolor(root, expect=f"0 colored, {count} current")
        jobs[count // 2].hints[0].write_text(HINT.replace("c03028", "2860c0"))
        row["current"] = gcolor(root, "--dry-run", expect=f"1 to color, {count - 1} current")
        for job in jobs[:work]:
            job.output.unlink()
        row["work"] = gcolor(root, expect=f"{work + 1} colored, {count - work - 1} current")
    return row


@click.command()
@click.option("--counts", default="1000,10000,100000", show_default=True, help="Pictures of each folder.")
@click.option("--work", default=200, show_default=True, help="Pictures to paint in each.")
@click.option("--json", "as_json", is_flag=True)
def main(counts: str, work: int, as_json: bool) -> None:
    """Seconds and peak memory by the number of pictures; what one more picture costs."""
    rows = [measure(int(count), work) for count in counts.split(",")]
    result: dict[str, Any] = {"machine": describe(), "rows": rows, "per_picture": {}}
    first, last = rows[0], rows[-1]
    more = last["pictures"] - first["pictures"]
    for kind in KINDS[:3] if more else ():
        result["per_picture"][kind] = {
            "microseconds": 1e6 * (last[kind]["seconds"] - first[kind]["seconds"]) / more,
            "pictures_per_second": more / (last[kind]["seconds"] - first[kind]["seconds"]),
            "pictures_per_cpu_second": more / (last[kind]["cpu_seconds"] - first[kind]["cpu_seconds"]),
            "bytes": 1e6 * (last[kind]["peak_mb"] - first[kind]["peak_mb"]) / more,
        }
    if as_json:
        click.echo(json.dumps(result))
        return
    click.echo(", ".join(f"{k} {v}" for k, v in result["machine"].items()))
    click.echo(f"{'pictures':>9} {'journal':>9}" + "".join(f"{kind:>18}" for kind in KINDS))
    for row in rows:
        cells = (f"{row[kind]['seconds']:.2f} s {row[kind]['peak_mb']:.0f} MB" for kind in KINDS)
        click.echo(f"{row['pictures']:>9} {row['journal_mb']:>6.1f} MB" + "".join(f"{cell:>18}" for cell in cells))
    for kind, one in result["per_picture"].items():
        click.echo(
            f"{kind}: one more picture costs {one['microseconds']:.0f} us and {one['bytes']:.0f} bytes "
            f"({one['pictures_per_second']:.0f} pictures/s, {one['pictures_per_cpu_second']:.0f} per processor second)"
        )


if __name__ == "__main__":
    main()
