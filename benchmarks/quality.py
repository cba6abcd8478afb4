"""How near the colours come: gcolor and classical baselines on photographs, with more and more true hints.

    python benchmarks/quality.py PHOTOS [--bundle DIR] [--limit N] [--counts 0,1,10,36,100] [--adherence] [--json]

Each photo is stretched to 256 x 256 and made grey. N hints of 3 x 3 pixels show its own colours at random places; the
first of 100 hints are the same as the first of 10. All methods get the same hint raster, and all scores are those of
the RGB picture that comes out, so that a method's own rounding and gamut count too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import cv2
import gcolor
import numpy as np
from baselines import kernel_regression, nearest_hint
from gcolor.cli.evaluate import read_counts
from gcolor.color import lab, protocol, scores
from gcolor.runtime.machine import describe
from levin import levin
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SIZE = protocol.SIZE
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
BASELINES: dict[str, Callable[[Floats, Floats, Mask], Floats]] = {
    "levin": levin,
    "nearest": lambda lightness, hint_ab, mask: nearest_hint(mask, hint_ab),
    "kernel": kernel_regression,
}
SCORES = {"psnr": "PSNR dB", "accuracy": "bin accuracy", "rmse": "ab RMSE", "ciede": "CIEDE2000"}

# Adherence: the hint's chroma, its least distance from the true colour, and the lightness that has room for both.
CHROMA = (15.0, 60.0)
FOREIGN = 20.0
LIGHTNESS = (25.0, 85.0)
CLOSE = 6.0  # ab distance that counts as the hinted colour
NEAR, FAR = 12.0, 100.0  # pixels


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph at 256 x 256: the truth, and what its colourists see."""

    name: str
    rgb: Bytes
    lab: Floats
    grey: Bytes

    @property
    def lightness(self) -> Floats:
        return self.lab[..., 0]

    def rng(self, purpose: str) -> np.random.Generator:
        return protocol.generator(self.name, purpose)

    def hints(self, count: int) -> Bytes:
        return protocol.true_hints(self.rgb, self.name, count)


Method = Callable[[Photo, Bytes], Bytes]


def find_photos(folder: Path, limit: int | None) -> list[Path]:
    """Photographs in a folder and below, in the order of their names' hash: the first N are a fair sample of all."""
    found = [p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES]
    return protocol.sample(found, limit)


def read_photo(path: Path) -> Photo:
    data = np.frombuffer(path.read_bytes(), np.uint8)
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if bgr is None:
        raise click.ClickException(f"{path}: not a picture that OpenCV can read")
    rgb = cv2.resize(bgr[..., ::-1], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    truth = lab.rgb_to_lab(rgb)
    return Photo(path.name, rgb, truth, lab.lab_to_rgb(truth * (1.0, 0.0, 0.0)))


def gcolor_method(colorizer: gcolor.Colorizer) -> Method:
    def color(photo: Photo, hints: Bytes) -> Bytes:
        colorizer.set_image(photo.grey, grid=(SIZE, SIZE))
        return colorizer.color(hints)

    return color


def baseline_method(spread: Callable[[Floats, Floats, Mask], Floats]) -> Method:
    def color(photo: Photo, hints: Bytes) -> Bytes:
        ab = spread(photo.lightness, lab.rgb_to_lab(hints[..., :3])[..., 1:], hints[..., 3] >= 128)
        return lab.lab_to_rgb(np.concatenate([photo.lab[..., :1], ab], axis=-1))

    return color


def measure(photos: list[Path], methods: dict[str, Method], counts: list[int]) -> list[dict[str, Any]]:
    """Scores of each method at each number of hints, photo by photo so that memory stays flat."""
    pictures: dict[tuple[str, int], list[dict[str, float]]] = {(m, n): [] for m in methods for n in counts}
    for path in progress(photos, "colouring"):
        photo = read_photo(path)
        for (name, count), rows in pictures.items():
            hints = photo.hints(count)
            start = time.perf_counter()
            found = methods[name](photo, hints)
            seconds = time.perf_counter() - start
            rows.append({**scores.picture_scores(found, photo.rgb, photo.lab), "seconds": seconds})
    return [{"method": m, "hints": n, **scores.summarise(rows)} for (m, n), rows in pictures.items()]


def rises(rows: list[dict[str, Any]]) -> dict[str, dict[str, bool]]:
    """Does each method's mean PSNR and bin accuracy rise with every step in hints, strictly?"""
    found: dict[str, dict[str, bool]] = {}
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if row["method"] == method]
        found[method] = {
            name: all(a[name]["mean"] < b[name]["mean"] for a, b in zip(mine, mine[1:], strict=False))
            for name in ("psnr", "accuracy")
        }
    return found


