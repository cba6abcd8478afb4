"""A batch as `make` would run it: look, compare with the journal, make what is not current, write it down."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from .bundle import fingerprint, read_manifest
from .check import Checked, IfExists, check
from .files import show
from .journal import Journal
from .lists import FailureList, read_list
from .plan import Found, check_writable, find_jobs, sweep
from .report import Report, job_row, row
from .result import Result, finish
from .settings import Settings


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
    dry_run: bool = False


class Batch:
    """One batch. Entering looks and compares, and holds the output folder against others; `run` does the work.

    With `dry_run` nothing is written or held. Raises what `find_jobs`, `check_writable`, `Journal.open`, `check` and
    `read_manifest` raise, all before a model is loaded.
    """

    found: Found
    checked: Checked

    def __init__(self, options: Options) -> None:
        self.options = options
        self.warnings: list[str] = []
        self.colored = self.failed = self.pixels = 0
        self._report: Report | None = None
        self._failures: FailureList | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        options = self.options
        listed = read_list(options.files_from) if options.files_from else None
        images, hints, output = (path and Path(path) for path in (options.images, options.hints, options.output))
        assert images
        self.found = find_jobs(images, hints or None, output or None, options.pattern, listed)
        self.place = show(self.found.output)
        bundle = fingerprint(read_manifest(options.bundle))
        if options.dry_run:
            journal = Journal.read(self.found.output)
        else:
            check_writable(self.found.output, (job.made for job in self.found.jobs))
            journal = Journal.open(self.found.output)
        self.journal = self._open.enter_context(journal)
        with self._open:
            if not options.dry_run:
                sweep(self.found.output)
            self.checked = check(
                self.found.jobs,
                journal,
                lambda name: (bundle, options.settings.shaping(name)),
                options.if_exists,
                options.force,
            )
            self._warn()
            if not options.dry_run:
                for job, entry in self.checked.known:
                    journal.record(job.made, entry)
                self._open_reports()
            self._open = self._open.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def run(
        self, stopping: Callable[[], object] = lambda: False, say: Callable[[str], object] = print
    ) -> Generator[Result]:
        """Make what is to be made; the results as they come, those of refused pictures first. The model is loaded where
        there is anything to make. Once `stopping` says so, the pictures in work are finished and no more taken. `say`
        is told what befalls the processes that work.

        Raises BundleError and EngineError, and UsageError where the journal cannot be written any more.
        """
        for job, wrong in self.found.refused + self.checked.refused:
            yield self._tell(Result(job, 0.0, error=wrong))
        jobs = [job for job, _ in self.checked.todo]
        if not jobs:
            return
        from .runners import run_jobs

        with closing(run_jobs(jobs, self.options, stopping, say)) as results:
            for result in results:
                yield self._tell(self._finish(result))

    def _finish(self, result: Result) -> Result:
        return finish(result, self.journal)

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
        self.colored += result.error is None
        self.pixels += result.pixels
        if self._report:
            self._report.add(row(result))
        if self._failures and result.error:
            self._failures.add(result.job.name)
        return result

    def _warn(self) -> None:
        names = self.found.unused_hints
        if names:
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
