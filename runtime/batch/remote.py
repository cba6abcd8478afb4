"""Pictures that lie elsewhere: fetched, coloured like any other, and stored. `remote_batch.py` plans them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ...color.errors import GcolorError, one_line
from .fingerprint import Fingerprint
from .journal import Entry
from .places import Place, Stat, open_place
from .plan import Job, Roots
from .result import Result


@dataclass(frozen=True, slots=True)
class RemoteJob(Job):
    """A job whose roots are URLs, and so are its hint files. stats: the picture's and the hints', as listed."""

    hints_root: str = ""
    stats: tuple[Stat, ...] = ()

    @property
    def work_folder(self) -> None:
        return None


def color_remote(color: Callable[[Job], Result], job: RemoteJob) -> Result:
    """Fetch a picture and its hints, let `color` colour them here, and store what it makes.

    The result has no temporary: the output is in its place. Like `color_one`, it raises nothing for a picture.
    """
    with tempfile.TemporaryDirectory(prefix="gcolor-", ignore_cleanup_errors=True) as work:
        here = Roots(f"{work}/in", f"{work}/out")
        hints = tuple(f"{work}/hints/{PurePosixPath(name).name}" for name in job.hint_files)
        for folder in (here.images, here.output, f"{work}/hints"):
            Path(folder).mkdir()
        copy = Job(PurePosixPath(job.name).name, PurePosixPath(job.made).name, here, hints)
        try:
            open_place(job.roots.images).fetch(job.name, copy.source)
            for hint, to in zip(job.hint_files, hints, strict=True):
                open_place(job.hints_root).fetch(hint.removeprefix(f"{job.hints_root}/"), Path(to))
        except (OSError, GcolorError) as error:
            return Result(job, 0.0, error=f"cannot be fetched ({_why(error)})")
        result = color(copy)
        if result.error is not None or result.entry is None:
            sentence = (result.error or "").replace(f"{work}/hints", job.hints_root).replace(work, job.roots.images)
            return replace(result, job=job, error=sentence)
        try:
            stored = open_place(job.roots.output).store(Path(result.temporary), job.made)
        except OSError as error:
            return Result(job, result.seconds, result.size, f"cannot be stored ({_why(error)})")
        return replace(result, job=job, temporary="", entry=_as_listed(result.entry, job.stats, stored))


def _as_listed(entry: Entry, stats: tuple[Stat, ...], stored: Stat) -> Entry:
    """The entry with what the listings say of the files in place of their copies' stat."""
    source, *hints = (
        stat.fingerprint(copy.digest) for stat, copy in zip(stats, (entry.source, *entry.hints), strict=True)
    )
    return entry._replace(
        source=source, hints=tuple(hints), output=stored.fingerprint(entry.output.digest)._replace(changed=0)
    )


def _why(error: Exception) -> str:
    return one_line(error) if not isinstance(error, OSError) else error.strerror or one_line(error)


class RemoteFiles:
    """Files as their listings have them; only to be sure of a content is one read. See `check.Files`."""

    def __init__(self, listings: Iterable[tuple[Place, dict[str, Stat]]]) -> None:
        self._stats = {f"{place.url}/{name}": stat for place, listed in listings for name, stat in listed.items()}
        self._places = {f"{place.url}/": place for place, _ in listings}

    def exists(self, path: str) -> bool:
        return path in self._stats

    def stat(self, path: str) -> Stat:
        try:
            return self._stats[path]
        except KeyError:
            raise FileNotFoundError(2, "No such file", path) from None

    def take(self, path: str) -> Fingerprint:
        """Raises OSError."""
        root, place = next(pair for pair in self._places.items() if path.startswith(pair[0]))
        data = place.read(path[len(root) :])
        if data is None:
            raise FileNotFoundError(2, "No such file", path)
        return self.stat(path).fingerprint(hashlib.blake2b(data, digest_size=16).hexdigest())
