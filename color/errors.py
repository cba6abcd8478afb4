"""The tree of errors; each class carries the exit code that the command line ends with.

GcolorError                 1
├── UsageError              2   wrong call: option, missing folder, name collision, unwritable output
│   └── StorageError        2   what is kept of the work cannot be written: a full disk, a journal or folder taken away
├── PictureError            3   one picture or its hints cannot be used; the others go on
│   └── HintError           3
├── NothingToDoError        4   nothing matched
├── BundleError             5   bundle invalid, hash wrong, parity below tolerance
└── EngineError             6   the device or engine asked for is not usable
"""

from __future__ import annotations


class GcolorError(Exception):
    """Base of every error that gcolor raises on purpose. The message says what, where and what to do."""

    exit_code = 1


class UsageError(GcolorError):
    """The call itself is wrong."""

    exit_code = 2


class StorageError(UsageError):
    """What is kept of the work (journal, checkpoint, shard, report) cannot be written, so the work ends.

    A disk that is full, most likely; what was written before is whole, and the same call goes on from it.
    """


class PictureError(GcolorError):
    """One picture cannot be read, colored or written."""

    exit_code = 3


class HintError(PictureError):
    """A hint file breaks the format; the message names the place in it."""


class NothingToDoError(GcolorError):
    """No picture was found."""

    exit_code = 4


class BundleError(GcolorError):
    """A bundle is damaged, of an unknown format, or fails the parity gate."""

    exit_code = 5


class EngineError(GcolorError):
    """The engine or device that was asked for is not usable here."""

    exit_code = 6


def one_line(error: BaseException) -> str:
    """What an error of some library says, on one line; its kind where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
