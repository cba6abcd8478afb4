"""An output folder that a batch holds: its journal, and what a killed batch began there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Self

from ..files import TEMPORARY, check_writable, show
from .journal import NAME, Journal
from .planning.plan import Group
from .result import Result, finish
from .stored_journal import MAKING, StoredJournal, begun_outputs


class Output:
    """The output folder of a group. place: for messages. warnings: for the user. begun: outputs that are gcolor's,
    whatever the journal knows of them.

    Open it with `open`, which locks it against other batches until it is closed, but for `dry_run`.
    """

    def __init__(self, group: Group, journal: Journal, dry_run: bool) -> None:
        self.journal = journal
        self.begun: set[str] = set()
        self.warnings: list[str] = []
        self._place = group.places.output
        self.place = show(self._place.root)
        self._learn_begun()
        if not dry_run:
            self._place.sweep(below=not group.part.among_others)
        self._warn(dry_run)

    @classmethod
    def open(cls, group: Group, dry_run: bool) -> Self:
        """Raises what `check_writable` and `Journal.open` raise."""
        folder = group.places.output.here
        if folder is None:
            journal: Journal = StoredJournal.fetch(group.places.output)
        elif dry_run:
            journal = Journal.read(folder)
        else:
            check_writable(folder, (job.made for job in group.jobs))
            journal = Journal.open(folder, shared=group.part.among_others or _holds_files(folder))
        try:
            return cls(group, journal, dry_run)
        except BaseException:
            journal.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.journal.close()

    def finish(self, result: Result, overwrite: bool) -> Result:
        """See `result.finish`."""
        made = result.job.made
        result = finish(result, self.journal, overwrite or made in self.begun)
        if not result.error:
            self.begun.discard(made)
        return result

    def forget_begun(self) -> None:
        """All that was to be made has come to a result, which no crash can take back."""
        with suppress(OSError):
            self._place.remove(MAKING)

    def _learn_begun(self) -> None:
        try:
            self.begun |= begun_outputs(self._place)
        except (OSError, ValueError):
            self.warnings.append(f"{self.place}/{MAKING}: cannot be read; what it names is not touched")

    def _warn(self, dry_run: bool) -> None:
        damaged = self.journal.damaged
        if damaged:
            more = f" and {len(damaged) - 5} more" if len(damaged) > 5 else ""
            self.warnings.append(
                f"{self.journal.shown}: line {', '.join(map(str, damaged[:5]))}{more} cannot be read; outputs "
                "that only it knew are not touched"
            )
        if not dry_run and not self.journal.locked:
            self.warnings.append(
                f"{self.place}: no lock can be had there; let no other batch write to it at the same time"
            )


def _holds_files(folder: Path) -> bool:
    """Whether a folder without a journal holds other files."""
    names = {path.name for path in folder.iterdir()}
    return NAME not in names and any(not name.startswith(TEMPORARY) for name in names)
