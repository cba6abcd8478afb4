"""Photoshop's image resources (APP13 of a JPEG, tag 34377 of a TIFF), without what is not true of the output."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..decode.jpeg import APP13, segment

NAME = b"Photoshop 3.0\0"
THUMBNAILS = {1033, 1036}
PROFILE = 1039
PIECE = 65000


def without_untrue(resources: bytes, converted: bool) -> bytes:
    """Resources without previews, which lack the colors, and, where colors were converted, without the profile.

    What has not the form of resources stays as it is.
    """
    untrue = THUMBNAILS | ({PROFILE} if converted else set())
    try:
        parts = list(_split(resources))
    except (ValueError, struct.error):
        return resources
    if not any(number in untrue for number, _ in parts):
        return resources
    return b"".join(part for number, part in parts if number not in untrue)


def true_segments(kept: bytes, converted: bool) -> bytes:
    """A JPEG's comments and APP13 segments with such resources; what is too long for one segment goes into several."""
    segments = list(_segments(kept))
    whole = b"".join(body[len(NAME) :] for marker, body in segments if _is_photoshop(marker, body))
    true = without_untrue(whole, converted)
    if true == whole:
        return kept
    pieces = [true[at : at + PIECE] for at in range(0, len(true), PIECE)]
    others = b"".join(segment(marker, body) for marker, body in segments if not _is_photoshop(marker, body))
    return b"".join(segment(APP13, NAME + piece) for piece in pieces) + others


def _is_photoshop(marker: int, body: bytes) -> bool:
    return marker == APP13 and body.startswith(NAME)


def _segments(kept: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(kept):
        length = int.from_bytes(kept[at + 2 : at + 4], "big")
        yield kept[at + 1], kept[at + 4 : at + 2 + length]
        at += 2 + length


def _split(resources: bytes) -> Iterator[tuple[int, bytes]]:
    """The number of each resource, and all of its bytes. Raises ValueError and struct.error for what is none."""
    at = 0
    while at < len(resources):
        if not resources[at:].strip(b"\0"):
            return  # padding
        if resources[at : at + 4] not in (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR"):
            raise ValueError("no resource")
        (number,) = struct.unpack_from(">H", resources, at + 4)
        name = 1 + resources[at + 6]
        begins = at + 6 + name + name % 2
        (size,) = struct.unpack_from(">I", resources, begins)
        ends = begins + 4 + size + size % 2
        if begins + 4 + size > len(resources):
            raise ValueError("a resource is cut short")
        yield number, resources[at:ends]
        at = ends
