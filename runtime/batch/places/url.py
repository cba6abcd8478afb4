"""A folder on any file system that fsspec or pyarrow knows: s3://, gs://, abfs://, hdfs://, file:// and many more."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.util
import os
import posixpath
import uuid
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ....color.errors import EngineError, UsageError, one_line
from ...files import TEMPORARY
from ..fingerprint import Fingerprint
from .place import Stat, folder_parts, is_url

# Where an object appears whole or not at all by itself; elsewhere it is written beside its place and renamed.
OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "tos", "r2", "memory"}


class Url:
    """A folder on another file system. It is as its first listing shows it: files stored since are not in that.

    Raises EngineError where what the URL needs is not installed, UsageError where it is no URL that can be used.
    """

    here = None

    def __init__(self, url: str) -> None:
        if importlib.util.find_spec("fsspec") is None:
            raise EngineError(f"{url}: fsspec is not installed; pip install 'gcolor[ray]'")
        import fsspec

        self.root = url.rstrip("/")
        try:
            try:
                self._fs, self._top = fsspec.core.url_to_fs(self.root)
            except ImportError as missing:
                # As for s3, which pyarrow has without more.
                self._fs, self._top = _by_pyarrow(self.root, missing)
        except (ValueError, OSError) as error:
            raise UsageError(f"{url}: is no place that can be used ({one_line(error)})") from error
        protocols = self._fs.protocol if isinstance(self._fs.protocol, tuple) else (self._fs.protocol,)
        self._protocols = {*protocols, url.partition("://")[0]}
        self._atomic = bool(self._protocols & OBJECT_STORES)
        self._by_folders = type(self._fs).find is fsspec.AbstractFileSystem.find

    @property
    def parts(self) -> tuple[str, ...]:
        if "file" in self._protocols:
            return folder_parts(Path(self._top))
        return tuple(self.root.split("/"))

    @cached_property
    def listing(self) -> Mapping[str, Stat]:
        start = len(self._top.rstrip("/")) + 1
        try:
            with _os_errors():
                self._fs.invalidate_cache()
                found = self._walk() if self._by_folders else self._fs.find(self._top, detail=True)
        except OSError as error:
            raise UsageError(f"{self.root}: cannot be listed ({error.strerror or error})") from error
        return {path[start:]: _stat(about) for path, about in found.items()}

    def list(
        self, endings: Container[str] | None, folder: str = "", enter: Callable[[str], bool] = lambda _: True
    ) -> Iterator[str]:
        inside, ask = f"{folder}/" if folder else "", cache(enter)
        for name in self.listing:
            if not name.startswith(inside) or name.startswith(".") or "/." in name:
                continue
            if endings is not None and os.path.splitext(name)[1].lower() not in endings:
                continue
            parts = name[len(inside) :].split("/")[:-1]
            if all(ask(inside + "/".join(parts[: depth + 1])) for depth in range(len(parts))):
                yield name

    def neighbors(self, folder: str) -> Collection[str]:
        return self._by_folder.get(folder, ())

    @cached_property
    def _by_folder(self) -> Mapping[str, Collection[str]]:
        return _by_folder(self.listing)

    def name_of(self, path: str) -> str | None:
        name = path.removeprefix(f"{self.root}/")
        if name in self.listing:
            return name
        name = posixpath.normpath(name)
        inside = not is_url(path.removeprefix(f"{self.root}/")) and name.split("/")[0] not in ("", ".", "..")
        return name if inside else None

    def exists(self, name: str) -> bool:
        return name in self.listing

    def stat(self, name: str) -> Stat:
        try:
            return self.listing[name]
        except KeyError:
            raise self._missing(name) from None

    def take(self, name: str) -> Fingerprint:
        return self.stat(name).fingerprint(hashlib.blake2b(self._read(name), digest_size=16).hexdigest())

    def fetch(self, name: str, to: Path) -> Path:
        if self._atomic:
            to.write_bytes(self._read(name))  # fewer requests than get_file
        else:
            with self._reading(name):
                self._fs.get_file(self._path(name), str(to))
        return to

    def store(self, source: Path, name: str) -> Stat:
        path = self._path(name)
        with _os_errors():
            if self._atomic:
                self._fs.pipe_file(path, source.read_bytes())
            else:
                self._put_by_renaming(source, path)
            self._fs.invalidate_cache()
            return _stat(self._fs.info(path))

    def remove(self, name: str) -> None:
        with _os_errors(), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def sweep(self, below: bool = True) -> None:
        for name in self.listing:
            if (below or "/" not in name) and posixpath.basename(name).startswith(TEMPORARY):
                with contextlib.suppress(OSError):
                    self.remove(name)

    def _walk(self) -> dict[str, Any]:
        """Every file below; fsspec's own walk passes over, in silence, a folder that cannot be read."""
        found, waiting = {}, [self._top]
        while waiting:
            folder = waiting.pop()
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # it went away since
                for about in self._fs.ls(folder, detail=True):
                    path = about["name"].rstrip("/")
                    if about["type"] != "directory":
                        found[path] = about
                    elif path != folder.rstrip("/"):
                        waiting.append(path)
        return found

    def _put_by_renaming(self, source: Path, path: str) -> None:
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

    def _read(self, name: str) -> bytes:
        with self._reading(name):
            data: bytes = self._fs.cat_file(self._path(name))
        return data

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            with _os_errors():
                yield
        except FileNotFoundError:
            raise self._missing(name) from None

    def _missing(self, name: str) -> FileNotFoundError:
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{self.root}/{name}")

    def _path(self, name: str) -> str:
        return f"{self._top.rstrip('/')}/{name}"


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    """Raise OSError, as a place does, also for what a file system's library has errors of its own for."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # botocore's, for one, have no base that can be named without it
        raise OSError(one_line(error)) from error


def _by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """The last parts of paths, for each folder that has some."""
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, last = posixpath.split(path)
        found.setdefault(folder, []).append(last)
    return found


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