def gamut_ab(lightness: float, ab: Floats) -> Floats:
    """Chroma [2] moved into the sRGB gamut at a lightness, which stays."""
    linear = lab.into_gamut(lab.lab_to_linear(np.array([lightness, *ab])))
    return lab.rgb_to_lab(lab.linear_to_srgb(linear))[1:]


def foreign_hint(photo: Photo) -> tuple[int, int, Bytes, Floats] | None:
    """A random place and a colour that is not there: y, x, sRGB [3], its chroma [2] at the picture's lightness.

    None for a photo that has no place of fitting lightness, such as one that is black throughout.
    """
    rng = photo.rng("adherence")
    for _ in range(1000):
        y, x = rng.integers(1, SIZE - 1, 2)
        lightness = float(photo.lightness[y, x])
        if not LIGHTNESS[0] <= lightness <= LIGHTNESS[1]:
            continue
        hue, chroma = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(*CHROMA)
        ab = gamut_ab(lightness, chroma * np.array([np.cos(hue), np.sin(hue)]))
        colour = lab.lab_to_rgb(np.array([lightness, *ab]))
        if np.hypot(*(ab - photo.lab[y, x, 1:])) >= FOREIGN:
            return int(y), int(x), colour, gamut_ab(lightness, lab.rgb_to_lab(colour)[1:])
    return None


def adherence(photos: list[Path], method: Method) -> dict[str, Any]:
    """How well one foreign hint is obeyed at its centre, and how far its colour leaks.

    Leak is the mean |ab with the hint - ab without|: near the hint, far from it, and far in other segments
    (Felzenszwalb and Huttenlocher 2004, on lightness).
    """
    from skimage.segmentation import felzenszwalb

    misses: list[float] = []
    leaks: dict[str, list[float]] = {"near": [], "far": [], "far_other": []}
    for path in progress(photos, "adherence"):
        photo = read_photo(path)
        hint = foreign_hint(photo)
        if hint is None:
            continue
        y, x, colour, hint_ab = hint
        raster = photo.hints(0)
        plain = lab.rgb_to_lab(method(photo, raster))[..., 1:]
        raster[y - 1 : y + 2, x - 1 : x + 2] = [*colour, 255]
        hinted = lab.rgb_to_lab(method(photo, raster))[..., 1:]
        misses.append(float(np.hypot(*(hinted[y, x] - hint_ab))))

        change = np.linalg.norm(hinted - plain, axis=-1)
        rows, columns = np.ogrid[:SIZE, :SIZE]
        distance = np.hypot(rows - y, columns - x)
        segments = felzenszwalb(photo.lightness / 100.0, scale=200, sigma=0.8, min_size=64)
        far = distance > FAR
        where = {"near": distance <= NEAR, "far": far, "far_other": far & (segments != segments[y, x])}
        for name, pixels in where.items():
            if pixels.any():
                leaks[name].append(float(change[pixels].mean()))
    if not misses:
        return {"photos": 0}
    miss = np.array(misses)
    at_hint = {
        **scores.mean_and_error(miss),
        "p95": float(np.percentile(miss, 95)),
        "close": float((miss <= CLOSE).mean()),
    }
    return {
        "photos": len(misses),
        "at_hint": at_hint,
        "leak": {name: scores.mean_and_error(np.array(values)) for name, values in leaks.items() if values},
    }


def progress(photos: list[Path], what: str) -> Iterator[Path]:
    """Photos one after the other, with a bar on stderr when that is a terminal."""
    console = Console(stderr=True)
    yield from track(photos, description=what, console=console, disable=not console.is_terminal)


def machine() -> dict[str, str]:
    """What the figures were measured on, the baselines' packages included."""
    return {**describe(), "scipy": version("scipy"), "scikit-image": version("scikit-image")}


def plus_minus(value: dict[str, float], digits: int) -> str:
    return f"{value['mean']:.{digits}f} ± {value['error']:.{digits}f}"


def footer(report: dict[str, Any]) -> str:
    """Machine, versions and settings, as they stand under each table."""
    lines = [report["machine"], report["settings"]]
    return escape("\n".join(" ".join(f"{name}={value}" for name, value in line.items()) for line in lines))


