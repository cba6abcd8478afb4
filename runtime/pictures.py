"""Picture files: read strictly, written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from ..color.errors import PictureError, one_line
from ..color.lab import Bytes
from ..color.walk import walk
from .files import replace_file

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
MAX_PIXELS = 200_000_000
ORIENTATION = 0x0112

# The limit is ours (`--max-pixels`), with our own sentence.
Image.MAX_IMAGE_PIXELS = None


@dataclass(slots=True)
class Picture:
    """rgb uint8 [H, W, 3] as displayed (EXIF rotation applied), alpha uint8 [H, W] or None, and the other EXIF."""

    rgb: Bytes
    alpha: Bytes | None
    exif: bytes | None


def find_pictures(folder: Path) -> list[Path]:
    """All files below a folder that are named like pictures, sorted; see `walk`."""
    return sorted(Path(entry.path) for _, entry in walk(folder, SUFFIXES))


def read_size(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height as displayed, from the header alone. Raises PictureError like `read_picture`."""
    with _open(path, max_pixels) as image:
        turned = image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
        return (image.height, image.width) if turned else image.size


def read_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture, to 8 bits per channel.

    Raises PictureError: not a regular file, empty, not a picture, more than max_pixels, cut short, several pages.
    """
    with _open(path, max_pixels) as image:
        try:
            image.load()
            frame = ImageOps.exif_transpose(image)
            exif = frame.getexif()
            exif.pop(ORIENTATION, None)
            alpha = np.asarray(frame.getchannel("A")) if "A" in frame.getbands() else None
            if alpha is None and "transparency" in frame.info:
                frame = frame.convert("RGBA")
                alpha = np.asarray(frame.getchannel("A"))
            rgb = np.asarray(_to_rgb(frame))
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, MemoryError) as error:
            raise PictureError(f"image data is damaged or cut short ({one_line(error)}); replace the file") from error
        return Picture(rgb, alpha, exif.tobytes() if len(exif) else None)


@contextlib.contextmanager
def _open(path: Path, max_pixels: int) -> Iterator[Image.Image]:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise PictureError("not a regular file; only picture files can be coloured")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                megapixels, limit = image.width * image.height / 1e6, max_pixels / 1e6
                if megapixels > limit:
                    raise PictureError(
                        f"{image.width} x {image.height} is {megapixels:.0f} megapixels, more than the limit of "
                        f"{limit:.0f}; raise --max-pixels if the picture can be trusted"
                    )
                # MPO is a JPEG with a preview or a second eye behind it; the first frame is the photograph.
                pages = getattr(image, "n_frames", 1)
                if image.format != "MPO" and pages > 1:
                    raise PictureError(f"has {pages} pages or frames; save the wanted one as a file of its own")
                yield image
    except PictureError:
        raise
    except UnidentifiedImageError:
        what = "is empty" if path.stat().st_size == 0 else "is not a picture in a format that can be read"
        raise PictureError(f"{what}; replace the file or remove it") from None
    except OSError as error:
        raise PictureError(f"cannot be read ({error.strerror or one_line(error)})") from error
    except (SyntaxError, ValueError, struct.error, EOFError, OverflowError, TypeError, IndexError) as error:
        raise PictureError(f"header is damaged ({one_line(error)}); replace the file") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode to 8-bit sRGB; colour pictures with another ICC profile are converted."""
    if image.mode == "F":
        raise ValueError("floating-point pixels have no fixed white; save it as 8 or 16 bits")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.float32)
        image = Image.fromarray(np.clip(np.rint(values * (255.0 / 65535.0)), 0, 255).astype(np.uint8))
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK") and b"sRGB" not in profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            flat = image.convert("RGB") if image.mode == "RGBA" else image
            converted = ImageCms.profileToProfile(flat, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return converted if converted is not None else flat
        except ImageCms.PyCMSError as error:
            raise ValueError(f"its ICC profile cannot be used: {error}") from error
    return image if image.mode == "RGB" else image.convert("RGB")


def write_picture(path: Path, picture: Picture, quality: int = 92) -> None:
    """Write like `save_picture`, under a temporary name in the same folder, then renamed over the file."""
    try:
        replace_file(path, lambda temporary: save_picture(temporary, picture, quality))
    except OSError as error:
        raise PictureError(f"cannot be written ({error.strerror})") from error


def save_picture(path: Path, picture: Picture, quality: int = 92) -> None:
    """Write a file in the format of its name's ending; what an error leaves of it is no picture.

    quality: of JPEG and WebP, 1..100; JPEG keeps the full chroma resolution (4:4:4). Raises PictureError.
    """
    image = Image.fromarray(picture.rgb)
    suffix = path.suffix.lower()
    options: dict[str, object] = {}
    if picture.exif and suffix not in (".bmp",):
        options["exif"] = picture.exif
    match suffix:
        case ".jpg" | ".jpeg":
            kind = "JPEG"
            options |= {"quality": quality, "subsampling": 0}
        case ".png":
            kind = "PNG"
            options |= {"compress_level": 3}
        case ".webp":
            kind = "WEBP"
            options |= {"quality": quality}
        case ".bmp":
            kind = "BMP"
        case _:
            kind = "TIFF"
            options |= {"compression": "tiff_adobe_deflate"}
    if picture.alpha is not None and kind not in ("JPEG", "BMP"):
        image.putalpha(Image.fromarray(picture.alpha))
    data = io.BytesIO()
    try:
        # Not into the file itself: some encoders do not say why a disk refuses.
        image.save(data, kind, **options)
        path.write_bytes(data.getbuffer())
    except (OSError, ValueError) as error:
        raise PictureError(f"cannot be written ({getattr(error, 'strerror', None) or one_line(error)})") from error
