"""A batch as `make` would run it: look, compare with the journal, make what is not current, write it down."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..bundle import load_bundle
from ..engines.engine import check_vividness
from ..files import show
from ..manifest import read_manifest
from ..onnx_form import ends
from .check import Checked, check
from .options import Options, Settings, refuse_contradictions
from .output import Output
from .planning.job import Job
from .planning.lists import FailureList, read_list
from .planning.plan import Found, Group, find_jobs
from .report import Report, job_row, row
from .result import Result

if TYPE_CHECKING:
    from ..colorizer import Colorizer


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the folders found to do. Pictures that are current are not in it: there may be millions.

    todo: jobs to make, each with the reason. refused: jobs that fail as they are, each with what is wrong.
    """

    todo: list[tuple[Job, str]] = field(default_factory=list)
    refused: list[tuple[Job, str]] = field(default_factory=list)


class Batch:
    """One batch, which holds the output folder against others until it is closed. `look` finds what there is to do, and
    `make` does it.

    first: the look that was taken when it began. place: where the outputs go, for messages. current, colored, kept,
    failed: pictures that were current at the first look, and what became of the others so far; pixels: of those that
    were made; warned: pictures with a warning of their own; with_hints: of all of these, how many have hints; lost: for
    each ending and kind of note that its format does not keep, how many pictures lost such notes. others, made: see
    `Found`. warnings: what a user should know before the work begins.

    With `dry_run` nothing is written or held. Raises what `find_jobs`, `Output.open`, `check` and `read_manifest`
    raise, and UsageError for options that contradict each other, all before a model is loaded.
    """

    first: Look
    place: str

    def __init__(self, options: Options) -> None:
        refuse_contradictions(options)
        self.options = options
        self.warnings: list[str] = []
        self.current = self.colored = self.kept = self.failed = self.pixels = self.warned = self.with_hints = 0
        self.lost: Counter[tuple[str, str]] = Counter()
        self._bundle = read_manifest(options.opening.bundle).fingerprint
        if options.settings.vividness != 1.0:  # else the graph need not be read yet
            inputs, _ = ends(load_bundle(options.opening.bundle).model)
            check_vividness(inputs, options.settings.vividness)
        self._opened: tuple[Colorizer, int] | None = None
        self._report: Report | None = None
        self._failures: FailureList | None = None
        self._outputs: dict[str, Output] = {}
        with ExitStack() as self._open:
            self.first = self._begin()
            self._open = self._open.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def _begin(self) -> Look:
        """Take the first look, hold the output folders, and open what `_open` is to close."""
        options = self.options
        self._listed = read_list(options.files_from) if options.files_from else None
        found = self._find()
        self.others, self.made = found.others, found.made
        self.place = ", ".join(_where(group) for group in found.groups if group.jobs or len(found.groups) == 1)
        self.warnings += found.warnings
        for group in found.groups:
            if group.jobs or options.watch:
                output = self._open.enter_context(Output.open(group, options.dry_run))
                self._outputs[group.places.output.root] = output
                self.warnings += output.warnings
        checked = self._check(found)
        self._open_lists(checked)
        return self._to_do(found, checked)

    def look(self) -> Look:
        """Find and compare anew. Raises UsageError."""
        found = self._find()
        return self._to_do(found, self._check(found))

    def make(
        self,
        look: Look,
        stopping: Callable[[], object] = lambda: False,
        say: Callable[[str], None] = lambda _: None,
        *,
        last: bool = False,
    ) -> Generator[Result]:
        """Make what a look found; the results as they come, those of refused pictures first.

        The model is loaded where there is anything to make. Once `stopping` says so, the pictures in work are finished
        and no more taken. say: what a user has to know in the meantime. last: no other look follows, so that the memory
        of what is current, which may be millions, is free for the model.

        Raises BundleError and EngineError, and UsageError where the journal cannot be written or stored any more.
        """
        with ExitStack() as making:
            for root, output in self._outputs.items():
                names = [job.made for job, _ in look.todo if job.roots.output == root]
                making.enter_context(output.journal.making(names))
            yield from self._results(look, stopping, say, last)
        # What came to no result may have left an output that the journal does not know.
        if look.todo and not stopping():
            for output in self._outputs.values():
                output.forget_begun()

    def _results(
        self, look: Look, stopping: Callable[[], object], say: Callable[[str], None], last: bool
    ) -> Generator[Result]:
        for job, wrong in look.refused:
            yield self._count(Result(job, 0.0, error=wrong))
        jobs = [job for job, _ in look.todo]
        if not jobs:
            return
        if last:
            for root, output in self._outputs.items():
                output.journal.forget_all_but({job.made for job in jobs if job.roots.output == root})
        from .run.choose import run_jobs

        with closing(run_jobs(jobs, self.options, self._colorizer, stopping, say)) as results:
            for result in results:
                output = self._outputs[result.job.roots.output]
                if result.error:
                    output.journal.check()
                yield self._count(output.finish(result, self.options.if_exists == "overwrite"))

    def _find(self) -> Found:
        options = self.options
        return find_jobs(
            options.images,
            options.hints,
            options.output,
            options.pattern,
            self._listed,
            may_be_empty=options.watch,
            every_page=options.settings.page == "all",
        )

    def _check(self, found: Found) -> Checked:
        options = self.options
        wanted = partial(_wanted, self._bundle, options.settings)
        whole = Checked()
        for group in found.groups:
            if group.jobs:
                output = self._outputs[group.places.output.root]
                part = check(
                    group.jobs, group.places, output.journal, wanted, options.if_exists, options.force, output.begun
                )
                whole.add(part)
        return whole

    def _to_do(self, found: Found, checked: Checked) -> Look:
        """Write down what is known anew; what is current is let go."""
        if not self.options.dry_run:
            for job, entry in checked.known:
                self._outputs[job.roots.output].journal.record(job.made, entry)
        return Look(checked.todo, found.refused + checked.refused)

    def _colorizer(self, pictures: int) -> tuple[Colorizer, int]:
        """The colorizer of this process and its number of threads, opened once for the looks of a watch."""
        if self._opened is None:
            opening = self.options.opening if self.options.watch else replace(self.options.opening, pictures=pictures)
            self._opened = opening.open(self.options.device)
        return self._opened

    def _open_lists(self, checked: Checked) -> None:
        """Count what is current, and open the lists that the results go into."""
        options = self.options
        self.current = len(checked.current)
        self.with_hints = sum(bool(job.hint_files) for job in checked.current)
        if options.dry_run:
            return
        if options.report:
            self._report = self._open.enter_context(Report(options.report))
            status = "skipped" if options.if_exists == "skip" else "current"
            for job in checked.current:
                self._report.add(job_row(job, status))
        if options.failures:
            self._failures = self._open.enter_context(FailureList(options.failures))

    def _count(self, result: Result) -> Result:
        self.failed += result.error is not None
        self.kept += result.kept
        self.colored += result.error is None and not result.kept
        self.pixels += result.pixels
        self.warned += bool(result.warnings)
        self.with_hints += bool(result.job.hint_files)
        self.lost.update((PurePath(result.job.made).suffix.lower(), what) for what in result.lost)
        if self._report:
            self._report.add(row(result))
        if self._failures and result.error:
            self._failures.add(result.job.title)
        return result


def _where(group: Group) -> str:
    """Where outputs go, for messages: the folder, or the files where they lie among others."""
    if not group.part.among_others or not group.jobs:
        return show(group.places.output.root)
    more = f" and {len(group.jobs) - 1} more" if len(group.jobs) > 1 else ""
    return group.jobs[0].shown + more


def _wanted(bundle: str, settings: Settings, name: str) -> tuple[str, str]:
    return bundle, _shaping(settings, os.path.splitext(name)[1])


_shaping = cache(Settings.shaping)
