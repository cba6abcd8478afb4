"""The journal of an output folder: what each picture there was made of, so that a rerun makes only what is not current.

One JSON object a line, only ever appended to, one line an output; docs/batch.md has the format. A line is written
before its output takes its place, so a process that is killed in between leaves the output that was there before, which
the line names as "over".
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Container, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from ...color.errors import StorageError, UsageError
from ..files import replace_file, show, storage_error
from .entries import FORMAT, Entry, Recipe, entry_line, header_line, read_entry, read_recipe, recipe_line

NAME = ".gcolor.journal"
# A journal is written anew where it has this many more lines than it needs, and twice as many.
SPARE = 1000
# Seconds that a batch of single pictures waits for another in the same folder, as where a shell starts several.
PATIENCE = 60.0


class Journal:
    """The journal of a folder. `open` it to write, which locks it against other processes; `read` it to look only.

    shown: where it is, for messages. damaged: the numbers of lines that could not be read and were passed over.
    locked: whether it is. shared: the folder holds other files, too; only what the journal names is gcolor's.
    """

    def __init__(self, folder: Path, shared: bool = False) -> None:
        self.path = folder / NAME
        self.shared = shared
        self.shown = show(self.path)
        self.damaged: list[int] = []
        self.locked = False
        # Where an output's latest line begins: a million of them must fit into memory.
        self._at: dict[str, int] = {}
        self._recipes: dict[str, Recipe] = {}
        self._ids: dict[Recipe, str] = {}
        self._lines = 0
        self._end = 0
        self._reader: BinaryIO | None = None
        self._handle = -1

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The journal of a folder as it is, perhaps empty. Raises UsageError: of another format, unreadable."""
        return cls(folder)._opened(writing=False)

    @classmethod
    def open(cls, folder: Path, shared: bool = False) -> Self:
        """The journal of a folder that exists, to write; `shared` where it is new.

        Raises UsageError, also where another process has it open; that of a shared folder is waited for.
        """
        return cls(folder, shared)._opened(writing=True)

    def _opened(self, writing: bool) -> Self:
        try:
            if writing:
                self._open()
            elif self.path.exists():
                self._load()
        except OSError as error:
            self.close()
            what = "written" if writing else "read"
            raise UsageError(f"{self.shown}: cannot be {what} ({error.strerror})") from error
        except BaseException:
            self.close()
            raise
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._at)

    def __iter__(self) -> Iterator[str]:
        return iter(self._at)

    def entry(self, name: str) -> Entry | None:
        """What is known of an output, by its path below the folder with forward slashes."""
        at = self._at.get(name)
        if at is None or self._reader is None:
            return None
        self._reader.seek(at)
        try:
            return read_entry(json.loads(self._reader.readline().decode("ascii")), self._recipes)
        except (ValueError, TypeError, KeyError, RecursionError):
            # Valid JSON, but no entry.
            del self._at[name]
            return None

    def record(self, name: str, entry: Entry) -> None:
        """Append what is known of an output. Raises UsageError: the disk is full, the journal was taken away."""
        key = self._ids.get(entry.recipe)
        if key is None:
            key = entry.recipe.name()
            self._append(recipe_line(key, entry.recipe))
            self._ids[entry.recipe], self._recipes[key] = key, entry.recipe
        at = self._end
        self._append(entry_line(name, key, entry))
        self._at[name] = at

    def making(self, names: list[str]) -> AbstractContextManager[None]:
        """The time in which these outputs are made."""
        return contextlib.nullcontext()

    def forget_all_but(self, names: Container[str]) -> None:
        """Free the memory of what is known of other outputs."""
        self._at = {name: at for name, at in self._at.items() if name in names}

    def check(self) -> None:
        """Raise StorageError where the journal, most likely with its folder, was taken away."""
        try:
            there = os.path.samestat(os.fstat(self._handle), os.stat(self.path))
        except OSError:
            there = False
        if not there:
            raise StorageError(f"{show(self.path)}: was removed while the batch ran; run again to make the rest")

    def close(self) -> None:
        """Give the lock back. Nothing is left to write: each line was written when it was recorded."""
        if self._reader:
            self._reader.close()
            self._reader = None
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
            self.locked = False

    def _open(self) -> None:
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            self._adopt(handle)
            # Whoever held the lock may have put another file in the place of the one that we waited at.
            if os.path.samestat(os.fstat(handle), os.stat(self.path)):
                break
        self._load()
        if self._end < os.fstat(handle).st_size:
            os.truncate(handle, self._end)
        if not self._end:
            self._append(header_line(self.shared))
        if self._lines > 2 * len(self._at) + SPARE:
            self._compact()

    def _adopt(self, handle: int) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = handle
        self.locked = _lock(handle, self.path, PATIENCE if self.shared else 0.0)

    def _load(self) -> None:
        """Read the lines up to the last whole one."""
        if self._reader:
            self._reader.close()
        self._reader = open(self.path, "rb")  # noqa: SIM115
        self._at.clear()
        self._recipes.clear()
        self._lines = self._end = 0
        for number, line in enumerate(self._reader, 1):
            if not line.endswith(b"\n"):
                return
            try:
                self._take(json.loads(line.decode("ascii")), self._end)
            except (ValueError, TypeError, KeyError, RecursionError):
                self.damaged.append(number)
            self._end += len(line)
            self._lines += 1

    def _take(self, value: Any, at: int) -> None:
        if "out" in value:
            name = value["out"]
            if not isinstance(name, str) or value["recipe"] not in self._recipes:
                raise ValueError("not an entry")
            self._at[name] = at
        elif "recipe" in value:
            key, recipe = read_recipe(value)
            self._recipes[key], self._ids[recipe] = recipe, key
        elif value["journal"] != FORMAT:
            raise UsageError(
                f"{self.shown}: a journal of format {value['journal']!r}, this gcolor reads {FORMAT}; "
                "use the gcolor that wrote it, or another folder with -o"
            )
        else:
            self.shared = value.get("shared") is True

    def _append(self, line: bytes) -> None:
        self.check()
        try:
            rest = line
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            # A torn last line would be passed over by whoever reads it, but not by what is appended to it.
            with contextlib.suppress(OSError):
                os.truncate(self._handle, self._end)
            raise storage_error(error, self.path, "run again to go on from here") from error
        self._end += len(line)

    def _compact(self) -> None:
        """Keep each output's last line alone, in a new file that takes the old one's place."""
        reader = self._reader
        assert reader

        def write(path: Path) -> None:
            known = set()
            with path.open("wb") as file:
                file.write(header_line(self.shared))
                for at in self._at.values():
                    reader.seek(at)
                    line = reader.readline()
                    key = json.loads(line)["recipe"]
                    if key not in known:
                        known.add(key)
                        file.write(recipe_line(key, self._recipes[key]))
                    file.write(line)

        replace_file(self.path, write, durable=True)
        self._adopt(os.open(self.path, os.O_RDWR | os.O_APPEND))
        self._load()


def is_shared(folder: Path) -> bool:
    """Whether the journal of a folder says that the folder holds other files, too. Raises OSError."""
    with (folder / NAME).open("rb") as file:
        line = file.readline(1 << 16)
    try:
        return json.loads(line).get("shared") is True
    except (ValueError, AttributeError):
        return False


def _lock(handle: int, path: Path, patience: float) -> bool:
    """Take the lock of an open file; False where the system or the file system has none."""
    try:
        import fcntl
    except ImportError:
        return False
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                raise UsageError(
                    f"{show(path.parent)}: another gcolor batch is writing there; wait for its end, or choose another "
                    "-o"
                ) from None
            time.sleep(0.05)
        except OSError:
            return False
