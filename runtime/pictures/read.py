"""Picture files to pictures: only whole ones, upright, in sRGB."""

from __future__ import annotations

import contextlib
import io
import re
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from PIL import Image

from ...color.errors import PictureError, one_line
from ...color.lab import Bytes, Deep
from ...color.png import is_whole, may_lack_rows, with_whole_key
from ...color.profile import to_srgb
from ..formats import MAX_PIXELS
from .decode import jpeg, libtiff
from .decode.archive import Stored
from .decode.deep import is_deep, read_deep, to_bytes
from .decode.source import PageChoice, Source, open_source, open_stored
from .decode.tiff_pages import FAX, JPEG
from .notes.exif import ORIENTATION
from .notes.metadata import read_notes
from .notes.png_notes import SIGNATURE, without_odd_chunks
from .picture import Picture
from .shaper import deep_to_srgb
from .turn import turn

T = TypeVar("T")
libtiff.be_quiet()


def read_size(path: Path, max_pixels: int = MAX_PIXELS, page: PageChoice = None) -> tuple[int, int]:
    """Width and height as displayed. Raises PictureError like `read_picture`; not all damage is found.

    Mostly the header says it; a PNG may name its orientation behind its pixels, and is decoded to find out.
    """

    def displayed(source: Source) -> tuple[int, int]:
        if source.image is None or source.page is not None:
            return source.size
        size = source.image.size
        return size[::-1] if source.image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8) else size

    return _with(path, max_pixels, page, displayed)


def read_area(path: Path, max_pixels: int = MAX_PIXELS, page: PageChoice = None) -> int:
    """The number of pixels, from the header alone. Raises PictureError like `read_picture`; not all damage is found."""
    return _with(path, max_pixels, page, lambda source: source.size[0] * source.size[1])


def read_picture(path: Path, max_pixels: int = MAX_PIXELS, page: PageChoice = None) -> Picture:
    """Read a picture: upright, in sRGB, with what its file carries; one of 16 bits with its samples, too.

    page: which one of several, from 1. Raises PictureError: not a regular file, empty, not a picture, more than
    max_pixels, cut short, several pages, a profile or samples that cannot be converted; OtherKindError for a sound
    picture of a kind that is not read.
    """
    return _with(path, max_pixels, page, _read)


