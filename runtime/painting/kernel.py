"""The painting kernel: paint.c as a library of this platform, called without the interpreter's lock."""

from __future__ import annotations

import ctypes
import platform
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...color.errors import EngineError
from ...color.lab import Bytes
from .tables import Tables, tables

FOLDER = Path(__file__).parent / "lib"
VERSION = 1
BASELINE, AVX2 = 0, 1
SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
ENDINGS = {"linux": "so", "macos": "dylib", "windows": "dll"}

# Where a tile lies: its first row and column, and the whole picture's rows and columns. Of a picture that is shown
# smaller, in pixels of what is shown, whole or not.
Place = tuple[float, float, float, float]


class _Job(ctypes.Structure):
    """`struct job` of paint.c."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("pixels", "out", "ab", "scratch")),
        *((name, ctypes.c_int64) for name in ("stride", "out_stride")),
        *((name, ctypes.c_int32) for name in ("channels", "out_channels", "rows", "columns", "down", "across")),
        *((name, ctypes.c_float) for name in ("top", "left", "height", "width")),
    )


def platform_name() -> str:
    """This platform, as the libraries are named: "linux-x86_64", say."""
    machine = platform.machine().lower()
    return f"{SYSTEMS.get(sys.platform, sys.platform)}-{MACHINES.get(machine, machine)}"


def library_path(name: str | None = None) -> Path:
    """Where the library of a platform lies, by default of this one."""
    name = name or platform_name()
    return FOLDER / f"paint-{name}.{ENDINGS.get(name.split('-')[0], 'so')}"


class Kernel:
    """Paints as `models/fused.py` defines it, never more than a level apart, on the calling thread.

    form: BASELINE or AVX2, by default the best that this processor runs. Raises EngineError where the library cannot be
    loaded, or is not the one that belongs here.
    """

    def __init__(self, library: Path | None = None, form: int | None = None) -> None:
        self.library = library or library_path()
        try:
            functions = ctypes.CDLL(str(self.library))
            version = functions.gcolor_paint_version()
        except (OSError, AttributeError) as error:
            raise EngineError(f"{self.library.name} cannot be loaded ({error})") from error
        if version != VERSION:
            raise EngineError(f"{self.library.name} is of version {version}, not {VERSION}; run `make kernel` again")
        functions.gcolor_paint_scratch.restype = ctypes.c_int64
        functions.gcolor_paint.argtypes = [ctypes.POINTER(Tables), ctypes.POINTER(_Job), ctypes.c_int32]
        functions.gcolor_paint.restype = None
        self._functions, self._tables = functions, tables()
        best = functions.gcolor_paint_form()
        self.form = best if form is None else min(form, best)

    @property
    def about(self) -> str:
        """Platform, and what it is compiled for."""
        return f"{platform_name()}{', AVX2' if self.form == AVX2 else ''}"

    def paint(self, pixels: Bytes, ab: NDArray[np.float32], place: Place, out: Bytes | None = None) -> Bytes:
        """Pixels [H, W] (gray) or [H, W, 3] in sRGB, colored by the whole picture's ab [1, 2, g, k], all finite.

        out: where to, [H, W, 3] or [H, W, 4] (the fourth is 255), each row in one piece; by default a new [H, W, 3].
        """
        pixels = _in_rows(pixels)
        ab = np.ascontiguousarray(ab, np.float32)
        rows, columns = pixels.shape[:2]
        channels = 1 if pixels.ndim == 2 else 3
        out = np.empty((rows, columns, 3), np.uint8) if out is None else out
        if pixels.shape[2:] not in ((), (3,)) or pixels.dtype != np.uint8 or ab.shape[:2] != (1, 2) or ab.ndim != 4:
            raise ValueError(f"pixels {pixels.dtype} {pixels.shape}, ab {ab.shape}")
        if (
            out.shape not in ((rows, columns, 3), (rows, columns, 4))
            or out.dtype != np.uint8
            or _in_rows(out) is not out
        ):
            raise ValueError(f"out {out.dtype} {out.shape}")
        down, across = ab.shape[2:]
        scratch = np.empty(self._functions.gcolor_paint_scratch(columns, across), np.float32)
        addresses = (array.ctypes.data for array in (pixels, out, ab, scratch))
        strides = pixels.strides[0], out.strides[0]
        job = _Job(*addresses, *strides, channels, out.shape[2], rows, columns, down, across, *place)
        self._functions.gcolor_paint(self._tables, job, self.form)
        return out


def _in_rows(pixels: Bytes) -> Bytes:
    """The same with each row in one piece."""
    inner = (pixels.shape[2], 1) if pixels.ndim == 3 else (1,)
    return pixels if pixels.strides[1:] == inner else np.ascontiguousarray(pixels)
