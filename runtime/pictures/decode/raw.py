"""Camera raw files, by rawpy (the extra `raw`): developed as the camera would, to 16 bits in sRGB."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ....color.errors import PictureError, one_line
from ...others import RAW
from ..notes.exif import PREFIX, patch
from ..notes.tags import XMP, Directory, Reader, fits_classic, serialize
from .archive import Stored
from .kinds import OtherKindError

ENDINGS = frozenset(RAW.endings.split())
# Tags of a raw file's first directory that are true of what is developed from it: text, times, the lens and the place.
KEPT = {270, 271, 272, 305, 306, 315, 33432, 33434, 33437, 34665, 34853, 36867, 37386}


def is_raw(path: Path, kind: str) -> bool:
    """Whether a file is read as camera raw: by its ending, unless it begins like another picture."""
    return path.suffix.lower() in ENDINGS and kind in ("", "TIFF")


class Raw:
    """A raw file that is open. size: as displayed, of what is developed. Raises PictureError, OtherKindError."""

    def __init__(self, file: BinaryIO, ending: str) -> None:
        try:
            import rawpy
        except ImportError:
            raise OtherKindError(f"a camera raw file ({ending})", "raw") from None
        self._errors: tuple[type[Exception], ...] = (rawpy.LibRawError,)
        file.seek(0)
        try:
            self._raw: Any = rawpy.imread(file)
        except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNotImplementedError) as error:
            raise PictureError(
                f"is named like a camera raw file ({ending}), and LibRaw knows none like it ({one_line(error)}); keep "
                "it, and save a copy as TIFF"
            ) from error
        except rawpy.LibRawError as error:
            raise PictureError(f"image data is damaged or cut short ({one_line(error)}); replace the file") from error
        sizes = self._raw.sizes
        self.size = (sizes.height, sizes.width) if sizes.flip in (5, 6) else (sizes.width, sizes.height)

    def develop(self) -> Stored:
        """The picture with the camera's white balance, uint16 [H, W, 3] in sRGB."""
        try:
            with self._raw as raw:
                rgb = raw.postprocess(use_camera_wb=True, output_bps=16, gamma=(2.4, 12.92))
        except self._errors as error:
            raise PictureError(f"image data is damaged or cut short ({one_line(error)}); replace the file") from error
        return Stored(np.ascontiguousarray(rgb))


def read_notes(file: BinaryIO) -> tuple[bytes | None, bytes | None]:
    """EXIF and XMP of a raw file: what it says of the photograph, not of its own pixels.

    Raises ValueError where it is none of those that are built as a TIFF (most are; Canon's CR3 and Fujifilm's are not).
    """
    reader = Reader(file)
    tags = reader.directory(reader.first)
    kept = Directory({tag: value for tag, value in tags.items() if tag in KEPT and fits_classic(value)})
    return (patch(PREFIX + serialize(kept), False, False) if kept else None), tags.raw(XMP)