def _with(path: Path, max_pixels: int, page: PageChoice, use: Callable[[Source], T]) -> T:
    """What `use` makes of an open file. Whatever its readers raise becomes one sentence."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PictureError("not a regular file; only picture files can be colored")
        # By a handle: a name lets Pillow map the file, which ends the process where the file shrinks meanwhile, and
        # reads TIFFs of some orientations wrong.
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            try:
                return _use(path, file, page, max_pixels, use, [])
            except Exception as error:
                file.seek(0)
                if (isinstance(error, PictureError) and "header" not in str(error)) or file.read(8) != SIGNATURE:
                    raise
                file.seek(0)
                sound, odd = without_odd_chunks(file.read())
                if not odd:
                    raise
                said = [f"its note {', '.join(dict.fromkeys(odd))} cannot be read and is left out"]
                return _use(path, io.BytesIO(sound), page, max_pixels, use, said)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("there is not enough memory to read it; lower --jobs") from error
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise PictureError(f"cannot be read ({error.strerror})") from error
        raise PictureError(f"image data is damaged or cut short ({one_line(error)}); replace the file") from error


def _use(
    path: Path, file: BinaryIO, page: PageChoice, max_pixels: int, use: Callable[[Source], T], said: list[str]
) -> T:
    source = open_source(path, file, page, max_pixels)
    source.warnings += said
    with contextlib.ExitStack() as closing:
        if source.image is not None:
            closing.enter_context(source.image)
        return use(source)


def _read(source: Source) -> Picture:
    if source.image is None:
        assert source.stored
        return _of_samples(source, source.stored())
    image = source.image
    picture = _read_sound_jpeg(source, image)
    if picture is not None:
        return picture
    deep = is_deep(image, source.data)
    try:
        image.load()
    except Exception as error:
        stored = open_stored(source, one_line(error))
        if stored is not None:
            return _of_samples(source, stored)
        _explain(source, error)
        raise
    if source.kind == "PNG":
        source.file.seek(0)
        header = source.file.read(29)
        if _lacks_rows(image, header, source):
            raise PictureError("image data ends early, rows are missing; replace the file")
        with_whole_key(image, header)
    _listen(source)
    turned = source.page.orientation if source.page else _orientation(image)
    picture = _read_deep(source, image, turned) if deep else _read_bytes(source, image, turned)
    picture.warnings += source.warnings
    return picture


def read_preview(path: Path, side: int, max_pixels: int = MAX_PIXELS) -> Bytes:
    """A picture at no more than `side` pixels a side, upright: uint8 [h, w, 3]. Of a JPEG only a part is decoded.

    To be looked at: of a JPEG, profiles do not count. Raises PictureError like `read_picture`.
    """

    def preview(source: Source) -> Bytes:
        image = source.image
        if image is None or source.kind != "JPEG":
            image = Image.fromarray(_read(source).rgb)
            turned = 1
        else:
            turned = _orientation(image)
            image.draft("RGB", (side, side))
        image.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
        return turn(np.asarray(image.convert("RGB")), turned)

    return _with(path, max_pixels, None, preview)


def _read_sound_jpeg(source: Source, image: Image.Image) -> Picture | None:
    """A gray or RGB JPEG of which libjpeg says nothing; None for others, which Pillow decodes."""
    if source.jpeg is None or image.mode not in ("L", "RGB"):
        return None
    pixels = jpeg.decode(source.data(), image.mode == "L")
    if pixels is None:
        return None
    turned = _orientation(image)
    pixels, profile = to_srgb(pixels, _profile(source))
    return Picture(turn(pixels, turned), None, read_notes(source, turned, profile), warnings=source.warnings)


def _read_bytes(source: Source, image: Image.Image, turned: int) -> Picture:
    upright = 1 if source.page else turned  # Pillow has turned a TIFF by itself
    alpha = None
    if image.has_transparency_data:
        grey = image.mode in ("L", "LA", "La", "1")
        with_alpha = image.convert("LA" if image.mode == "La" else "RGBA")
        alpha = turn(np.asarray(with_alpha.getchannel("A")), upright)
        flat = with_alpha.convert("L" if grey else "RGB")
    else:
        flat = image.convert("L") if image.mode == "1" else image
        if flat.mode not in ("L", "RGB", "CMYK", "LAB"):
            flat = flat.convert("RGB")
    pixels, profile = to_srgb(flat, _profile(source))
    return Picture(turn(pixels, upright), alpha, read_notes(source, turned, profile))


def _read_deep(source: Source, image: Image.Image, turned: int) -> Picture:
    samples, alpha = read_deep(image, source.data, turned)
    return _of_deep(source, samples, alpha, turned)


def _of_deep(source: Source, samples: Deep, alpha: Deep | None, turned: int) -> Picture:
    deep, profile = deep_to_srgb(samples, _profile(source))
    return Picture(to_bytes(deep), alpha, read_notes(source, turned, profile), deep)


def _of_samples(source: Source, stored: Stored) -> Picture:
    """A picture of samples that are upright already."""
    turned = source.page.orientation if source.page else 1
    if stored.samples.dtype == np.uint16:
        picture = _of_deep(source, stored.samples, stored.alpha, turned)  # type: ignore[arg-type]
    else:
        pixels, profile = to_srgb(_flat(stored.samples), _profile(source))
        picture = Picture(pixels, stored.alpha, read_notes(source, turned, profile))
    picture.warnings += [*stored.warnings, *source.warnings]
    return picture


def _flat(samples: Any) -> Image.Image | Bytes:
    cmyk = samples.ndim == 3 and samples.shape[2] == 4
    return Image.frombytes("CMYK", samples.shape[1::-1], samples.tobytes()) if cmyk else samples


def _profile(source: Source) -> bytes | None:
    if source.page is not None:
        return source.page.tags.raw(34675)
    if source.image is not None:
        return source.image.info.get("icc_profile")
    return source.jpeg.profile if source.jpeg else None


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except Exception:  # whatever Pillow's parts raise; that the EXIF is damaged is said with the notes
        return 1
    return found if found in range(1, 9) else 1


# --- Damage that the decoders paint over ---


def _listen(source: Source) -> None:
    """Ask libjpeg and libtiff what they said. Raises PictureError where pixels are missing, warns of the rest."""
    if source.jpeg is not None and source.image is not None:
        said, missing = jpeg.listen(source.data())
        if missing:
            raise PictureError(f"image data is damaged, pixels are missing (libjpeg: {said}); replace the file")
        if said:
            source.warnings.append(f"image data is damaged and was read as well as it could be (libjpeg: {said})")
    elif source.page is not None and source.page.compression in (*FAX, *JPEG):
        _listen_to_libtiff(source)


def _listen_to_libtiff(source: Source) -> None:
    assert source.page is not None
    said = libtiff.listen(source.path, source.page.at)
    if said is None:
        source.warnings.append(
            "whether its pixels are whole cannot be told here: this Pillow's libtiff cannot be asked"
        )
        return
    errors = said.errors or tuple(text for text in said.warnings if re.search(r"(?i)premature|not enough|short", text))
    if errors:
        raise PictureError(f"image data is damaged, pixels are missing (libtiff: {_some(errors)}); replace the file")
    if said.warnings:
        source.warnings.append(
            f"image data is damaged and was read as well as it could be (libtiff: {_some(said.warnings)})"
        )


def _explain(source: Source, error: Exception) -> None:
    """Raise PictureError in libtiff's words, where Pillow has only a number."""
    if source.page is not None and (said := libtiff.listen(source.path, source.page.at)) and said.errors:
        raise PictureError(
            f"image data is damaged or cut short (libtiff: {_some(said.errors)}); replace the file"
        ) from error


def _some(texts: tuple[str, ...]) -> str:
    return texts[0] + (f", and {len(texts) - 1} more" if len(texts) > 1 else "")


def _lacks_rows(image: Image.Image, header: bytes, source: Source) -> bool:
    last_row = np.asarray(image.crop((0, image.height - 1, image.width, image.height)))
    return may_lack_rows(header, last_row) and not is_whole(source.data())
