"""Shards: photos as JPEGs in WebDataset tar files, with DALI's index files and a manifest.

    SHARDS/gcolor-00000.tar    uncompressed USTAR, members <key>.jpg
    SHARDS/gcolor-00000.idx    DALI's index: "v1.2 <photos>", then per photo "jpg <offset> <bytes> <member>"
    SHARDS/gcolor-00000.json   what became of each photo of this shard, by which `gcolor prepare` goes on
    SHARDS/dropped.jsonl       every photo that was left out, and why
    SHARDS/manifest.json       options, ab histogram, sizes and hashes; written last, so only finished shards have one

The same photos and options give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color.errors import UsageError, one_line
from ...runtime.files import replace_file

KIND = "gcolor shards"
FORMAT = 1
MANIFEST = "manifest.json"
DROPPED = "dropped.jsonl"
NAME = re.compile(r"gcolor-(\d{5,})\.(tar|idx|json)")
INDEX_VERSION = "v1.2"


@dataclass(frozen=True, slots=True)
class ShardSet:
    """Finished shards, of one folder or of several."""

    folder: Path
    tars: list[Path]
    """In order."""
    indices: list[Path]
    """DALI's index file of each tar, in the same order."""
    counts: NDArray[np.int64]
    """Pixels in each ab bin over all photos [2, 32], counted on every second pixel of every second row."""
    photos: int
    options: dict[str, Any]
    """What `prepare` was called with."""
    digest: str
    """sha256 over the hashes of the shards: names the data in a run's description."""

    def locate(self) -> NDArray[np.int64]:
        """Where each JPEG lies [photos, 3]: number of its tar, byte offset in it, bytes. Read from the index files."""
        parts = [np.empty((0, 3), np.int64)]
        for number, index in enumerate(self.indices):
            places = read_index(index)
            parts.append(np.column_stack([np.full(len(places), number), places]))
        return np.concatenate(parts)

    def read(self, where: NDArray[np.int64]) -> bytes:
        """The JPEG at one of the places that `locate` gives [3]."""
        tar, offset, size = (int(v) for v in where)
        with self.tars[tar].open("rb") as file:
            file.seek(offset)
            return file.read(size)


def shard_path(folder: Path, number: int, suffix: str) -> Path:
    """The file of a shard; suffix: .tar, .idx or .json."""
    return folder / f"gcolor-{number:05d}{suffix}"


@dataclass(frozen=True, slots=True)
class Written:
    """A shard as it was written: photos in it, its size in bytes, its sha256."""

    photos: int
    bytes: int
    sha256: str


def write_shard(tar: Path, members: Iterable[tuple[str, bytes]]) -> Written:
    """Write a tar and its index from (key, JPEG) pairs, one in memory at a time; no files where there is no pair.

    A key holds no dot. Each file appears whole or not at all. Raises OSError.
    """
    members = iter(members)
    first = next(members, None)
    if first is None:
        tar.unlink(missing_ok=True)
        tar.with_suffix(".idx").unlink(missing_ok=True)
        return Written(0, 0, "")
    lines: list[str] = []
    hashes: list[str] = []

    def write(temporary: Path) -> None:
        with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as file:
            for key, data in chain([first], members):
                info = tarfile.TarInfo(f"{key}.jpg")  # owner, group and time are 0 unless they are set
                info.size = len(data)
                lines.append(f"jpg {file.offset + tarfile.BLOCKSIZE} {len(data)} {info.name}\n")
                file.addfile(info, io.BytesIO(data))
        hashes.append(_hash(temporary))

    replace_file(tar, write, durable=True)
    text = f"{INDEX_VERSION} {len(lines)}\n{''.join(lines)}"
    replace_file(tar.with_suffix(".idx"), lambda temporary: temporary.write_text(text), durable=True)
    return Written(len(lines), tar.stat().st_size, hashes[0])


