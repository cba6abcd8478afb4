"""How long `gcolor --help` takes, and the first color picture from a cold start, as whole processes.

python benchmarks/start.py [--runs 7]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
from gcolor.runtime.machine import describe

PICTURE = Path(__file__).resolve().parents[1] / "examples" / "imgs" / "astronaut.jpg"


def seconds(command: list[str]) -> float:
    """Wall-clock seconds of a process that must succeed."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


@click.command()
@click.option("--runs", default=7, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(runs: int, as_json: bool) -> None:
    """Median and range, beside an empty Python process of the same machine, interleaved."""
    with tempfile.TemporaryDirectory() as out:
        gcolor = str(Path(sys.executable).with_name("gcolor"))
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "gcolor --help": [gcolor, "--help"],
            "first picture": [gcolor, "batch", str(PICTURE), "-o", out, "--if-exists", "overwrite"],
        }
        found: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                found[name].append(seconds(command))
    result = {
        name: {"median": round(float(np.median(v)), 3), "min": round(min(v), 3), "max": round(max(v), 3)}
        for name, v in found.items()
    }
    if as_json:
        click.echo(json.dumps({"machine": describe(), "seconds": result}))
        return
    click.echo(describe())
    for name, figures in result.items():
        click.echo(f"{name}: {figures['median']} s (min {figures['min']}, max {figures['max']})")


if __name__ == "__main__":
    main()
