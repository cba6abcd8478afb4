"""A picture from the standard input, and one to the standard output: `-` among the arguments of `gcolor batch`."""

from __future__ import annotations

import errno
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import streams

if TYPE_CHECKING:
    from ..runtime.batch.planning.inputs import Where

PIPE = "-"
NAME = "stdin"


@dataclass
class Pipes:
    """What a batch works with in place of `-`. images, output: its inputs and output. to: the folder whose one file
    goes to the standard output, None where nothing does."""

    images: tuple[Where, ...]
    output: Where | None
    to: Path | None = None

    def send(self) -> None:
        """Write the picture that was made, if it was, to the standard output."""
        if self.to is None:
            return
        for path in self.to.iterdir():
            if not path.name.startswith("."):
                sys.stdout.buffer.write(path.read_bytes())
                sys.stdout.buffer.flush()


@contextmanager
def open_pipes(images: tuple[Where, ...], output: Where | None, as_json: bool, **given: Any) -> Iterator[Pipes]:
    """Take a picture from the standard input into a file of its own, and give the output one, while the block runs.

    given: the call's other options, some of which do not go together with a picture in a pipe. Raises UsageError
    for those, and where a stream is a terminal, or is asked for two things.
    """
    reads = PIPE in map(str, images)
    writes = str(output) == PIPE or (reads and output is None)
    if not reads and not writes:
        yield Pipes(images, output)
        return
    _refuse(images, reads, writes, as_json, given)
    with tempfile.TemporaryDirectory(prefix="gcolor-") as name:
        work = Path(name)
        if reads:
            images = (_take(work),)
        if not writes:
            yield Pipes(images, output)
            return
        made = work / "out"
        made.mkdir()
        yield Pipes(images, made, made)


def _refuse(images: tuple[Where, ...], reads: bool, writes: bool, as_json: bool, given: dict[str, Any]) -> None:
    from ..color.errors import UsageError
    from ..runtime.files import show

    if len(images) > 1:
        raise UsageError("-: the standard input and output are for one picture; give the others a call of their own")
    if not reads and not Path(images[0]).is_file():
        raise UsageError("-o -: the standard output takes one picture; name a file")
    if writes and (as_json or given["dry_run"]):
        both = "--json" if as_json else "--dry-run"
        raise UsageError(f"the picture and what {both} says both want the standard output; give the picture -o FILE")
    if given["watch"]:
        raise UsageError("-: --watch looks at a folder; leave one of them out")
    if reads and given["hints"] is not None and not Path(given["hints"]).is_file():
        raise UsageError(f"-: the standard input has no name; give --hints a hint file, not {show(given['hints'])}")
    if writes and "stdout" in streams.closed:
        raise UsageError("-o -: the standard output is closed; send it into a file or a pipe, or give -o FILE")
    if writes and sys.stdout.isatty():
        raise UsageError("-o -: the standard output is a terminal; send it into a file or a pipe, as in > colored.jpg")
    if reads and sys.stdin.isatty():
        raise UsageError("-: the standard input is a terminal; give it a picture, as in < photo.jpg")


def _take(work: Path) -> Path:
    """The picture of the standard input as a file, named by what it begins like."""
    from ..color.errors import UsageError
    from ..runtime.formats import SUFFIXES
    from ..runtime.pictures.decode.kinds import read_kind

    try:
        data = sys.stdin.buffer.read()
    except OSError as error:
        raise UsageError(f"-: the standard input cannot be read ({error.strerror or errno.errorcode})") from error
    kind = read_kind(data[:64])
    endings = [ending for ending, known in SUFFIXES.items() if known.name == kind]
    if kind == "PPM" and data[:2] in (b"P6", b"P3"):
        endings = [".ppm"]
    path = work / f"{NAME}{endings[0] if endings else '.png'}"
    path.write_bytes(data)
    return path
