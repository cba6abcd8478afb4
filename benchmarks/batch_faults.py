"""What `kill -9` does to `gcolor batch`: killed at random moments and run again, it must lose and tear nothing.

python benchmarks/batch_faults.py [--rounds 50] [--pictures 24] [--seed N]

A batch is killed, run again, killed again; whenever it gets to its end, other hints are put in the place of the hints,
so that outputs which exist are replaced, too. After each kill, every output must be what an undisturbed run wrote, of
the old hints or of the new ones; at the end all must be of the last, and no temporary file may be left.
"""

from __future__ import annotations

import json
import random
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from gcolor.runtime.batch.journal import NAME
from gcolor.runtime.files import TEMPORARY
from gcolor.runtime.machine import describe
from PIL import Image

ENDINGS = (".jpg", ".png", ".webp", ".bmp", ".tif")


@dataclass(slots=True)
class Tally:
    """What happened. lost: outputs that are not there, or not of the last hints, after the last run; torn: outputs that
    were not what any undisturbed run wrote, journals with a damaged line; left_over: temporary files after it."""

    faults: int = 0
    runs: int = 0
    pictures: int = 0
    killed_with_work_done: int = 0
    lost: int = 0
    torn: int = 0
    left_over: int = 0


class Arena:
    """Pictures, two sets of hints, what undisturbed runs make of them, and the output folder that is tormented."""

    def __init__(self, root: Path, pictures: int, jobs: int) -> None:
        self.root, self.jobs, self.out = root, jobs, root / "out"
        (root / "imgs" / "sub").mkdir(parents=True)
        self.names = []
        rng = np.random.default_rng(0)
        for number in range(pictures):
            name = f"{'sub/' if number % 3 == 0 else ''}p{number:03d}{ENDINGS[number % len(ENDINGS)]}"
            coarse = Image.fromarray(rng.integers(0, 256, (6, 8), np.uint8))
            coarse.resize((96, 72), Image.Resampling.BICUBIC).save(root / "imgs" / name)
            self.names.append(name)
        self.wanted = []
        for which, color in enumerate(("#c03028", "#2860c0")):
            for name in self.names[which:]:
                hint = root / f"hints{which}" / f"{name}.json"
                hint.parent.mkdir(parents=True, exist_ok=True)
                hint.write_text(json.dumps({"version": 1, "points": [{"x": 40, "y": 30, "color": color}]}))
            begun = time.monotonic()
            process = self.start(which, root / f"wanted{which}")
            _, said = process.communicate()
            if process.returncode:
                raise SystemExit(f"error: an undisturbed run ended with {process.returncode}: {said}")
            self.seconds = time.monotonic() - begun
            self.wanted.append({name: (root / f"wanted{which}" / name).read_bytes() for name in self.names})

    def start(self, which: int, out: Path | None = None) -> subprocess.Popen[str]:
        """The real command, on one of the two sets of hints."""
        command = [sys.executable, "-m", "gcolor", "batch", str(self.root / "imgs"), "-o", str(out or self.out)]
        command += ["--hints", str(self.root / f"hints{which}"), "--jobs", str(self.jobs)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def made(self) -> Iterator[tuple[str, bytes]]:
        """The outputs that are there."""
        for name in self.names:
            if (self.out / name).exists():
                yield name, (self.out / name).read_bytes()

    def torn(self) -> int:
        """Outputs that nobody wanted, and a journal that is torn elsewhere than at its end."""
        bad = sum(all(data != wanted[name] for wanted in self.wanted) for name, data in self.made())
        if (self.out / NAME).exists():
            whole = (self.out / NAME).read_bytes().split(b"\n")[:-1]
            bad += any(not _is_json(line) for line in whole)
        return bad


def kill_at_random(process: subprocess.Popen[str], rng: random.Random, pictures: int, seconds: float) -> int:
    """Kill a run in its start or after some pictures; returns how many it had said were made. It may end before."""
    said = 0
    after = rng.randrange(pictures) if rng.random() < 0.8 else 0
    assert process.stderr
    if after:
        for line in process.stderr:
            said += line.startswith("[")
            if said >= after:
                break
        time.sleep(rng.uniform(0, 0.05))
    else:
        time.sleep(rng.uniform(0, seconds))
    process.kill()
    rest = threading.Thread(target=process.stderr.read)  # so that a full pipe holds nothing up
    rest.start()
    process.wait()
    rest.join()
    process.stderr.close()
    return said


def torment(arena: Arena, rounds: int, rng: random.Random, say: bool) -> Tally:
    """Kill and run again until so many runs were killed, then let one come to its end."""
    tally, which = Tally(), 0
    while tally.faults < rounds:
        process = arena.start(which)
        said = kill_at_random(process, rng, len(arena.names), arena.seconds)
        tally.runs += 1
        tally.pictures += said
        tally.torn += arena.torn()
        if process.returncode == -9:
            tally.faults += 1
            tally.killed_with_work_done += said > 0
        elif process.returncode == 0:
            tally.lost += _missing(arena, which)
            which = 1 - which
        else:
            raise SystemExit(f"error: a rerun ended with {process.returncode}")
        if say:
            click.echo(f"\r{tally.faults} of {rounds} faults, {tally.lost} lost, {tally.torn} torn", nl=False, err=True)
    process = arena.start(which)
    _, text = process.communicate()
    if process.returncode:
        raise SystemExit(f"error: the last run ended with {process.returncode}: {text}")
    tally.runs += 1
    tally.torn += arena.torn()
    tally.lost += _missing(arena, which)
    tally.left_over = len(list(arena.out.rglob(f"{TEMPORARY}*")))
    if say:
        click.echo("", err=True)
    return tally


def _missing(arena: Arena, which: int) -> int:
    found = dict(arena.made())
    return sum(found.get(name) != data for name, data in arena.wanted[which].items())


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


@click.command()
@click.option("--rounds", default=50, show_default=True, help="Runs to kill.")
@click.option("--pictures", default=24, show_default=True, help="Pictures of the batch.")
@click.option("--jobs", default=2, show_default=True, help="As in gcolor batch.")
@click.option("--seed", type=int, help="Of the moments. [default: another one each time]")
@click.option("--json", "as_json", is_flag=True)
def main(rounds: int, pictures: int, jobs: int, seed: int | None, as_json: bool) -> None:
    """Pictures tried, faults injected, pictures lost (must be 0), files torn (must be 0)."""
    seed = secrets.randbelow(2**31) if seed is None else seed
    click.echo(f"seed {seed}", err=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        tally = torment(
            Arena(Path(name), pictures, jobs), rounds, random.Random(seed), not as_json and sys.stderr.isatty()
        )
    result = {"machine": describe(), "seed": seed, "seconds": round(time.monotonic() - begun, 1), **asdict(tally)}
    click.echo(json.dumps(result) if as_json else "\n".join(f"{k}: {v}" for k, v in result.items()))
    if tally.lost or tally.torn or tally.left_over:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
