"""A batch as `make` would run it: look, compare with the journal, make what is not current, write it down."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ...color.errors import UsageError
from ..bundle import fingerprint, read_manifest
from ..files import show
from .check import Checked, IfExists, check
from .journal import Journal
from .lists import FailureList, read_list
from .places import is_url
from .plan import Found, check_writable, find_jobs, sweep
from .report import Report, job_row, row
from .result import Result, finish
from .settings import Settings
from .watch import watch

if TYPE_CHECKING:
    from ..colorizer import Colorizer

# Pictures of a folder that fills up.
MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a batch is asked for; the command line's options of the same names, and what they do is said there."""

    images: Path | str
    hints: Path | str | None = None
    output: Path | str | None = None
    pattern: str | None = None
    files_from: Path | None = None
    if_exists: IfExists = "auto"
    force: bool = False
    bundle: Path | None = None
    backend: str = "auto"
    device: str = "auto"
    ray: str | None = None
    jobs: int | None = None
    batch_size: int = 0
    settings: Settings = field(default_factory=Settings)
    report: Path | None = None
    failures: Path | None = None
    watch: bool = False
    dry_run: bool = False


class Batch:
    """One batch. Entering looks and compares, and holds the output folder against others; `run` does the work.

    current, colored, kept, failed: pictures that were current when it was entered, and what became of the others so
    far; pixels: of those that were made. warnings: what a user should know before the work begins.

    With `dry_run` nothing is written or held. Raises what `find_jobs`, `check_writable`, `Journal.open`, `check` and
    `read_manifest` raise, and UsageError for options that contradict each other, all before a model is loaded.
    """

    found: Found
    checked: Checked

    def __init__(self, options: Options) -> None:
        self.options = options
        self.warnings: list[str] = []
        self.current = self.colored = self.kept = self.failed = self.pixels = 0
        self._listed: list[str] | None = None
        self._bundle = ""
        self._painters: tuple[Colorizer, int] | None = None
        self._report: Report | None = None
        self._failures: FailureList | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        options = self.options
        refuse_contradictions(options)
        self._listed = read_list(options.files_from) if options.files_from else None
        self._bundle = fingerprint(read_manifest(options.bundle))
        self.found = self._find()
        self.place = show(self.found.output)
        if options.dry_run:
            journal = Journal.read(self.found.output)
        else:
            check_writable(self.found.output, (job.made for job in self.found.jobs))
            journal = Journal.open(self.found.output)
        self.journal = self._open.enter_context(journal)
        with self._open:
            if not options.dry_run:
                sweep(self.found.output)
            self._check()
            self.current = len(self.checked.current)
            self._warn()
            if not options.dry_run:
                self._open_reports()
            self._forget_current()
            self._open = self._open.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def run(
        self, stopping: Callable[[], object] = lambda: False, say: Callable[[str], None] = lambda _: None
    ) -> Generator[Result]:
        """Make what is to be made, with `watch` until `stopping` says so; the results as they come.

        The model is loaded where there is anything to make. Once `stopping` says so, the pictures in work are finished
        and no more taken. say: what a user has to know in the meantime.

        Raises BundleError and EngineError, and UsageError where the journal cannot be written any more.
        """
        return watch(self, stopping, say) if self.options.watch else self.run_once(stopping, say)

    def run_once(self, stopping: Callable[[], object], say: Callable[[str], None]) -> Generator[Result]:
        """Make what the last look found; the results of refused pictures come first."""
        for job, wrong in self.found.refused + self.checked.refused:
            yield self._tell(Result(job, 0.0, error=wrong))
        jobs = [job for job, _ in self.checked.todo]
        if not jobs:
            return
        from .runners import run_jobs

        with closing(run_jobs(jobs, self.options, self._painter, stopping, say)) as results:
            for result in results:
                if result.error:
                    self.journal.check()
                yield self._tell(self._finish(result))

    def _finish(self, result: Result) -> Result:
        return finish(result, self.journal, self.options.if_exists == "overwrite")

    def look(self) -> None:
        """Find and compare anew. Raises UsageError."""
        self.found = self._find()
        self._check()
        self._forget_current()

    def _forget_current(self) -> None:
        """Leave what nobody asks for any more before the model takes its memory: there may be millions."""
        self.found.jobs.clear()
        self.checked.current.clear()
        if not self.options.watch:
            self.journal.forget_all_but({job.made for job, _ in self.checked.todo})

    def forget(self) -> None:
        """Have nothing to do, until the next look."""
        self.found, self.checked = Found(self.found.output, []), Checked()

    def _find(self) -> Found:
        options = self.options
        images, hints, output = (path and Path(path) for path in (options.images, options.hints, options.output))
        assert images
        return find_jobs(
            images, hints or None, output or None, options.pattern, self._listed, may_be_empty=options.watch
        )

    def _check(self) -> None:
        options = self.options
        wanted = partial(_wanted, self._bundle, options.settings)
        self.checked = check(self.found.jobs, self.journal, wanted, options.if_exists, options.force)
        if not options.dry_run:
            for job, entry in self.checked.known:
                self.journal.record(job.made, entry)

    def _painter(self, pictures: int) -> tuple[Colorizer, int]:
        from .threads import open_colorizer

        if self._painters is None:
            options = self.options
            self._painters = open_colorizer(
                MANY if options.watch else pictures,
                options.jobs,
                bundle=options.bundle,
                backend=options.backend,
                device=options.device,
                batch_size=options.batch_size,
            )
        return self._painters

    def _open_reports(self) -> None:
        options = self.options
        if options.report:
            self._report = self._open.enter_context(Report(options.report))
            status = "skipped" if options.if_exists == "skip" else "current"
            for job in self.checked.current:
                self._report.add(job_row(job, status))
        if options.failures:
            self._failures = self._open.enter_context(FailureList(options.failures))

    def _tell(self, result: Result) -> Result:
        self.failed += result.error is not None
        self.kept += result.kept
        self.colored += result.error is None and not result.kept
        self.pixels += result.pixels
        if self._report:
            self._report.add(row(result))
        if self._failures and result.error:
            self._failures.add(result.job.name)
        return result

    def _warn(self) -> None:
        names = self.found.unused_hints
        # Watched, their pictures may still come.
        if names and not self.options.watch:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            self.warnings.append(f"hints without a picture: {', '.join(show(p) for p in names[:5])}{more}")
        damaged = self.journal.damaged
        if damaged:
            more = f" and {len(damaged) - 5} more" if len(damaged) > 5 else ""
            self.warnings.append(
                f"{show(self.journal.path)}: line {', '.join(map(str, damaged[:5]))}{more} cannot be read; outputs "
                "that only it knew are not touched"
            )
        if not self.options.dry_run and not self.journal.locked:
            self.warnings.append(
                f"{show(self.found.output)}: no lock can be had there; let no other batch write to it at the same time"
            )


def refuse_contradictions(options: Options) -> None:
    """Raise UsageError for options that do not go together."""
    if options.force and options.if_exists in ("skip", "error"):
        raise UsageError(f"--force makes outputs again, --if-exists {options.if_exists} forbids it; choose one")
    if not options.watch:
        return
    if options.force or options.if_exists in ("overwrite", "error"):
        raise UsageError("--watch looks again and again: --force, --if-exists overwrite and error have no end there")
    if options.ray is not None or any(map(is_url, (options.images, options.hints, options.output))):
        raise UsageError("--watch looks at folders of this machine, without --ray; leave it out")
    if options.files_from or options.dry_run:
        raise UsageError("--watch is for a folder that fills up; leave --files-from and --dry-run out")


def _wanted(bundle: str, settings: Settings, name: str) -> tuple[str, str]:
    return bundle, _shaping(settings, os.path.splitext(name)[1])


_shaping = cache(Settings.shaping)
