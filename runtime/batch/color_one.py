"""One picture from file to file, by as many threads at once as there are."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...color.errors import PictureError, one_line
from ...color.hint_files import load_hints
from ...color.hints import Hints
from ...version import __version__
from ..colorizer import Colorizer
from ..files import make_parent, mode_for, show, temporary_file
from ..formats import SUFFIXES
from ..memory import give_back_freed_memory
from ..pictures import Notes, Picture, is_colored, read_area, read_picture, save_picture
from ..pictures.mark import mark
from ..pictures.notes.xmp import Provenance, with_provenance
from ..pictures.options import CODESTREAMS, HOLD_XMP
from .entries import Entry, Recipe
from .fingerprint import Fingerprint, take, unchanged
from .options import Settings
from .planning.job import Job
from .result import Result
from .transfer import color_anywhere

# Pictures in work at one time hold at most this many pixels together; one larger goes alone. A pixel takes about 12
# bytes, with 16 bits 20; of a gray TIFF, painted while it is written, 5.
PIXELS_IN_WORK = 60_000_000
# Above so many pixels, what decoding needed is given back before they are painted.
LARGE = 30_000_000


class PixelBudget:
    """Lets pictures in while the pixels in work stay within a limit; a picture above it waits until it is alone."""

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit, 0
        self._changed = threading.Condition()

    def take(self, pixels: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + pixels <= self._limit)
            self._used += pixels

    def give_back(self, pixels: int) -> None:
        with self._changed:
            self._used -= pixels
            self._changed.notify_all()


def color_one(colorizer: Colorizer, job: Job, settings: Settings, budget: PixelBudget) -> Result:
    """Read and color one picture into a temporary file beside its output, which `finish` puts into its place.

    What is wrong with the picture ends in the result, not in an exception.
    """
    begun = time.monotonic()
    try:
        area = read_area(job.source, settings.max_pixels, page_of(job, settings))
        budget.take(area)
        try:
            made = _color(colorizer, job, settings)
        finally:
            colorizer.clear()
            budget.give_back(area)
    except PictureError as error:
        return Result(job, time.monotonic() - begun, error=str(error))
    except OSError as error:
        sentence = f"{show(error.filename or job.output)}: {error.strerror or error}"
        return Result(job, time.monotonic() - begun, error=sentence)
    return replace(made, seconds=time.monotonic() - begun)


def _color(colorizer: Colorizer, job: Job, settings: Settings) -> Result:
    source, *hint_files = prints = [take(path) for path in (job.source, *job.hints)]
    picture = read_picture(job.source, settings.max_pixels, page_of(job, settings))
    if settings.strict and picture.warnings:
        raise PictureError(f"{'; '.join(picture.warnings)}; refused by --strict")
    height, width = picture.pixels.shape[:2]
    if height * width > LARGE:
        give_back_freed_memory()
    hints = load_hints(job.hints, (width, height)) if job.hints else None
    for path, before in zip((job.source, *job.hints), prints, strict=True):
        # What was colored must be what was fingerprinted, and no half-written file.
        if not unchanged(path, before):
            raise PictureError(f"{show(path)} changed while it was read; run again when it is complete")
    kept = settings.keep_color and hints is None and picture.pixels.ndim == 3 and is_colored(picture.pixels)
    lost: list[str] = []
    make_parent(job.output, Path(job.roots.output))
    with temporary_file(job.output) as temporary:
        if kept and job.output.suffix == job.source.suffix:
            shutil.copyfile(job.source, temporary)
        else:
            if not kept:
                picture = _paint(colorizer, picture, hints, settings, job.output.suffix)
                if settings.mark:
                    picture = mark(picture)
                if settings.provenance:
                    picture = _signed(picture, job, colorizer, hints, hint_files)
            lost = save_picture(temporary, picture, settings.quality, settings.tiff_compression)
        temporary.chmod(mode_for(job.output))
        output = take(temporary)._replace(changed=0)
    engine = colorizer.engine
    recipe = Recipe(
        colorizer.bundle.manifest.fingerprint,
        settings.shaping(job.made),
        f"{engine.backend} on {engine.device}, {engine.about}",
    )
    entry = Entry(source, tuple(hint_files), output, recipe)
    warnings = (*picture.warnings, *(hints.warnings if hints else ()))
    return Result(job, 0.0, (width, height), None, str(temporary), entry, kept, warnings, tuple(lost))


def _paint(colorizer: Colorizer, picture: Picture, hints: Hints | None, settings: Settings, suffix: str) -> Picture:
    colorizer.set_image(picture.pixels)
    kind = SUFFIXES.get(suffix.lower())
    if kind is not None and kind.bands:
        return replace(picture, bands=colorizer.bands(hints, settings.vividness, picture.deep))
    if picture.deep is not None:
        return replace(picture, deep=colorizer.color_deep(picture.deep, hints, settings.vividness))
    padded = kind is not None and kind.name == "JPEG"
    return replace(picture, pixels=colorizer.color(hints, settings.vividness, padded))


def page_of(job: Job, settings: Settings) -> int | None:
    """Which picture of its file is asked for."""
    return job.page or (settings.page if isinstance(settings.page, int) else None)


def _signed(
    picture: Picture, job: Job, colorizer: Colorizer, hints: Hints | None, hint_files: list[Fingerprint]
) -> Picture:
    """The picture with the note on where its colors come from, where its output's format has a place for one."""
    kind = SUFFIXES.get(job.output.suffix.lower())
    if kind is None or kind.name not in HOLD_XMP or job.output.suffix.lower() in CODESTREAMS:
        return picture
    provenance = Provenance(
        version=__version__,
        bundle=colorizer.bundle.manifest.fingerprint,
        hints=hints.count if hints else 0,
        hint_files=tuple(f"blake2b-128:{print.digest}" for print in hint_files),
    )
    notes = picture.notes or Notes()
    try:
        return replace(picture, notes=replace(notes, xmp=with_provenance(notes.xmp, provenance)))
    except ValueError as error:
        sentence = f"{one_line(error)}, so nothing in it says where the colors come from"
        return replace(picture, warnings=[*picture.warnings, sentence])


def color_by_threads(colorizer: Colorizer, settings: Settings) -> Callable[[Job], Result]:
    """`color_one` for several threads at once: they share the engine and the pixels in work."""
    local = threading.local()
    budget = PixelBudget(PIXELS_IN_WORK)

    def color(job: Job) -> Result:
        if not hasattr(local, "colorizer"):
            local.colorizer = colorizer.share()
        return color_anywhere(color_here, job)

    def color_here(job: Job) -> Result:
        return color_one(local.colorizer, job, settings, budget)

    return color
