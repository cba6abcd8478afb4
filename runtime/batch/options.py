"""What a batch is asked for, and which of it does not go together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...color.errors import PictureError, UsageError
from ..device import parse_devices
from ..formats import MAX_PIXELS, SUFFIXES, Compression
from .check import IfExists
from .entries import canonical
from .opening import Opening
from .places import is_url

# Counted up when gcolor itself paints or writes otherwise than before: outputs are then made again.
STEPS = 1
# Formats, by Pillow's names, whose files a quality changes.
LOSSY = ("JPEG", "WEBP", "AVIF", "HEIF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How pictures are read and written."""

    quality: int | None = None
    """See `save_picture`."""
    keep_color: bool = False
    """Leave pictures that are in color already, and have no hints, as they are."""
    max_pixels: int = MAX_PIXELS
    vividness: float = 1.0
    """See `Colorizer.color`."""
    strict: bool = False
    """Fail where a decoder recovered from damage, or a note cannot be read."""
    page: int | Literal["all"] | None = None
    """Of files with several pictures: which one, from 1, or each as an output of its own; None fails them."""
    tiff_compression: Compression = "deflate"
    provenance: bool = True
    """Say in the XMP of outputs that their colors are inferred."""
    mark: bool = False
    """Say so in a corner of the pictures, too."""

    def shaping(self, name: str) -> str:
        """The settings that the bytes of an output of such a name or ending depend on. A limit changes none.

        One that has come since is named only where it is not the default: outputs of before stay current.
        """
        values: dict[str, Any] = {"steps": STEPS}
        kind = SUFFIXES.get(name[name.rfind(".") :].lower())
        if kind and kind.name in LOSSY:
            values["quality"] = self.quality
        if self.keep_color:
            values["keep_color"] = True
        if self.vividness != 1.0:
            values["vividness"] = self.vividness
        if isinstance(self.page, int):
            values["page"] = self.page
        if kind and kind.name == "TIFF" and self.tiff_compression != "deflate":
            values["tiff_compression"] = self.tiff_compression
        if not self.provenance and kind:
            # Not above: a rerun without work loads no decoder.
            from ..pictures.options import HOLD_XMP

            if kind.name in HOLD_XMP:
                values["provenance"] = False
        if self.mark:
            values["mark"] = True
        return canonical(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a batch is asked for; the command line's options of the same names, and what they do is said there.

    opening: which engine, and how much of the machine. device: one, or a list as `parse_devices` reads it.
    """

    images: Path | str | tuple[Path | str, ...]
    hints: Path | str | None = None
    output: Path | str | None = None
    pattern: str | None = None
    files_from: Path | None = None
    if_exists: IfExists = "auto"
    force: bool = False
    device: str = "auto"
    opening: Opening = field(default_factory=Opening)
    ray: str | None = None
    settings: Settings = field(default_factory=Settings)
    report: Path | None = None
    failures: Path | None = None
    watch: bool = False
    dry_run: bool = False


def refuse_contradictions(options: Options) -> None:
    """Raise UsageError for options that do not go together, EngineError for a device that is none."""
    parse_devices(options.device)
    if options.force and options.if_exists in ("skip", "error"):
        raise UsageError(f"--force makes outputs again, --if-exists {options.if_exists} forbids it; choose one")
    inputs = options.images if isinstance(options.images, tuple) else (options.images,)
    elsewhere = any(map(is_url, (*inputs, options.hints, options.output)))
    _check_compression(options.settings.tiff_compression)
    if options.settings.page == "all" and elsewhere:
        raise UsageError("--page all looks into the files first, which must be on this machine; choose --page N")
    if not options.watch:
        return
    if options.force or options.if_exists in ("overwrite", "error"):
        raise UsageError("--watch looks again and again: --force, --if-exists overwrite and error have no end there")
    if options.ray is not None or elsewhere:
        raise UsageError("--watch looks at folders of this machine, without --ray; leave it out")
    if len(inputs) > 1:
        raise UsageError("--watch looks at one folder; give the others a call of their own")
    if options.files_from or options.dry_run:
        raise UsageError("--watch is for a folder that fills up; leave --files-from and --dry-run out")


def _check_compression(compression: Compression) -> None:
    if compression in ("lzw", "zstd"):
        from ..pictures.tiff import encoder  # not above: a rerun without work loads no decoder

        try:
            encoder(compression)
        except PictureError as error:
            raise UsageError(f"--tiff-compression: {error}") from error
