"""The journal of an output folder: what each picture there was made of, so that a rerun makes only what is not current.

One JSON object a line, only ever appended to, one line an output; docs/batch.md has the format. A line is written
before its output takes its place, so a process that is killed in between leaves the output that was there before, which
the line names as "over".
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Container, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from ...color.errors import StorageError, UsageError
from ...version import __version__
from ..files import replace_file, show, storage_error
from .fingerprint import Fingerprint

NAME = ".gcolor.journal"
FORMAT = 1
# A journal is written anew where it has this many more lines than it needs, and twice as many.
SPARE = 1000
# Seconds that a batch of single pictures waits for another in the same folder, as where a shell starts several.
PATIENCE = 60.0


class Recipe(NamedTuple):
    """What an output was made with. bundle: `bundle.fingerprint`; settings: those that its bytes depend on, as JSON.

    engine and version (of gcolor) are for the record: another one is no reason to make it again.
    """

    bundle: str
    settings: str
    engine: str
    version: str = __version__

    def name(self) -> str:
        """What the lines of its outputs call it."""
        return hashlib.blake2b("\0".join(self).encode(), digest_size=6).hexdigest()


class Entry(NamedTuple):
    """What the journal knows of one output. over: the content's hash of what it was to replace, "" for nothing.

    `output.changed` is always 0: renaming the file into its place changes that time.
    """

    source: Fingerprint
    hints: tuple[Fingerprint, ...]
    output: Fingerprint
    recipe: Recipe
    over: str = ""


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
            return self._parse(json.loads(self._reader.readline().decode("ascii")))
        except (ValueError, TypeError, KeyError, RecursionError):
            # Valid JSON, but no entry.
            del self._at[name]
            return None

    def record(self, name: str, entry: Entry) -> None:
        """Append what is known of an output. Raises UsageError: the disk is full, the journal was taken away."""
        key = self._ids.get(entry.recipe)
        if key is None:
            key = entry.recipe.name()
            self._append(_line(_describe(key, entry.recipe)))
            self._ids[entry.recipe], self._recipes[key] = key, entry.recipe
        made = entry.output
        value: dict[str, Any] = {"out": name, "recipe": key, "in": entry.source, "hints": entry.hints}
        value["made"] = [made.size, made.modified, made.digest]
        if entry.over:
            value["over"] = entry.over
        at = self._end
        self._append(_line(value))
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
            self._append(_header(self.shared))
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
            texts = [value[key] for key in ("recipe", "bundle", "engine", "version")]
            if not all(isinstance(text, str) for text in texts):
                raise ValueError("not a recipe")
            key, bundle, engine, version = texts
            recipe = Recipe(bundle, canonical(value["settings"]), engine, version)
            if recipe.name() != key:
                raise ValueError("not the recipe that it was")
            self._recipes[key], self._ids[recipe] = recipe, key
        elif value["journal"] != FORMAT:
            raise UsageError(
                f"{self.shown}: a journal of format {value['journal']!r}, this gcolor reads {FORMAT}; "
                "use the gcolor that wrote it, or another folder with -o"
            )
        else:
            self.shared = value.get("shared") is True

    def _parse(self, value: dict[str, Any]) -> Entry:
        size, modified, digest = value["made"]
        source, *hints = (_fingerprint(given) for given in [value["in"], *value["hints"]])
        output = _fingerprint([size, modified, 0, digest])
        return Entry(source, tuple(hints), output, self._recipes[value["recipe"]], str(value.get("over", "")))

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
                file.write(_header(self.shared))
                for at in self._at.values():
                    reader.seek(at)
                    line = reader.readline()
                    key = json.loads(line)["recipe"]
                    if key not in known:
                        known.add(key)
                        file.write(_line(_describe(key, self._recipes[key])))
                    file.write(line)

        replace_file(self.path, write, durable=True)
        self._adopt(os.open(self.path, os.O_RDWR | os.O_APPEND))
        self._load()


def canonical(settings: Any) -> str:
    """Settings as the one JSON text that they are compared by."""
    return json.dumps(settings, sort_keys=True, separators=(",", ":"))


def is_shared(folder: Path) -> bool:
    """Whether the journal of a folder says that the folder holds other files, too. Raises OSError."""
    with (folder / NAME).open("rb") as file:
        line = file.readline(1 << 16)
    try:
        return json.loads(line).get("shared") is True
    except (ValueError, AttributeError):
        return False


def _header(shared: bool) -> bytes:
    return _line({"journal": FORMAT, "gcolor": __version__, **({"shared": True} if shared else {})})


def _describe(key: str, recipe: Recipe) -> dict[str, Any]:
    return {"recipe": key, **recipe._asdict(), "settings": json.loads(recipe.settings)}


def _line(value: dict[str, Any]) -> bytes:
    # ASCII: names that are not UTF-8 come through as lone surrogates.
    return json.dumps(value).encode() + b"\n"


def _fingerprint(value: Any) -> Fingerprint:
    size, modified, changed, digest = value
    if not (isinstance(size, int) and isinstance(modified, int) and isinstance(changed, int)):
        raise TypeError("size and times are whole numbers")
    if not isinstance(digest, str):
        raise TypeError("a hash is text")
    return Fingerprint(size, modified, changed, digest)


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
