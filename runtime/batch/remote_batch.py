"""A batch whose folders are URLs: planned from one listing of each, with the journal beside the outputs.

Objects cannot be appended to, so the journal is kept here while the batch runs and stored now and then. Until then a
list beside it names what is being made: after a crash those outputs are ours, whatever the journal knows of them.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ...color.errors import NothingToDoError, UsageError
from ...color.hint_folder import HintFolder
from ..files import TEMPORARY, show
from ..formats import SUFFIXES, output_name
from .batch import Batch, Look
from .check import Checked, check
from .journal import NAME, Journal
from .lists import read_list
from .options import Options
from .places import Place, Stat, is_url, open_place
from .plan import Found, Roots
from .remote import RemoteFiles, RemoteJob
from .result import Result

MAKING = ".gcolor.making"
# The journal is stored every so many seconds, but for no more than this share of the time.
EVERY, SHARE = 60.0, 0.05

# What lies in each place, by one listing of it.
Listings = dict[Place, dict[str, Stat]]


class RemoteBatch(Batch):
    """See `Batch`. Folders of this machine may be mixed with URLs.

    Raises also EngineError where the package is missing that a URL needs, UsageError where a place cannot be used.
    """

    def _begin(self) -> Look:
        options = self.options
        images, output = open_place(as_url(options.images)), open_place(_output(options))
        hints = open_place(as_url(options.hints)) if options.hints else None
        _check_apart(images.url, output.url, hints.url if hints else None)
        self.place, self._images, self._output, self._hints = output.url, images, output, hints
        listed = self._list()
        found = self._pair(listed)
        self._work = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="gcolor-journal-")))
        if NAME in listed[output]:
            output.fetch(NAME, self._work / NAME)
        self.journal = self._open.enter_context(Journal.open(self._work))
        checked = self._compare(found, listed)
        if MAKING in listed[output]:
            self._adopt(checked, listed[output])
        self._warn(found)
        self._note(checked)
        return self._what_to_do(found, checked)

    def look(self) -> Look:
        """See `Batch.look`."""
        listed = self._list()
        found = self._pair(listed)
        return self._what_to_do(found, self._compare(found, listed))

    def _list(self) -> Listings:
        return {place: _list(place) for place in (self._images, self._output, self._hints) if place}

    def _pair(self, listed: Listings) -> Found:
        hint_stats = listed[self._hints] if self._hints else {}
        return _find(self.options, self._images, self._output, listed[self._images], self._hints, hint_stats)

    def _compare(self, found: Found, listed: Listings) -> Checked:
        options = self.options
        return check(
            found.jobs,
            self.journal,
            lambda name: (self._bundle, options.settings.shaping(PurePosixPath(name).suffix)),
            options.if_exists,
            options.force,
            RemoteFiles(list(listed.items())),
        )

    def make(
        self,
        look: Look,
        stopping: Callable[[], object] = lambda: False,
        say: Callable[[str], None] = lambda _: None,
        *,
        last: bool = False,
    ) -> Generator[Result]:
        """See `Batch.make`; raises also UsageError where the journal cannot be stored."""
        self._stored, self._took = time.monotonic(), 0.0
        making = json.dumps([job.made for job, _ in look.todo])
        if look.todo:
            self._store(MAKING, making.encode())
        try:
            yield from super().make(look, stopping, say, last=last)
        finally:
            self._store_journal()
        # What came to no result may have left an output that the journal does not know.
        if look.todo and not stopping():
            with suppress(OSError):
                self._output.remove(MAKING)

    def _finish(self, result: Result) -> Result:
        if result.entry:
            self.journal.record(result.job.made, result.entry)
        if time.monotonic() - self._stored > max(EVERY, self._took / SHARE):
            self._store_journal()
        return result

    def _store_journal(self) -> None:
        begun = time.monotonic()
        self._store(NAME, (self._work / NAME).read_bytes())
        self._stored = time.monotonic()
        self._took = self._stored - begun

    def _store(self, name: str, data: bytes) -> None:
        path = self._work / "out"
        try:
            path.write_bytes(data)
            self._output.store(path, name)
        except OSError as error:
            raise UsageError(f"{self.place}/{name}: cannot be written ({error.strerror or error})") from error

    def _adopt(self, checked: Checked, outputs: Iterable[str]) -> None:
        """Make again what a batch that was cut off had begun, though the journal does not know it."""
        try:
            begun = set(json.loads(self._output.read(MAKING) or b"[]"))
            for name in [] if self.options.dry_run else outputs:
                if PurePosixPath(name).name.startswith(TEMPORARY):
                    self._output.remove(name)
        except (OSError, ValueError, TypeError):
            self.warnings.append(f"{self.place}/{MAKING}: cannot be read; what it names is not touched")
            return
        ours = [job for job, _ in checked.refused if job.made in begun]
        checked.refused = [pair for pair in checked.refused if pair[0].made not in begun]
        checked.todo += [(job, "was not finished") for job in ours]
        checked.todo.sort(key=lambda pair: pair[0].name)


def as_url(place: Path | str) -> str:
    """A URL, or a folder of this machine as one."""
    return str(place) if is_url(place) else Path(place).absolute().as_uri()


def _output(options: Options) -> str:
    if options.output:
        return as_url(options.output)
    return f"{as_url(options.images).rstrip('/')}_color"


def _check_apart(images: str, output: str, hints: str | None) -> None:
    if f"{output}/".startswith(f"{images}/"):
        raise UsageError(f"{output}: the output must lie outside the folder of the pictures; choose another -o")
    if hints == images:
        raise UsageError(f"{hints}: hints need a folder of their own, apart from the pictures")


def _list(place: Place) -> dict[str, Stat]:
    try:
        return place.list()
    except OSError as error:
        raise UsageError(f"{place.url}: cannot be listed ({error.strerror or error})") from error


def _find(
    options: Options,
    images: Place,
    output: Place,
    pictures: dict[str, Stat],
    hints: Place | None,
    hint_stats: dict[str, Stat],
) -> Found:
    """Pair the pictures of a listing with hints and outputs, as `find_jobs` does with a folder."""
    names = sorted(name for name in pictures if _is_picture(name))
    if options.files_from:
        listed = set(read_list(options.files_from))
        missing = sorted(listed - set(names))
        if missing:
            raise UsageError(f"{show(missing[0])}: is listed, but is no picture below {images.url}")
        names = sorted(listed)
    names = [name for name in names if options.pattern is None or PurePosixPath(name).match(options.pattern)]
    if not names:
        raise NothingToDoError(f"{images.url}: no picture found (looked for {' '.join(sorted(SUFFIXES))})")
    folder = HintFolder.listed(hints.url, hint_stats) if hints else None
    pairs = folder.pair(names) if folder else [()] * len(names)
    roots, hints_root = Roots(images.url, output.url), hints.url if hints else ""
    jobs = []
    for name, found in zip(names, pairs, strict=True):
        stats = (pictures[name], *(hint_stats[path.removeprefix(f"{hints_root}/")] for path in found))
        jobs.append(RemoteJob(name, output_name(name), roots, found, hints_root, stats))
    some = options.pattern is not None or options.files_from is not None
    left = folder.unused(pairs) if folder and not some else []
    return Found(Path(output.url), list(jobs), unused_hints=[path.relative_to(Path(hints_root)) for path in left])


def _is_picture(name: str) -> bool:
    hidden = any(part.startswith(".") for part in name.split("/"))
    return not hidden and os.path.splitext(name)[1].lower() in SUFFIXES
