"""What writing costs: TIFF's compressions, levels and predictors at 8 and 16 bits, HEIC's presets, beside JPEG and PNG;
and painting at 16 bits beside 8.

    python benchmarks/writing.py PHOTOS [--limit 4] [--rounds 3] [--megapixels 1] [--json]

Everything takes turns on the same photographs. CPU time of this process (threads of encoders included), median of the
rounds, in ns for a pixel; more telling than these are the ratios to the first row of each table, of one run. Size is a
ratio, too. The 16 bits are those of the photograph with noise in the low byte, as scanners leave them.
"""

from __future__ import annotations

import json
import math
import statistics
import time
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import click
import cv2
import gcolor
import numpy as np
from gcolor.color.lab import Bytes, Deep, Samples
from gcolor.color.lab16 import at_lightness
from gcolor.runtime.formats import Compression
from gcolor.runtime.machine import describe
from gcolor.runtime.photos import load_photos
from gcolor.runtime.pictures import Notes
from gcolor.runtime.pictures.encode_deep import encode_deep
from gcolor.runtime.pictures.options import save_options
from gcolor.runtime.pictures.plugins import can_write
from gcolor.runtime.pictures.tiff import write_tiff
from PIL import Image
from rich.console import Console
from rich.table import Table

STRIP = 1 << 20
Write = Callable[[], Any]


