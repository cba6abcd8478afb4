"""A picture file that is open: which format, which page, and who reads it."""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from ....color.errors import PictureError, one_line
from ...formats import SUFFIXES, missing
from ..notes import jp2
from ..plugins import can_read, readers
from . import archive
from . import jpeg as jpegs
from .archive import Stored
from .jpeg import Jpeg
from .kinds import HEAD, OtherKindError, is_unsupported, other_kind, read_kind
from .raw import Raw, is_raw
from .tiff_pages import Page, begin_with, find_pages

# The limit is ours (`--max-pixels`), with our own sentence.
Image.MAX_IMAGE_PIXELS = None

# Frames of these are no pages: a preview or a second eye behind the photograph, layers under the whole, and a HEIF's
# other pictures, of which it says itself which is the first.
ONE_PICTURE = ("MPO", "PSD", "HEIF")
PageChoice = int | None


@dataclass
class Source:
    """One picture of a file. kind: Pillow's name of its format, "" where only Pillow can tell.

    image: Pillow's, or None where `stored` reads it. page: a TIFF's directory. warnings: for the user.
    """

    path: Path
    file: BinaryIO
    kind: str
    size: tuple[int, int] = (0, 0)
    image: Image.Image | None = None
    stored: Callable[[], Stored] | None = None
    page: Page | None = None
    jpeg: Jpeg | None = None
    warnings: list[str] = field(default_factory=list)

    def data(self) -> bytes:
        """The whole file."""
        self.file.seek(0)
        return self.file.read()


def open_source(path: Path, file: BinaryIO, page: PageChoice, max_pixels: int) -> Source:
    """Find out who reads a file. page: which picture of several, from 1.

    Raises PictureError for too many pixels, several pages of which none was chosen, and what is no picture, and
    whatever Pillow raises for a header.
    """
    head = _head(file)
    kind, other = read_kind(head), other_kind(head)
    if is_raw(path, kind):
        return _open_raw(path, file, page, max_pixels)
    if other:
        raise OtherKindError(other)
    source = Source(path, file, kind)
    if source.kind == "TIFF":
        _open_tiff(source, page, max_pixels)
    elif source.kind == "JPEG":
        _open_jpeg(source, page, max_pixels)
    else:
        _open_by_pillow(source, page, max_pixels)
    return source


