"""The tags of a TIFF, or of EXIF, which is one: each with its own type, count and bytes. TIFF 6.0 and BigTIFF."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

# Bytes of one value of each type, and of the numbers that it is made of.
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
NUMBERS = {3: "H", 4: "I", 5: "I", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, IFD = 1, 2, 3, 4, 5, 7, 13
NARROWER = {16: 4, 17: 9, 18: 13}
WIDE = "HIQ"
EXIF_IFD, GPS_IFD, INTEROP_IFD = 34665, 34853, 40965
# Bytes of other formats, whatever the type says: programs write and read them in the order of the file.
XMP, IPTC, RESOURCES, PROFILE = 700, 33723, 34377, 34675
OPAQUE = {XMP, IPTC, RESOURCES, PROFILE}
MOST_ENTRIES = 4096


class Tag(NamedTuple):
    """The values of a tag, little-endian."""

    type: int
    values: int
    data: bytes

    def numbers(self) -> tuple[int | float, ...]:
        """The numbers in it: two for each fraction."""
        if self.type not in NUMBERS:
            return tuple(self.data)
        code = NUMBERS[self.type]
        return struct.unpack(f"<{len(self.data) // struct.calcsize(code)}{code}", self.data)


class Directory(dict[int, "Tag | Directory"]):
    """Tags by number; those that point to a directory hold it."""

    def first(self, tag: int, default: int) -> int:
        """The first number of a tag."""
        found = self.get(tag)
        numbers = found.numbers() if isinstance(found, Tag) else ()
        return int(numbers[0]) if numbers else default

    def all(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """All numbers of a tag."""
        found = self.get(tag)
        return tuple(int(v) for v in found.numbers()) if isinstance(found, Tag) else default

    def raw(self, tag: int) -> bytes | None:
        """The bytes of a tag."""
        found = self.get(tag)
        return found.data if isinstance(found, Tag) else None


class Reader:
    """Reads the directories of a TIFF, BigTIFF or EXIF. Raises ValueError for what is none of them.

    broken: the tags that were passed over, since they lead out of the file.
    """

    def __init__(self, file: BinaryIO, base: int = 0) -> None:
        self._file, self._base = file, base
        self._end = file.seek(0, os.SEEK_END)
        self.broken: list[int] = []
        head = self._read(0, 16)
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        version = struct.unpack(f"{self.order or '<'}H", head[2:4].ljust(2, b"\0"))[0]
        if not self.order or version not in (42, 43) or len(head) < 8:
            raise ValueError("no TIFF")
        self.big = version == 43
        if self.big and len(head) < 16:
            raise ValueError("BigTIFF is cut short")
        self.first = self._number(head[8:16] if self.big else head[4:8])

    def chain(self) -> Iterator[int]:
        """Where each directory of the chain begins."""
        at, seen = self.first, set[int]()
        while at and at not in seen and len(seen) < MOST_ENTRIES:
            seen.add(at)
            yield at
            count, entries, size = self._entries(at)
            tail = self._read(entries + count * size, 8 if self.big else 4)
            at = self._number(tail) if len(tail) == (8 if self.big else 4) else 0

    def directory(self, at: int, skip: frozenset[int] = frozenset(), depth: int = 0) -> Directory:
        """The tags of a directory, without those to skip. Raises ValueError where it is cut short."""
        found = Directory()
        count, entries, size = self._entries(at)
        data = self._read(entries, count * size)
        if len(data) < count * size:
            raise ValueError("a directory is cut short")
        for start in range(0, len(data), size):
            entry = data[start : start + size]
            number, kind = struct.unpack_from(f"{self.order}HH", entry)
            if number in skip:
                continue
            value = self._value(number, kind, entry)
            if value is None:
                self.broken.append(number)
            elif number in (EXIF_IFD, GPS_IFD, INTEROP_IFD) and depth < 3:
                try:
                    found[number] = self.directory(int(value.numbers()[0]), depth=depth + 1)
                except (ValueError, IndexError):
                    self.broken.append(number)
            else:
                found[number] = value
        return found

    def _entries(self, at: int) -> tuple[int, int, int]:
        """How many entries a directory has, where they begin, and the bytes of each."""
        width = 8 if self.big else 2
        head = self._read(at, width)
        if len(head) < width:
            raise ValueError("a directory lies outside of the file")
        count = self._number(head)
        if not 0 < count <= MOST_ENTRIES:
            raise ValueError(f"a directory of {count} entries")
        return count, at + width, 20 if self.big else 12

    def _value(self, number: int, kind: int, entry: bytes) -> Tag | None:
        count = self._number(entry[4:12] if self.big else entry[4:8])
        place = entry[12:20] if self.big else entry[8:12]
        length = count * SIZES.get(kind, 0)
        if not length:
            return None if kind not in SIZES else Tag(kind, 0, b"")
        if length <= len(place):
            data = place[:length]
        else:
            at = self._number(place)
            if self._base + at + length > self._end:
                return None
            data = self._read(at, length)
        if self.order == ">" and kind in NUMBERS and number not in OPAQUE:
            width = struct.calcsize(NUMBERS[kind])
            data = b"".join(data[i : i + width][::-1] for i in range(0, length, width))
        return Tag(kind, count, data)

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    def _read(self, at: int, length: int) -> bytes:
        if self._base + at > self._end:
            return b""
        self._file.seek(self._base + at)
        return self._file.read(length)


def ascii_tag(text: bytes) -> Tag:
    return Tag(ASCII, len(text) + 1, text + b"\0")


def short(*values: int) -> Tag:
    return Tag(SHORT, len(values), struct.pack(f"<{len(values)}H", *values))


def long(*values: int) -> Tag:
    return Tag(LONG, len(values), struct.pack(f"<{len(values)}I", *values))


def serialize(directory: Directory) -> bytes:
    """A little-endian TIFF that is nothing but a directory, as EXIF is. Values of 64 bits become those of 32."""
    return b"II*\0\x08\0\0\0" + _pack(directory, 8)


def _pack(directory: Directory, at: int) -> bytes:
    """A directory and what belongs to it, as they stand at an even offset in the file."""
    count = len(directory)
    behind = at + 2 + 12 * count + 4
    entries, values = [], bytearray()
    for number, tag in sorted(directory.items()):
        if isinstance(tag, Directory):
            inner = _pack(tag, behind + len(values))
            entries.append(struct.pack("<HHII", number, LONG, 1, behind + len(values)))
            values += inner + b"\0" * (len(inner) % 2)
            continue
        kind, length, data = _narrow(tag)
        if len(data) <= 4:
            entries.append(struct.pack("<HHI", number, kind, length) + data.ljust(4, b"\0"))
        else:
            entries.append(struct.pack("<HHII", number, kind, length, behind + len(values)))
            values += data + b"\0" * (len(data) % 2)
    return struct.pack("<H", count) + b"".join(entries) + bytes(4) + bytes(values)


def _narrow(tag: Tag) -> Tag:
    """A tag as classic TIFF has it. Raises ValueError where a number does not fit."""
    if tag.type not in NARROWER:
        return tag
    kind = NARROWER[tag.type]
    try:
        return Tag(kind, tag.values, struct.pack(f"<{tag.values}{NUMBERS[kind]}", *tag.numbers()))
    except struct.error as error:
        raise ValueError("a number of 64 bits") from error


def fits_classic(tag: Tag | Directory) -> bool:
    """Whether a tag can be written into a classic TIFF."""
    try:
        if isinstance(tag, Tag):
            _narrow(tag)
    except ValueError:
        return False
    return True
