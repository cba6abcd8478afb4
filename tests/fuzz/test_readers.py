"""Whatever bytes come in, only our own errors come out.

Valid files are mutated, by Hypothesis here: the same examples each time, in less than a minute. For longer, with
coverage to guide it, `python tests/fuzz/long_run.py TARGET -max_total_time=120` runs the same targets by Atheris.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from gcolor.color import hint_files, hint_pictures
from gcolor.color.errors import BundleError, HintError, PictureError
from gcolor.color.hint_json import parse_json, to_json
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.manifest import DEFAULT
from gcolor.runtime.onnx_form import has_external_data
from gcolor.runtime.pictures import is_colored, read_area, read_picture, read_size, save_picture
from gcolor.runtime.pictures.plugins import can_write
from hypothesis import HealthCheck, given, settings
from PIL import Image, ImageCms

SIZE = (24, 20)
# First column and row of each pass of an interlaced PNG, and the steps between.
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
MOST = 300_000  # pixels; more would only be slow


def hint_json(data: bytes, folder: Path) -> None:
    for size in (SIZE, None):
        try:
            hints = parse_json(data, size)
        except HintError as error:
            assert str(error).isprintable()
        else:
            assert hints.rasterize((32, 48)).shape == (32, 48, 4)
            again = parse_json(to_json(hints).encode(), size)
            assert np.array_equal(again.rasterize((32, 48)), hints.rasterize((32, 48)))


def hint_png(data: bytes, folder: Path) -> None:
    try:
        hints = hint_files.parse_picture(data, None)
    except HintError:
        return
    assert hints.overlay is not None and hints.overlay.shape == (*hints.size[::-1], 4)
    assert hints.rasterize((32, 48)).shape == (32, 48, 4)


def manifest(data: bytes, folder: Path) -> None:
    for path in DEFAULT.iterdir():
        if not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").write_bytes(data)
    try:
        bundle = load_bundle(folder)
        bundle.name.encode()
        bundle.read("weights.safetensors")
    except BundleError:
        pass


def onnx_form(data: bytes, folder: Path) -> None:
    try:
        has_external_data(data + b"location")
    except (IndexError, ValueError):
        pass


def picture(data: bytes, folder: Path) -> None:
    path = folder / "a.bin"
    path.write_bytes(data)
    try:
        read_area(path, MOST)
        read_size(path, MOST)
        found = read_picture(path, MOST)
    except PictureError as error:
        assert "\n" not in str(error)
        return
    height, width = found.rgb.shape[:2]
    assert found.rgb.shape == (height, width, 3) and found.rgb.dtype == np.uint8
    assert found.alpha is None or found.alpha.shape == (height, width)
    is_colored(found.rgb)
    if found.deep is not None:
        assert found.deep.dtype == np.uint16 and found.deep.shape[:2] == (height, width)
        found.deep = np.ascontiguousarray(found.deep[..., None].repeat(3, 2) if found.deep.ndim == 2 else found.deep)
    for suffix in (".jpg", ".png", ".tif", ".webp"):
        try:
            save_picture(folder / f"b{suffix}", found)
        except PictureError:
            continue
        assert read_area(folder / f"b{suffix}") == height * width


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_seed(depth: int, color: int, samples: int, interlaced: bool = False, extra: bytes = b"") -> bytes:
    width, height = SIZE
    steps = ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = [(len(range(left, width, across)), len(range(top, height, down))) for left, top, across, down in steps]
    lengths = [(columns * samples * depth + 7) // 8 for columns, lines in sizes for _ in range(lines if columns else 0)]
    rows = b"".join(b"\0" + bytes((y * 7 + i * 5) % 251 for i in range(length)) for y, length in enumerate(lengths))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def picture_seeds() -> list[bytes]:
    width, height = SIZE
    y, x = np.mgrid[0:height, 0:width]
    rgb = Image.fromarray(np.stack([x * 9, y * 11, (x + y) * 5], axis=-1).astype(np.uint8))
    rgba = rgb.copy()
    rgba.putalpha(rgb.getchannel(0))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "mill"
    exif.get_ifd(0x8769)[0xA001] = 65535
    notes = {
        "exif": exif.tobytes(),
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "dpi": (300, 300),
    }
    xmp = {"xmp": b'<x tiff:Orientation="3"/>'}
    saves = [
        (rgb, "JPEG", notes | xmp),
        (rgb.convert("L"), "JPEG", {"progressive": True, "comment": b"c"}),
        (rgb.convert("CMYK"), "JPEG", {}),
        (rgb, "PNG", notes),
        (rgb.convert("P"), "PNG", {"transparency": 3}),
        (rgba.convert("LA"), "PNG", {}),
        (rgb, "TIFF", notes),
        (rgb, "TIFF", {"compression": "tiff_lzw"}),
        (rgba, "TIFF", {"compression": "tiff_adobe_deflate"}),
        (rgb.convert("1"), "TIFF", {"compression": "group4"}),
        (rgb, "TIFF", {"compression": "jpeg"}),
        (rgb.convert("CMYK"), "TIFF", {}),
        (rgba, "WEBP", {"exif": notes["exif"], "icc_profile": notes["icc_profile"]}),
        (rgba, "WEBP", {"lossless": True} | xmp),
        (rgb, "BMP", {}),
        (rgb.convert("P"), "BMP", {}),
        (rgb, "GIF", {}),
        (rgb, "PPM", {}),
        (rgb.convert("1"), "PPM", {}),
        (rgba, "TGA", {"compression": "tga_rle"}),
        (rgb, "JPEG2000", {}),
    ]
    saves += [(rgba, name, {"exif": notes["exif"]}) for name in ("AVIF", "HEIF") if can_write(name)]
    seeds = [b"P3 2 2 255 1 2 3 4 5 6 7 8 9 10 11 12\n", b"P5 24 20 1023\n" + bytes(960)]
    for image, kind, options in saves:
        file = io.BytesIO()
        image.save(file, kind, **options)
        seeds.append(file.getvalue())
    deep = np.random.default_rng(0).integers(0, 65536, (height, width, 4), dtype=np.uint16)
    large = np.tile(deep[..., :3], (2, 2, 1))  # OpenCV's JPEG 2000 begins at 32 pixels
    for suffix, pixels in ((".png", deep), (".tif", deep[..., :3]), (".tif", deep[..., 0]), (".jp2", large)):
        seeds.append(cv2.imencode(suffix, pixels)[1].tobytes())
    seeds += [png_seed(16, 4, 2), png_seed(4, 3, 1, extra=chunk(b"PLTE", bytes(48))), png_seed(8, 2, 3, True)]
    planes = b"\0\0" + np.asarray(rgb).transpose(2, 0, 1).tobytes()
    seeds.append(b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3) + bytes(12) + planes)
    return seeds


def hint_png_seeds() -> list[bytes]:
    return [png_seed(8, 6, 4), png_seed(8, 4, 2), png_seed(16, 6, 4), png_seed(8, 6, 4, True), png_seed(8, 2, 3)]


def hint_json_seeds() -> list[bytes]:
    point = {"x": 4.5, "y": 3, "color": "#b5533c", "radius": 4}
    stroke = {"points": [[1, 2], [20, 15]], "color": "#3f6fa8", "width": 3}
    full = {"version": 1, "size": [24, 20], "unit": "pixel", "points": [point, point], "strokes": [stroke]}
    fraction = {"version": 1, "unit": "fraction", "points": [{"x": 0.5, "y": 1, "color": "#FFFFFF"}]}
    return [json.dumps(content).encode() for content in (full, fraction, {"version": 1})]


TARGETS: dict[str, tuple[Callable[[bytes, Path], None], Callable[[], list[bytes]]]] = {
    "hint_json": (hint_json, hint_json_seeds),
    "hint_png": (hint_png, hint_png_seeds),
    "manifest": (manifest, lambda: [(DEFAULT / "manifest.json").read_bytes()]),
    "onnx_form": (onnx_form, lambda: [(DEFAULT / "paint.onnx").read_bytes()]),
    "picture": (picture, picture_seeds),
}
EXAMPLES = {"hint_json": 500, "hint_png": 300, "manifest": 200, "onnx_form": 200, "picture": 500}


@pytest.mark.parametrize("name", TARGETS)
def test_only_our_errors_come_out(name: str, mutated, monkeypatch: pytest.MonkeyPatch) -> None:
    target, seeds = TARGETS[name]
    monkeypatch.setattr(hint_pictures, "MAX_PIXELS", MOST)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shutil.copy(DEFAULT / "manifest.json", folder)
        for seed in seeds():
            target(seed, folder)

        @settings(max_examples=EXAMPLES[name], derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
        @given(mutated(seeds()))
        def attack(data: bytes) -> None:
            target(data, folder)

        attack()


def test_the_seeds_are_valid(tmp_path: Path) -> None:
    for number, seed in enumerate(picture_seeds()):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(seed)
        assert read_picture(path).rgb.size > 0
    assert sum(hint_files.parse_picture(seed, None).count > 0 for seed in hint_png_seeds()[:4]) == 4
    assert all(parse_json(seed, SIZE) for seed in hint_json_seeds())