def deflated(pixels: Samples, level: int, predictor: bool, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    """The strips of a TIFF as zlib packs them, whatever gcolor itself chooses."""
    data = pixels
    if predictor:
        data = pixels.copy()
        data[:, 1:] -= pixels[:, :-1]
    packed = []
    whole = data.tobytes()
    for at in range(0, len(whole), STRIP):
        stream = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
        packed.append(stream.compress(whole[at : at + STRIP]) + stream.flush())
    return b"".join(packed)


def saved(rgb: Bytes, kind: str, **options: Any) -> memoryview:
    """A file as Pillow writes it."""
    file = BytesIO()
    Image.fromarray(rgb).save(file, kind, **options)
    return file.getbuffer()


def written(pixels: Samples, compression: Compression) -> memoryview:
    """A TIFF as gcolor writes it."""
    file = BytesIO()
    write_tiff(file, [pixels], len(pixels), Notes(), compression)
    return file.getbuffer()


def tiffs(pixels: Samples) -> dict[str, Write]:
    """TIFF as gcolor writes it, below what zlib's levels and predictors would cost."""
    found: dict[str, Write] = {"zlib 6, differences": partial(deflated, pixels, 6, True)}
    for level in (1, 6):
        found[f"zlib {level}, as they are"] = partial(deflated, pixels, level, False)
    found["zlib 1, differences"] = partial(deflated, pixels, 1, True)
    found["zlib 1, differences, runs alone"] = partial(deflated, pixels, 1, True, zlib.Z_RLE)
    for compression in get_args(Compression):
        found[f"gcolor {compression}"] = partial(written, pixels, compression)
    return found


def others(rgb: Bytes, deep: Deep) -> dict[str, Write]:
    """The other formats as gcolor writes them at quality 92; HEIC by x265's other presets, too."""
    found: dict[str, Write] = {"PNG of 16 bits": lambda: b"".join(encode_deep("PNG", deep, Notes()))}
    for kind in ("JPEG", "PNG", "WEBP", "JPEG2000", "AVIF", "HEIF"):
        if can_write(kind):
            found[kind] = partial(saved, rgb, kind, **save_options(kind, Notes(), 92))
    if "HEIF" in found:
        for preset in ("veryfast", "medium", "slow"):
            options = save_options("HEIF", Notes(), 92) | {"enc_params": {"preset": preset}}
            found[f"HEIF, {preset}"] = partial(saved, rgb, "HEIF", **options)
    return {"JPEG": found.pop("JPEG"), **found}


def paintings(rgb: Bytes, deep: Deep) -> dict[str, Write]:
    """Coloring from array to array, and what 16 bits add to it."""
    colorizer = gcolor.Colorizer(device="cpu")
    colorizer.set_image(rgb)
    colored = colorizer.color()
    return {
        "painting": colorizer.color,
        "painting of 16 bits": partial(colorizer.color_deep, deep),
        "of that, colors put at 16 bits": partial(at_lightness, colored, deep),
    }


def measure(writers: dict[str, Write], rounds: int) -> dict[str, tuple[float, int]]:
    """CPU seconds, the median of rounds in turns, and bytes."""
    times: dict[str, list[float]] = {name: [] for name in writers}
    sizes = {}
    for number in range(rounds + 1):
        for name, write in writers.items():
            begun = time.process_time()
            made = write()
            if number:  # the first warms up
                times[name].append(time.process_time() - begun)
            sizes[name] = len(made) if isinstance(made, bytes | memoryview) else made.nbytes
    return {name: (statistics.median(times[name]), sizes[name]) for name in writers}


def distance(rgb: Bytes, data: bytes | memoryview) -> float:
    """PSNR of a file to what was written, dB."""
    found = np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(float)
    return 10.0 * math.log10(255.0**2 / max(float(np.mean((found - rgb) ** 2)), 1e-9))


def shrunk(rgb: Bytes, megapixels: float) -> Bytes:
    """A photograph at so many pixels at most: one that was enlarged would be smoother than photographs are."""
    factor = math.sqrt(megapixels * 1e6 / (rgb.shape[0] * rgb.shape[1]))
    if factor >= 1:
        return rgb
    size = max(16, round(rgb.shape[1] * factor)), max(16, round(rgb.shape[0] * factor))
    return np.ascontiguousarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def add(total: dict[str, dict[str, list[float]]], table: str, found: dict[str, tuple[float, int]], pixels: int) -> None:
    """Put one photograph's figures to the others."""
    for name, (seconds, size) in found.items():
        total.setdefault(f"{table}/{name}", {"ns": [], "bytes": []})["ns"].append(seconds / pixels * 1e9)
        total[f"{table}/{name}"]["bytes"].append(size / pixels)


@click.command()
@click.argument("photos", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--limit", default=4, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--megapixels", default=1.0, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(photos: Path, limit: int, rounds: int, megapixels: float, as_json: bool) -> None:
    """Tables of ns a pixel and bytes, as ratios to their first rows."""
    cv2.setNumThreads(1)
    total: dict[str, dict[str, list[float]]] = {}
    rng = np.random.default_rng(0)
    for _, photo in load_photos(photos, limit, None):
        rgb = shrunk(photo, megapixels)
        deep = (rgb.astype(np.uint16) * 257) ^ rng.integers(0, 256, rgb.shape, np.uint16)
        pixels = rgb.shape[0] * rgb.shape[1]
        add(total, "TIFF of 8 bits", measure(tiffs(rgb), rounds), pixels)
        add(total, "TIFF of 16 bits", measure(tiffs(deep), rounds), pixels)
        writers = others(rgb, deep)
        add(total, "other formats", measure(writers, rounds), pixels)
        for name, write in writers.items():
            if "16" not in name:
                total[f"other formats/{name}"].setdefault("psnr", []).append(distance(rgb, write()))
        add(total, "painting", measure(paintings(rgb, deep), rounds), pixels)
    means = {name: {key: float(np.mean(values)) for key, values in row.items()} for name, row in total.items()}
    if as_json:
        click.echo(json.dumps({"machine": describe(), "rows": means}))
        return
    console = Console()
    console.print(describe())
    for title in dict.fromkeys(name.split("/")[0] for name in means):
        rows = {name.split("/")[1]: row for name, row in means.items() if name.startswith(f"{title}/")}
        first = next(iter(rows.values()))
        table = Table(title, "ns a pixel", "time", "bytes", "PSNR dB")
        for name, row in rows.items():
            figures = (f"{row['ns']:.1f}", f"{row['ns'] / first['ns']:.2f}", f"{row['bytes'] / first['bytes']:.2f}")
            table.add_row(name, *figures, f"{row['psnr']:.1f}" if "psnr" in row else "")
        console.print(table)


if __name__ == "__main__":
    main()
