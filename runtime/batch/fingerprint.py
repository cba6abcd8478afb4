"""What a file holds: its stat, which is quick to compare, and a hash of its content, which decides."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from typing import NamedTuple, Protocol

from ..files import RECENT_NS


class Status(Protocol):
    """As much of `os.stat_result` as a fingerprint is compared with."""

    @property
    def st_size(self) -> int: ...
    @property
    def st_mtime_ns(self) -> int: ...
    @property
    def st_ctime_ns(self) -> int: ...


class Fingerprint(NamedTuple):
    """Size in bytes, times of the last change of content and of anything (ns), BLAKE2b-128 of the content in hex.

    `changed` is 0 where the times prove nothing: the content is hashed when it is asked for next.
    """

    size: int
    modified: int
    changed: int
    digest: str

    def fits(self, status: Status) -> bool:
        """Whether a file of this stat surely is the same, unread."""
        return (self.changed, self.modified, self.size) == (status.st_ctime_ns, status.st_mtime_ns, status.st_size)


def take(path: str | os.PathLike[str]) -> Fingerprint:
    """Read a file, a piece at a time, for its fingerprint. Raises OSError, also for what is not a regular file."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        # Opening a pipe would wait for its writer.
        raise OSError(0, "not a regular file", path)
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        old = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > RECENT_NS
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    return Fingerprint(status.st_size, status.st_mtime_ns, status.st_ctime_ns if old else 0, digest)


def unchanged(path: str | os.PathLike[str], before: Fingerprint) -> bool:
    """Whether a file still holds what it held. Raises OSError."""
    return before.fits(os.stat(path)) or take(path).digest == before.digest