def count_pages(path: Path) -> int:
    """How many pictures a file has; 1 where that cannot be told, and whoever reads it will say why."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return 1
        with path.open("rb") as file:
            if read_kind(_head(file)) == "TIFF":
                return len(find_pages(file))
            file.seek(0)
            with Image.open(file, formats=readers("")) as image:
                return 1 if image.format in ONE_PICTURE else getattr(image, "n_frames", 1)
    except Exception:  # Pillow lets whatever its parts raise through
        return 1


def _open_tiff(source: Source, choice: PageChoice, max_pixels: int) -> None:
    try:
        pages = find_pages(source.file)
    except (ValueError, struct.error) as error:
        raise PictureError(f"header is damaged ({one_line(error)}); replace the file") from error
    number = choose(len(pages), choice)
    page = source.page = pages[number]
    source.size = page.size
    _check_pixels(source.size, max_pixels)
    if page.at != page.first:
        source.file = io.BytesIO(begin_with(source.file, page))
    if not page.ways_of_its_own():
        try:
            source.file.seek(0)
            source.image = Image.open(source.file, formats=readers("TIFF"))
            return
        except UnidentifiedImageError:
            pass  # Pillow has no mode for it
    archived = source.file

    def read() -> Stored:
        archived.seek(0)
        return archive.read_tiff(archived, page)

    source.stored = read


def _open_raw(path: Path, file: BinaryIO, choice: PageChoice, max_pixels: int) -> Source:
    choose(1, choice)
    opened = Raw(file, path.suffix)
    _check_pixels(opened.size, max_pixels)
    return Source(path, file, "RAW", opened.size, stored=opened.develop)


def _open_jpeg(source: Source, choice: PageChoice, max_pixels: int) -> None:
    data = source.data()
    source.jpeg = jpegs.parse(data)
    frame = source.jpeg.frame
    what, codec = frame.ways_of_its_own() if frame else ("", "")
    if not frame or not what:
        _open_by_pillow(source, choice, max_pixels)
        return
    choose(1, choice)
    source.size = frame.width, frame.height
    _check_pixels(source.size, max_pixels)

    def read() -> Stored:
        stored = archive.read_jpeg(data, what, codec)
        if frame.bits > 8:
            # No JPEG that is written here keeps more.
            source.warnings.append(f"its {frame.bits} bits become 8, since its format is written with no more")
            return archive.to_whole_range(stored, frame.bits)
        return stored

    source.stored = read


def _open_by_pillow(source: Source, choice: PageChoice, max_pixels: int) -> None:
    source.file.seek(0)
    try:
        image = Image.open(source.file, formats=readers(source.kind))
    except UnidentifiedImageError:
        raise _unidentified(source) from None
    except Exception as error:
        if not is_unsupported(one_line(error)):
            raise
        _open_by_archive(source, choice, max_pixels, one_line(error))
        return
    source.image, source.kind = image, source.kind or (image.format or "")
    if image.mode == "F":
        raise OtherKindError("a picture of floating-point samples, which have no fixed white")
    source.size = image.size
    _check_pixels(image.size, max_pixels)
    frames = 1 if image.format in ONE_PICTURE else getattr(image, "n_frames", 1)
    number = choose(frames, choice)
    if number:
        image.seek(number)


def _open_by_archive(source: Source, choice: PageChoice, max_pixels: int, complaint: str) -> None:
    """What Pillow says that it does not know."""
    what = f"{_a(source.kind)} of a rare layout ({complaint})"
    if source.kind != "BMP":
        raise OtherKindError(what)
    choose(1, choice)
    data = source.data()
    width, height = struct.unpack_from("<ii", data, 18)
    source.size = abs(width), abs(height)
    _check_pixels(source.size, max_pixels)
    source.stored = lambda: archive.read_other("bmp", data, what)


def choose(pages: int, choice: PageChoice) -> int:
    """The number, from 0, of the page to read. Raises PictureError where that is not clear, or there is none."""
    if choice is None and pages > 1:
        raise PictureError(f"has {pages} pages or frames; choose with --page N, --page first or --page all")
    if choice is not None and choice > pages:
        raise PictureError(f"has {pages} page{'s' if pages > 1 else ''}, and no page {choice}")
    return (choice or 1) - 1


def _unidentified(source: Source) -> PictureError:
    """Why Pillow knows nothing of it."""
    head, named = _head(source.file), SUFFIXES.get(source.path.suffix.lower())
    kind = source.kind or (named.name if named and not can_read(named.name) else "")
    if not head:
        return PictureError("is empty; replace the file or remove it")
    if kind and not can_read(kind):
        return PictureError(missing(next(known for known in SUFFIXES.values() if known.name == kind)))
    if kind == "PSD":
        return _photoshop(head)
    if kind == "PPM" and head[:2] not in (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"):
        return OtherKindError("a PAM picture" if head[:2] == b"P7" else "a Netpbm picture of floating-point samples")
    if kind:
        return PictureError(f"header is damaged (it begins like {_a(kind)}); replace the file")
    return PictureError("is not a picture in a format that can be read; replace the file or remove it")


def _photoshop(head: bytes) -> PictureError:
    version, _, _, _, depth, _ = struct.unpack_from(">H6xHIIHH", head.ljust(HEAD, b"\0"), 4)
    if version == 2:
        return OtherKindError("a large Photoshop file (PSB)")
    if version == 1 and depth in (1, 16, 32):
        return OtherKindError(f"a Photoshop file of {depth} bits")
    return PictureError("header is damaged (it begins like a Photoshop file); replace the file")


def open_stored(source: Source, complaint: str) -> Stored | None:
    """A second reader for what Pillow could not decode though it is sound, or None."""
    if source.kind == "JPEG2000":
        data = source.data()
        found = jp2.layout(data)
        if found and found.subsampled:
            return archive.read_other("jpeg2k", data, "a JPEG 2000 picture whose components lack pixels (subsampled)")
    if source.page is not None and source.page.compression == 1 and archive.is_installed():
        # Tiles that Pillow does not put together.
        source.file.seek(0)
        return archive.read_tiff(source.file, source.page)
    if is_unsupported(complaint):
        raise OtherKindError(f"{_a(source.kind)} of a rare layout ({complaint})")
    return None


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    megapixels, limit = size[0] * size[1] / 1e6, max_pixels / 1e6
    if megapixels > limit:
        raise PictureError(
            f"{size[0]} x {size[1]} is {megapixels:.0f} megapixels, more than the limit of "
            f"{limit:.0f}; raise --max-pixels if the picture can be trusted"
        )


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(max(HEAD, 132 + 8))


def _a(kind: str) -> str:
    names = {"JPEG2000": "JPEG 2000 picture", "WEBP": "WebP picture", "PPM": "Netpbm picture", "PSD": "Photoshop file"}
    name = names.get(kind, f"{kind} picture")
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"
