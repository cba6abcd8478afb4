"""One picture of a batch: where it lies, what its output is called, which hints it has."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...files import show
from ..places import Place, Stat, is_url, open_place


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files of a batch lie. The names of hint files of this machine are their paths."""

    images: Place
    output: Place
    hints: Place


@dataclass(frozen=True)
class Roots:
    """The folder of the pictures and that of the outputs, as paths or URLs. hints: the URL of the hint files' folder,
    "" on this machine. named: messages name the folder, too, since there are several."""

    images: str
    output: str
    hints: str = ""
    named: bool = False

    def open(self) -> Places:
        return Places(open_place(self.images), open_place(self.output), open_place(self.hints))

    @functools.cached_property
    def absolute(self) -> Roots:
        return replace(self, images=_absolute(self.images), output=_absolute(self.output))


@dataclass(frozen=True, slots=True)
class Job:
    """One picture of a batch.

    name: its path below the folder of pictures, with forward slashes. made: its output's
    below the output folder. page: which picture of the file, from 1, where each is a job of its own. hint_files: paths
    or URLs: none, a painted one, a JSON, or both in this order. listed: what listings said of the picture and the hints
    before they were read; empty where all are on this machine. Text, so that a million fit into memory.
    """

    name: str
    made: str
    roots: Roots
    hint_files: tuple[str, ...] = ()
    page: int | None = field(default=None, kw_only=True)
    listed: tuple[Stat | None, ...] = field(default=(), kw_only=True)

    @property
    def source(self) -> Path:
        return Path(self.roots.images, self.name)

    @property
    def output(self) -> Path:
        return Path(self.roots.output, self.made)

    @property
    def title(self) -> str:
        """What messages call it by, before `show`: its name, in a call with several folders its path."""
        if not self.roots.named:
            return self.name
        return f"{self.roots.images}/{self.name}" if is_url(self.roots.images) else str(self.source)

    @property
    def shown(self) -> str:
        """The output, for messages."""
        return show(f"{self.roots.output}/{self.made}" if is_url(self.roots.output) else self.output)

    @property
    def work_folder(self) -> Path | None:
        """Where its output is written before it is renamed; None where that is no folder that outlives it."""
        return None if is_url(self.roots.output) else self.output.parent

    @property
    def hints(self) -> tuple[Path, ...]:
        return tuple(map(Path, self.hint_files))

    @property
    def hint_names(self) -> tuple[str, ...]:
        """The hint files' names in their place."""
        return tuple(hint_name(path, self.roots) for path in self.hint_files)

    def absolute(self) -> Job:
        """The same for processes whose current folder is another."""
        return replace(self, roots=self.roots.absolute, hint_files=tuple(map(_absolute, self.hint_files)))


def _absolute(path: str) -> str:
    return path if is_url(path) else str(Path(path).absolute())


def hint_name(path: str, roots: Roots) -> str:
    """The name of a hint file in its place."""
    return path.removeprefix(f"{roots.hints}/") if roots.hints else path
