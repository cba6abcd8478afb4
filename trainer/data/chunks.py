"""The unit of work of `gcolor prepare`: a chunk of the photos, which becomes one shard with its record."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...color import bins
from ...color.errors import PictureError, UsageError, one_line
from ...runtime.files import save_json, show, storage_error
from ...runtime.pictures import MAX_PIXELS, read_picture
from . import photos, pool
from .shards import FORMAT, read_index, shard_path, write_shard


@dataclass(kw_only=True, frozen=True, slots=True)
class PrepareOptions:
    """How photos are chosen and stored. Other options make other shards."""

    size: int = 256
    """Short side in pixels; smaller photos stay as they are."""
    stretch: bool = False
    """Store size x size, whatever the photo's aspect (the paper's way)."""
    max_grey: float = 0.7
    """Photos are dropped where at least this share of the pixels is near-grey; 1 keeps all."""
    quality: int = 95
    """Of the JPEGs, which keep the full chroma resolution."""
    max_pixels: int = MAX_PIXELS
    """Photos with more pixels are dropped."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The photos of one shard: (name, path) in order."""

    number: int
    out: Path
    photos: list[tuple[str, Path]]
    options: PrepareOptions
    fingerprint: str
    """sha256 over the options and the names, sizes and times of the photos."""

    def path(self, suffix: str) -> Path:
        return shard_path(self.out, self.number, suffix)


def make_shard(chunk: Chunk) -> int:
    """Write one shard and its record, one photo in memory at a time; returns how many photos it looked at."""
    counts = np.zeros((2, bins.COUNT), np.int64)
    kept: list[str] = []
    dropped: list[dict[str, Any]] = []
    options = chunk.options

    def members() -> Iterator[tuple[str, bytes]]:
        for name, path in chunk.photos:
            pool.check()
            try:
                rgb = read_picture(path, options.max_pixels).rgb
            except Exception as error:  # a decoder may raise anything; one file never stops the others
                detail = str(error) if isinstance(error, PictureError) else f"cannot be read ({one_line(error)})"
                dropped.append({"photo": show(name), "reason": "unreadable", "detail": detail})
                continue
            height, width = rgb.shape[:2]
            if min(height, width) < photos.SMALLEST:
                dropped.append({"photo": show(name), "reason": "too-small", "detail": f"{width} x {height}"})
                continue
            photo = photos.fit(rgb, options.size, options.stretch)
            index = photos.ab_bins(photo)
            share = photos.grey_share(index)
            if share >= options.max_grey and options.max_grey < 1.0:
                dropped.append({"photo": show(name), "reason": "near-grey", "share": round(share, 4)})
                continue
            counts[:] += photos.count_bins(index)
            kept.append(show(name))
            yield photo_key(name), photos.encode(photo, options.quality)

    record = chunk.path(".json")
    try:
        # Gone first, so that it never vouches for files that other options made.
        record.unlink(missing_ok=True)
        written = asdict(write_shard(chunk.path(".tar"), members()))
        written |= {"fingerprint": chunk.fingerprint, "counts": counts.tolist(), "kept": kept, "dropped": dropped}
        save_json(written, record)
    except OSError as error:
        advice = "put that right, then the same call goes on from here"
        raise storage_error(error, record.with_suffix(".tar"), advice) from error
    return len(chunk.photos)


def is_current(chunk: Chunk) -> bool:
    """Whether an earlier call made the shard from the same photos and options, and its files are still there."""
    try:
        record = read_record(chunk)
        if record["fingerprint"] != chunk.fingerprint:
            return False
        if not record["photos"]:
            return True
        whole = chunk.path(".tar").stat().st_size == record["bytes"]
        return whole and len(read_index(chunk.path(".idx"))) == record["photos"]
    except (OSError, ValueError, KeyError, TypeError, UsageError):
        return False


def read_record(chunk: Chunk) -> dict[str, Any]:
    """What `make_shard` wrote of a chunk. Raises OSError or ValueError."""
    record: dict[str, Any] = json.loads(chunk.path(".json").read_text(encoding="utf-8"))
    return record


def photo_key(name: str) -> str:
    """A photo's key in its shard; the order of all photos, too."""
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:32]


def fingerprint(part: list[tuple[str, Path]], options: PrepareOptions) -> str:
    """What `Chunk.fingerprint` holds."""
    found = hashlib.sha256(json.dumps([FORMAT, asdict(options)], sort_keys=True).encode())
    for name, path in part:
        try:
            state = path.stat()
            found.update(f"{photo_key(name)} {state.st_size} {state.st_mtime_ns}\n".encode())
        except OSError:
            found.update(f"{photo_key(name)} unreadable\n".encode())
    return found.hexdigest()
