"""Photos to shards: checked, filtered, made small, counted and packed; in parallel, and going on where it stopped.

The photos, ordered by a hash of their names and so shuffled, are cut into chunks. A chunk is the unit of work: one
shard, written whole or not at all, with a record (.json) of what it was made from, by which a rerun knows it again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ...color import bins
from ...color.errors import NothingToDoError, UsageError
from ...runtime.files import TEMPORARY, check_writable, replace_file, save_json, show, sweep
from ...runtime.machine import cores
from ...runtime.pictures import find_pictures
from . import pool
from .chunks import Chunk, PrepareOptions, fingerprint, is_current, make_shard, photo_key, read_record
from .shards import DROPPED, FORMAT, KIND, MANIFEST, NAME, ShardSet, digest, is_shards, open_shards

__all__ = ["PrepareOptions", "plan", "prepare", "summary"]

# Photos per shard: a 64th of all, so that many processes share the work, within these bounds.
SHARDS, FEWEST, MOST = 64, 64, 1000


def prepare(
    folders: list[Path],
    out: Path,
    options: PrepareOptions,
    *,
    jobs: int = 0,
    progress: Callable[[int, int], None] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> ShardSet:
    """Make shards of all photos below the folders; what an earlier, maybe killed, call left is kept where it fits.

    jobs: processes, 0 for one per core. progress: called with the photos done and all photos. report: takes lines.
    Raises NothingToDoError (no photo found, or none left by the filters), UsageError (missing or nested folders,
    `out` holds other files), GcolorError (the disk is full, a process died).
    """
    chunks = plan(folders, out, options)
    _claim(out)
    todo = [chunk for chunk in chunks if not is_current(chunk)]
    stale = [p for p in out.iterdir() if (m := NAME.fullmatch(p.name)) and int(m[1]) >= len(chunks)]
    if todo or stale:
        (out / MANIFEST).unlink(missing_ok=True)
    for path in stale:
        path.unlink()
    total = sum(len(chunk.photos) for chunk in chunks)
    done = total - sum(len(chunk.photos) for chunk in todo)
    if done:
        report(f"{done} of {total} photos were prepared by an earlier call")
    if todo:
        with closing(pool.run_all(make_shard, todo, min(jobs or cores(), len(todo)))) as results:
            for count in results:
                done += count
                if progress:
                    progress(done, total)
    manifest = _finish(chunks)
    report(f"{summary(manifest)}: {show(out)}{_kept_by(manifest)}")
    if not manifest["photos"]:
        raise NothingToDoError(f"none of {total} photos is left; {_advice(manifest, options)}")
    save_json(manifest, out / MANIFEST)
    return open_shards(out)


def plan(folders: list[Path], out: Path, options: PrepareOptions) -> list[Chunk]:
    """The photos below the folders in chunks. Names are relative to the folder, with its number before when several."""
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{show(folder)}: no such folder")
    for one, other in combinations([folder.resolve() for folder in folders], 2):
        if one == other or one in other.parents or other in one.parents:
            raise UsageError(f"{show(one)} and {show(other)}: photos of both would be taken twice; give one of them")
    found = []
    for number, folder in enumerate(folders):
        prefix = f"{number}/" if len(folders) > 1 else ""
        found += [(prefix + path.relative_to(folder).as_posix(), path) for path in find_pictures(folder)]
    if not found:
        raise NothingToDoError(f"no photo found in {', '.join(map(show, folders))}")
    found.sort(key=lambda photo: photo_key(photo[0]))
    size = min(max(-(-len(found) // SHARDS), FEWEST), MOST)
    parts = [found[start : start + size] for start in range(0, len(found), size)]
    return [Chunk(number, out, part, options, fingerprint(part, options)) for number, part in enumerate(parts)]


def summary(manifest: dict[str, Any]) -> str:
    """What a manifest counts, in one line."""
    why = ", ".join(f"{count} {reason}" for reason, count in manifest["dropped"].items())
    dropped = f"{manifest['found'] - manifest['photos']} dropped" + (f" ({why})" if why else "")
    size = sum(shard["bytes"] for shard in manifest["shards"]) / 1e9
    return f"{manifest['photos']} photos kept, {dropped}, {len(manifest['shards'])} shards of {size:.2f} GB"


def _kept_by(manifest: dict[str, Any]) -> str:
    """How to keep what was dropped for want of color."""
    grey = manifest["dropped"].get("near-grey")
    return f"; --max-grey 1 keeps the {grey} near-grey, too" if grey else ""


def _advice(manifest: dict[str, Any], options: PrepareOptions) -> str:
    if "near-grey" in manifest["dropped"]:
        grey = manifest["dropped"]["near-grey"]
        return f"{grey} are near-grey: raise --max-grey above {options.max_grey:g} (1 keeps all)"
    return f"{DROPPED} in the output says why"


def _claim(out: Path) -> None:
    """Make the output folder and sweep what a killed call left. Raises UsageError where it holds files not ours."""
    if out.is_dir():
        ours = {MANIFEST, DROPPED} if is_shards(out) else set()
        for path in sorted(out.iterdir()):
            if not (NAME.fullmatch(path.name) or path.name.startswith(TEMPORARY) or path.name in ours):
                raise UsageError(
                    f"{show(out)}: holds something else ({show(path.name)}); give shards a folder of their own"
                )
    check_writable(out)
    sweep(out)


def _finish(chunks: list[Chunk]) -> dict[str, Any]:
    """Write the list of what was dropped; returns the manifest."""
    counts = np.zeros((2, bins.COUNT), np.int64)
    reasons: Counter[str] = Counter()
    entries = []

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8") as file:
            for chunk in chunks:
                record = read_record(chunk)
                counts[:] += np.array(record["counts"])
                for drop in record["dropped"]:
                    reasons[drop["reason"]] += 1
                    file.write(json.dumps(drop, ensure_ascii=False) + "\n")
                if record["photos"]:
                    names = {"name": chunk.path(".tar").name}
                    entries.append(names | {k: record[k] for k in ("photos", "bytes", "sha256")})

    replace_file(chunks[0].out / DROPPED, write, durable=True)
    return {
        "kind": KIND,
        "format": FORMAT,
        "options": asdict(chunks[0].options),
        "found": sum(len(chunk.photos) for chunk in chunks),
        "photos": sum(entry["photos"] for entry in entries),
        "dropped": dict(sorted(reasons.items())),
        "counts": counts.tolist(),
        "digest": digest([entry["sha256"] for entry in entries]),
        "shards": entries,
    }
