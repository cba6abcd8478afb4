"""Which directory of a TIFF is the picture, and whether Pillow reads it right."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from ..notes.tags import Directory, Reader
from .kinds import OtherKindError

NEW_SUBFILE, SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
OFFSETS, ORIENTATION, SAMPLES, COUNTS, PLANAR, SUB_IFDS, EXTRA, FORMAT = 273, 274, 277, 279, 284, 330, 338, 339
TILE_OFFSETS, TILE_COUNTS, INK_SET = 324, 325, 332
SECOND_PAGE, REDUCED_OLD = 2, 2
LAYERS = frozenset({37724})
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, CMYK, YCBCR, CIELAB = 0, 1, 2, 3, 4, 5, 6, 8
UNSIGNED, UNDEFINED = 1, 4
ASSOCIATED = 1
FAX, JPEG = (2, 3, 4, 32771), (6, 7)
BY_OPENCV = {1, 5, 8, 32773, 32946}
BY_PILLOW = {1, *FAX, 5, *JPEG, 8, 32773, 32946, 34925, 50000}
NAMES = {
    9: "JBIG",
    10: "JBIG",
    32809: "ThunderScan",
    32895: "packed raw",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    33007: "JPEG",
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv",
    34712: "JPEG 2000",
    34715: "JBIG2",
    34887: "LERC",
    34892: "lossy DNG",
    34925: "LZMA",
    34933: "PNG",
    34934: "JPEG XR",
    50000: "zstd",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}


@dataclass(frozen=True)
class Page:
    """One directory of a TIFF that describes pixels."""

    at: int
    first: int
    """Where the file's first directory begins."""
    order: str
    big: bool
    tags: Directory
    broken: tuple[int, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as displayed."""
        stored = self.tags.first(WIDTH, 0), self.tags.first(HEIGHT, 0)
        return stored[::-1] if self.orientation >= 5 else stored

    @property
    def orientation(self) -> int:
        found = self.tags.first(ORIENTATION, 1)
        return found if found in range(1, 9) else 1

    @property
    def is_part(self) -> bool:
        """Whether it says itself that it is a smaller copy, a mask or the like, and no picture of its own."""
        return bool(self.tags.first(NEW_SUBFILE, 0) & ~SECOND_PAGE) or self.tags.first(SUBFILE, 1) == REDUCED_OLD

    @cached_property
    def bits(self) -> tuple[int, ...]:
        return self.tags.all(BITS) or (1,)

    @property
    def compression(self) -> int:
        return self.tags.first(COMPRESSION, 1)

    @property
    def photometric(self) -> int:
        return self.tags.first(PHOTOMETRIC, BLACK_IS_ZERO)

    @property
    def samples(self) -> int:
        return self.tags.first(SAMPLES, 1)

    @property
    def planes(self) -> bool:
        """Whether its samples are stored plane after plane."""
        return self.tags.first(PLANAR, 1) == 2 and self.samples > 1

    @property
    def formats(self) -> set[int]:
        return set(self.tags.all(FORMAT)) or {UNSIGNED}

    @property
    def has_white(self) -> bool:
        """Whether its samples are unsigned integers of at most 16 bits."""
        return self.formats <= {UNSIGNED, UNDEFINED} and max(self.bits) <= 16

    @property
    def is_cmyk(self) -> bool:
        """Whether its inks are cyan, magenta, yellow and black."""
        return self.photometric == CMYK and self.tags.first(INK_SET, 1) == 1

    @property
    def colors(self) -> int:
        """Samples of a pixel without alpha and the like."""
        return 4 if self.photometric == CMYK else 3 if self.photometric in (RGB, YCBCR) else 1

    def ways_of_its_own(self) -> str:
        """What Pillow does not read right in it, in words; "" where there is nothing."""
        bits, compression = max(self.bits), self.compression
        if compression not in BY_PILLOW:
            return f"a TIFF compressed as {NAMES.get(compression, f'kind {compression}')}"
        if self.photometric > CIELAB:
            return f"a TIFF of colors of kind {self.photometric}" if self.photometric < 32000 else "a raw camera file"
        if not self.has_white:
            kind = "floating-point" if 3 in self.formats else "signed" if 2 in self.formats else "integer"
            return f"a TIFF of {kind} samples of {bits} bits"
        if len(set(self.bits)) > 1:
            return "a TIFF whose samples have different numbers of bits"
        plain = self.samples == 1 and self.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO)
        if bits == 12 and plain and self.order == "<" and compression == 1 and self.photometric == BLACK_IS_ZERO:
            return ""
        if bits not in (1, 2, 4, 8, 16) or (bits < 8 and self.samples > 1):
            return f"a TIFF of {bits} bits a sample"
        if self.planes and (bits == 16 or self.samples == 2 or self.photometric not in (RGB, CMYK)):
            return "a TIFF whose planes are stored apart"
        if bits == 16 and not plain and self.photometric == CMYK:
            return "a CMYK TIFF of 16 bits"
        if bits == 16 and not plain and (self.photometric != RGB or self.samples > 4):
            return (
                "a TIFF of grey and alpha with 16 bits" if self.samples == 2 else "a TIFF of 16 bits of a rare layout"
            )
        if bits == 16 and not plain and compression not in BY_OPENCV:
            return f"a TIFF of 16 bits compressed as {NAMES.get(compression, f'kind {compression}')}"
        if bits == 16 and self.samples == 4 and ASSOCIATED in self.tags.all(EXTRA):
            return "a TIFF of 16 bits with premultiplied alpha"
        return ""


def find_pages(file: BinaryIO) -> list[Page]:
    """The pictures of a TIFF, in its order: neither smaller copies nor masks. Raises ValueError where it has none."""
    reader = Reader(file)
    pages = [_page(reader, at) for at in reader.chain()]
    found = [page for page in pages if not page.is_part]
    if not found:
        inner = [_page(reader, at) for page in pages for at in page.tags.all(SUB_IFDS)]
        found = [page for page in inner if not page.is_part] or pages[:1]
    if not found:
        raise ValueError("it has no picture")
    return found


def begin_with(file: BinaryIO, page: Page) -> bytes:
    """The file with another directory as its first."""
    file.seek(0)
    data = bytearray(file.read())
    if page.big:
        struct.pack_into(f"{page.order}Q", data, 8, page.at)
    else:
        struct.pack_into(f"{page.order}I", data, 4, page.at)
    return bytes(data)


def refuse(page: Page) -> None:
    """Raise OtherKindError for what no reader here makes a picture of."""
    what = page.ways_of_its_own() or "a TIFF of a rare layout"
    if not page.has_white:
        raise OtherKindError(f"{what}, which have no fixed white")
    if page.photometric == PALETTE:
        raise OtherKindError(f"{what}, with a palette")
    bits = max(page.bits)
    if page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, YCBCR) and not (page.is_cmyk and bits == 8):
        raise OtherKindError(what)


def _page(reader: Reader, at: int) -> Page:
    broken = len(reader.broken)
    tags = reader.directory(at, LAYERS)
    return Page(at, reader.first, reader.order, reader.big, tags, tuple(reader.broken[broken:]))