def read_index(path: Path) -> NDArray[np.int64]:
    """Offset and size in bytes of each JPEG of a shard [photos, 2]. Raises UsageError where the index is damaged."""
    try:
        head, *lines = path.read_text().splitlines()
        version, photos = head.split()
        places = [(int(offset), int(size)) for _, offset, size, _ in map(str.split, lines)]
        if version != INDEX_VERSION or len(places) != int(photos):
            raise ValueError(f"{len(places)} photos where it begins with {head!r}")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a whole index ({one_line(error)}); {_AGAIN}") from error
    return np.array(places, np.int64).reshape(-1, 2)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of finished shards. Raises UsageError where there is none, or one of another kind or format."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{folder}: holds no finished shards (no {MANIFEST}); {_AGAIN}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({one_line(error)}); {_AGAIN}") from error
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise UsageError(f"{path}: not the manifest of shards that `gcolor prepare` made")
    if manifest.get("format") != FORMAT:
        raise UsageError(
            f"{path}: format {manifest.get('format')} is not known, this gcolor reads {FORMAT}; "
            "prepare the photos again, or update gcolor"
        )
    return manifest


def is_shards(folder: Path) -> bool:
    """Whether a folder is of `gcolor prepare`'s making, finished or not, whole or not."""
    if not folder.is_dir():
        return False
    try:
        read_manifest(folder)
    except UsageError:
        return any(NAME.fullmatch(path.name) for path in folder.iterdir())
    return True


def open_shards(folder: Path) -> ShardSet:
    """The shards of a folder, with all sizes and index files checked (hashes are for `verify`).

    Raises UsageError where they are not finished, of an unknown format, or a file is missing, cut short or damaged.
    """
    manifest = read_manifest(folder)
    try:
        shards = [(folder / s["name"], int(s["photos"]), int(s["bytes"])) for s in manifest["shards"]]
        counts = np.array(manifest["counts"], np.int64).reshape(2, 32)
        found = ShardSet(
            folder,
            [tar for tar, _, _ in shards],
            [tar.with_suffix(".idx") for tar, _, _ in shards],
            counts,
            sum(photos for _, photos, _ in shards),
            dict(manifest["options"]),
            str(manifest["digest"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{folder / MANIFEST}: damaged ({one_line(error)}); {_AGAIN}") from error
    for tar, photos, size in shards:
        if not tar.is_file():
            raise UsageError(f"{tar}: missing; {_AGAIN}")
        if (there := tar.stat().st_size) != size:
            what = "cut short" if there < size else "too long"
            raise UsageError(f"{tar}: {what} ({there} bytes of {size}); {_AGAIN}")
        index = tar.with_suffix(".idx")
        places = read_index(index)
        if len(places) != photos or places.sum(axis=1).max(initial=0) > size:
            raise UsageError(f"{index}: does not belong to its shard of {photos} photos; {_AGAIN}")
    return found


def verify(folder: Path) -> None:
    """Read every shard again. Raises UsageError as `open_shards` does, and where a hash is not the manifest's."""
    open_shards(folder)
    for shard in read_manifest(folder)["shards"]:
        tar = folder / shard["name"]
        if _hash(tar) != shard.get("sha256"):
            raise UsageError(f"{tar}: damaged (its sha256 is not the manifest's); remove it, then {_AGAIN}")


def merge(sets: list[ShardSet]) -> ShardSet:
    """At least one set of shards as one; of the options those remain on which all agree."""
    first = sets[0]
    if len(sets) == 1:
        return first
    return ShardSet(
        first.folder,
        [tar for s in sets for tar in s.tars],
        [index for s in sets for index in s.indices],
        np.sum([s.counts for s in sets], axis=0),
        sum(s.photos for s in sets),
        {k: v for k, v in first.options.items() if all(s.options.get(k) == v for s in sets)},
        digest([s.digest for s in sets]),
    )


def digest(hashes: list[str]) -> str:
    """One sha256 for several, in order."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_AGAIN = "run `gcolor prepare` again, it makes only what is missing"
