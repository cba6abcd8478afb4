"""Folders on any file system that fsspec or pyarrow knows: s3://, gs://, abfs://, hdfs://, file:// and many more."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ...color.errors import EngineError, UsageError, one_line
from ..files import TEMPORARY
from .fingerprint import Fingerprint

# Where an object appears whole or not at all by itself; elsewhere it is written beside its place and renamed.
OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "tos", "r2", "memory"}


def is_url(place: object) -> bool:
    """Whether this is no path of the local machine."""
    return "://" in str(place)


class Stat(NamedTuple):
    """What a listing says of a file, under the names of `os.stat`: size, and one number for its version (times are
    that where the file system has them, a hash of the entity tag where it has that)."""

    st_size: int
    st_mtime_ns: int

    @property
    def st_ctime_ns(self) -> int:
        return self.st_mtime_ns

    def fingerprint(self, digest: str) -> Fingerprint:
        return Fingerprint(self.st_size, self.st_mtime_ns, self.st_mtime_ns, digest)


@functools.lru_cache(maxsize=16)
def open_place(url: str) -> Place:
    """The place of a URL, opened once in a process."""
    return Place(url)


class Place:
    """A folder. Names are relative to it, with forward slashes.

    Raises EngineError where what the URL needs is not installed, UsageError where it is no URL that can be used. All
    methods raise OSError.
    """

    def __init__(self, url: str) -> None:
        if importlib.util.find_spec("fsspec") is None:
            raise EngineError(f"{url}: fsspec is not installed; pip install 'gcolor[ray]'")
        import fsspec

        self.url = url.rstrip("/")
        try:
            try:
                self._fs, self._root = fsspec.core.url_to_fs(self.url)
            except ImportError as missing:
                # As for s3, which pyarrow has without more.
                self._fs, self._root = _by_pyarrow(self.url, missing)
        except (ValueError, OSError) as error:
            raise UsageError(f"{url}: is no place that can be used ({one_line(error)})") from error
        protocols = self._fs.protocol if isinstance(self._fs.protocol, tuple) else (self._fs.protocol,)
        self._whole = bool({*protocols, url.partition("://")[0]} & OBJECT_STORES)

    def list(self) -> dict[str, Stat]:
        """Every file below, by one listing; none where there is no such folder."""
        self._fs.invalidate_cache()
        start = len(self._root.rstrip("/")) + 1
        found = self._fs.find(self._root, detail=True)
        return {path[start:]: _stat(about) for path, about in found.items()}

    def read(self, name: str) -> bytes | None:
        """What a file holds; None where there is none."""
        try:
            data: bytes = self._fs.cat_file(self._path(name))
        except FileNotFoundError:
            return None
        return data

    def fetch(self, name: str, to: Path) -> None:
        """Copy a file to the local machine."""
        if self._whole:
            to.write_bytes(self._fs.cat_file(self._path(name)))  # fewer requests than get_file
        else:
            self._fs.get_file(self._path(name), str(to))

    def store(self, source: Path, name: str) -> Stat:
        """Copy a file from the local machine; it appears whole or not at all."""
        path = self._path(name)
        if self._whole:
            self._fs.pipe_file(path, source.read_bytes())
        else:
            folder, _, last = path.rpartition("/")
            self._fs.makedirs(folder, exist_ok=True)
            temporary = f"{folder}/{TEMPORARY}{uuid.uuid4().hex}{os.path.splitext(last)[1]}"
            try:
                self._fs.put_file(str(source), temporary)
                self._fs.mv(temporary, path)
            except BaseException:
                if self._fs.exists(temporary):
                    self._fs.rm_file(temporary)
                raise
        self._fs.invalidate_cache()
        return _stat(self._fs.info(path))

    def remove(self, name: str) -> None:
        """Remove a file that may be there."""
        try:
            self._fs.rm_file(self._path(name))
        except FileNotFoundError:
            pass

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


def _by_pyarrow(url: str, missing: ImportError) -> tuple[Any, str]:
    try:
        from fsspec.implementations.arrow import ArrowFSWrapper
        from pyarrow.fs import FileSystem

        # A small object is then one request and not three.
        lean = "?&"["?" in url] + "allow_delayed_open=true" if url.startswith("s3://") else ""
        fs, root = FileSystem.from_uri(url + lean)
    except (ImportError, ValueError):
        raise EngineError(f"{url}: {one_line(missing)}") from missing
    return ArrowFSWrapper(fs), root


def _stat(about: dict[str, Any]) -> Stat:
    return Stat(int(about.get("size") or 0), _version(about))


def _version(about: dict[str, Any]) -> int:
    """A number that differs where the content may differ."""
    for key in ("ETag", "etag", "md5Hash", "content_md5"):
        if about.get(key):
            return int.from_bytes(hashlib.blake2b(str(about[key]).encode(), digest_size=7).digest(), "big")
    for key in ("mtime", "LastModified", "last_modified", "updated", "modified", "created"):
        value = about.get(key)
        if isinstance(value, datetime):
            return int(value.timestamp() * 1e9)
        if isinstance(value, int | float):
            return int(value * 1e9)
        if isinstance(value, str) and value:
            return int.from_bytes(hashlib.blake2b(value.encode(), digest_size=7).digest(), "big")
    return 0
