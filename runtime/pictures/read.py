"""Picture files to pictures: only whole ones, upright, in sRGB."""

from __future__ import annotations

import contextlib
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...color.errors import PictureError, one_line
from ...color.lab import Bytes
from ...color.png import is_whole, may_lack_rows
from ...color.profile import to_srgb
from ..formats import MAX_PIXELS, READABLE, SUFFIXES, missing
from .deep import is_deep, read_deep, to_bytes
from .exif import ORIENTATION
from .metadata import read_notes
from .picture import Picture
from .shaper import deep_to_srgb
from .turn import turn

# The limit is ours (`--max-pixels`), with our own sentence.
Image.MAX_IMAGE_PIXELS = None

# Frames of these are no pages: a preview or a second eye behind the photograph, and layers under the whole.
ONE_PICTURE = ("MPO", "PSD")


def read_size(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height as displayed. Raises PictureError like `read_picture`; not all damage is found.

    Mostly the header says it; a PNG may name its orientation behind its pixels, and is decoded to find out.
    """
    with _open(path, max_pixels) as image:
        size = image.size
        # Pillow has turned the size of a TIFF already.
        turned = image.format != "TIFF" and image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
        return size[::-1] if turned else size


def read_area(path: Path, max_pixels: int = MAX_PIXELS) -> int:
    """The number of pixels, from the header alone. Raises PictureError like `read_picture`; not all damage is found."""
    with _open(path, max_pixels) as image:
        return image.width * image.height


def read_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture: upright, in sRGB, with what its file carries; one of 16 bits with its samples, too.

    Raises PictureError: not a regular file, empty, not a picture, more than max_pixels, cut short, several pages, a
    profile or samples that cannot be converted.
    """
    with _open(path, max_pixels) as image:
        deep = is_deep(image, path)
        turned = _orientation(image) if image.format == "TIFF" else 1
        image.load()
        if image.format == "PNG" and _lacks_rows(image, path):
            raise PictureError("image data ends early, rows are missing; replace the file")
        if image.format != "TIFF":
            turned = _orientation(image)
        return _read_deep(image, path, turned) if deep else _read_bytes(image, path, turned)


def read_preview(path: Path, side: int, max_pixels: int = MAX_PIXELS) -> Bytes:
    """A picture at no more than `side` pixels a side, upright: uint8 [h, w, 3]. Of a JPEG only a part is decoded.

    To be looked at: profiles and alpha do not count. Raises PictureError like `read_picture`.
    """
    with _open(path, max_pixels) as image:
        turned = 1 if image.format == "TIFF" else _orientation(image)
        image.draft("RGB", (side, side))
        image.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
        small = to_bytes(np.asarray(image)) if is_deep(image, path) else np.asarray(image.convert("RGB"))
        return turn(np.dstack([small] * 3) if small.ndim == 2 else small[..., :3], turned)


def _read_bytes(image: Image.Image, path: Path, turned: int) -> Picture:
    upright = 1 if image.format == "TIFF" else turned  # Pillow has turned a TIFF by itself
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
    rgb, profile = to_srgb(flat, image.info.get("icc_profile"))
    return Picture(turn(rgb, upright), alpha, read_notes(image, path, turned, profile))


def _read_deep(image: Image.Image, path: Path, turned: int) -> Picture:
    samples, alpha = read_deep(image, path, turned)
    deep, profile = deep_to_srgb(samples, image.info.get("icc_profile"))
    return Picture(to_bytes(deep), alpha, read_notes(image, path, turned, profile), deep)


def _orientation(image: Image.Image) -> int:
    found = image.getexif().get(ORIENTATION, 1)
    return found if found in range(1, 9) else 1


def _lacks_rows(image: Image.Image, path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(29)
    last_row = np.asarray(image.crop((0, image.height - 1, image.width, image.height)))
    return may_lack_rows(header, last_row) and not is_whole(path.read_bytes())


@contextlib.contextmanager
def _open(path: Path, max_pixels: int) -> Iterator[Image.Image]:
    """An image whose header is sound. Whatever its readers raise, here or later, becomes one sentence."""
    what = "header is damaged"
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PictureError("not a regular file; only picture files can be coloured")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # By a handle: a name lets Pillow map the file, which ends the process where the file shrinks meanwhile, and
            # reads TIFFs of some orientations wrong.
            with path.open("rb") as file, Image.open(file, formats=READABLE) as image:
                _check(image, max_pixels)
                what = "image data is damaged or cut short"
                yield image
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(_unknown(path)) from None
    except MemoryError as error:
        raise PictureError("there is not enough memory to read it; lower --jobs") from error
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise PictureError(f"cannot be read ({error.strerror})") from error
        raise PictureError(f"{what} ({one_line(error)}); replace the file") from error


def _unknown(path: Path) -> str:
    if path.stat().st_size == 0:
        return "is empty; replace the file or remove it"
    kind = SUFFIXES.get(path.suffix.lower())
    if kind and kind.name not in READABLE:
        return missing(kind)
    return "is not a picture in a format that can be read; replace the file or remove it"


def _check(image: Image.Image, max_pixels: int) -> None:
    megapixels, limit = image.width * image.height / 1e6, max_pixels / 1e6
    if megapixels > limit:
        raise PictureError(
            f"{image.width} x {image.height} is {megapixels:.0f} megapixels, more than the limit of "
            f"{limit:.0f}; raise --max-pixels if the picture can be trusted"
        )
    pages = getattr(image, "n_frames", 1)
    if image.format not in ONE_PICTURE and pages > 1:
        raise PictureError(f"has {pages} pages or frames; save the wanted one as a file of its own")