def show(report: dict[str, Any]) -> None:
    """Both tables on stdout."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=132)
    table = Table(*["method", "hints", *SCORES.values(), "colourfulness", "s / picture"], caption=footer(report))
    for column in table.columns[1:]:
        column.justify = "right"
    for row in report["rows"]:
        cells = [plus_minus(row[name], 3 if name == "accuracy" else 2) for name in SCORES]
        cells += [plus_minus(row["colourfulness"], 2), f"{row['seconds']['mean']:.3f}"]
        table.add_row(row["method"], str(row["hints"]), *cells, end_section=row["hints"] == report["counts"][-1])
    console.print(table)
    for method, result in report["strictly_rising"].items():
        answer = {name: "yes" if ok else "NO" for name, ok in result.items()}
        console.print(
            f"{method}: strictly better with every step in hints? PSNR {answer['psnr']}, "
            f"bin accuracy {answer['accuracy']}"
        )
    obeyed = report.get("adherence")
    if not obeyed or not obeyed["photos"]:
        return
    table = Table("one foreign hint", "ab distance", caption=footer(report), title=f"{obeyed['photos']} photos")
    at_hint, leak = obeyed["at_hint"], obeyed["leak"]
    table.add_row("from the hint at its centre, mean", plus_minus(at_hint, 2))
    table.add_row("  95th percentile", f"{at_hint['p95']:.2f}")
    table.add_row(f"  share within {CLOSE:.0f}", f"{at_hint['close']:.1%}", end_section=True)
    labels = {
        "near": f"leak within {NEAR:.0f} px",
        "far": f"leak beyond {FAR:.0f} px",
        "far_other": f"leak beyond {FAR:.0f} px in other segments",
    }
    for name, value in leak.items():
        table.add_row(labels[name], plus_minus(value, 2))
    console.print(table)


def read_baselines(_: click.Context, __: click.Parameter, text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(BASELINES)}")
    return names


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("photos", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--bundle",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Default: the model that ships with gcolor.",
)
@click.option("--limit", type=click.IntRange(min=1), help="A seeded sample of this many photos; the default is all.")
@click.option("--counts", default="0,1,10,36,100", show_default=True, callback=read_counts, help="Numbers of hints.")
@click.option("--baselines", default="", callback=read_baselines, help=f"Of {','.join(BASELINES)}, with commas.")
@click.option("--gcolor/--no-gcolor", "ours", default=True, help="Without it only the baselines run.")
@click.option("--adherence", "obey", is_flag=True, help="Also: is one foreign hint obeyed, and does it leak?")
@click.option("--threads", type=click.IntRange(min=0), default=0, show_default=True, help="gcolor's; 0 for all cores.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout instead of the tables.")
def command(
    photos: Path,
    bundle: Path | None,
    limit: int | None,
    counts: list[int],
    baselines: list[str],
    ours: bool,
    obey: bool,
    threads: int,
    as_json: bool,
) -> None:
    """Score colours against those of the photographs in PHOTOS."""
    paths = find_photos(photos, limit)
    if not paths:
        raise click.ClickException(f"{photos}: no photographs here ({', '.join(sorted(SUFFIXES))})")
    methods: dict[str, Method] = {}
    model = "none"
    if ours:
        try:
            colorizer = gcolor.Colorizer(bundle, threads=threads)
        except gcolor.GcolorError as error:
            raise click.ClickException(str(error)) from error
        methods["gcolor"] = gcolor_method(colorizer)
        model = colorizer.bundle.name
    methods |= {name: baseline_method(BASELINES[name]) for name in baselines}
    if not methods or (obey and not ours):
        raise click.UsageError("nothing to measure: --no-gcolor needs --baselines, and --adherence needs gcolor")

    rows = measure(paths, methods, counts)
    report: dict[str, Any] = {
        "settings": {
            "photos": photos.name,
            "count": len(paths),
            "size": SIZE,
            "hint": "3x3",
            "model": model,
            "threads": threads,
            "counts": ",".join(map(str, counts)),
        },
        "machine": machine(),
        "counts": counts,
        "rows": rows,
        "strictly_rising": rises(rows),
    }
    if obey:
        report["adherence"] = adherence(paths, methods["gcolor"])
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        show(report)


if __name__ == "__main__":
    command()
