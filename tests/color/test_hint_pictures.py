"""Painted hints as painting programs save them, each with its right color at its right place."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from gcolor.color import lab
from gcolor.color.errors import HintError
from gcolor.color.hint_files import load_hints, parse_picture
from gcolor.color.hint_json import parse_json, to_json
from gcolor.color.hint_pictures import decode
from gcolor.color.hints import Hints, Mark
from PIL import Image, ImageCms

SIZE = (96, 64)
COLOR = (200, 60, 40)


def dot(alpha: int = 255, at: tuple[int, int] = (30, 20), color: tuple[int, int, int] = COLOR) -> Image.Image:
    pixels = np.zeros((SIZE[1], SIZE[0], 4), np.uint8)
    pixels[at[1] - 3 : at[1] + 4, at[0] - 3 : at[0] + 4] = (*color, alpha)
    return Image.fromarray(pixels)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def openraster(
    layers: list[tuple[str, Image.Image, int, int]], size: tuple[int, int] = SIZE, doctype: str = ""
) -> bytes:
    file = io.BytesIO()
    items = "".join(f'<layer name="{n}" src="data/{i}.png" x="{x}" y="{y}"/>' for i, (n, _, x, y) in enumerate(layers))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("stack.xml", f'{doctype}<image w="{size[0]}" h="{size[1]}"><stack>{items}</stack></image>')
        for i, (_, image, _, _) in enumerate(layers):
            archive.writestr(f"data/{i}.png", saved(image, "PNG"))
    return file.getvalue()


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})])
def test_every_kind_says_the_same(kind: str, options: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / {"PNG": "a.png", "WEBP": "a.webp", "TIFF": "a.tif"}[kind]
    path.write_bytes(saved(dot(), kind, **options))
    hints = load_hints([path], SIZE)
    assert hints.count == 1 and not hints.warnings
    np.testing.assert_array_equal(hints.rasterize((64, 96)), Hints(SIZE, np.asarray(dot())).rasterize((64, 96)))


def test_a_jpeg_says_what_to_save_instead() -> None:
    with pytest.raises(HintError, match="no picture of hints.*PNG with alpha"):
        decode(saved(Image.new("RGB", SIZE), "JPEG"))


def test_colors_come_by_their_profile() -> None:
    # A profile that differs from sRGB as much as any: Lab's own, made by Little CMS from primaries of D50 Adobe RGB.
    profile = wide_profile()
    srgb = ImageCms.createProfile("sRGB")
    to_wide = ImageCms.buildTransform(srgb, ImageCms.ImageCmsProfile(io.BytesIO(profile)), "RGB", "RGB", 1)
    shown = ImageCms.applyTransform(Image.new("RGB", (1, 1), COLOR), to_wide)
    assert shown is not None
    painted = shown.getpixel((0, 0))
    assert isinstance(painted, tuple) and np.abs(np.subtract(painted, COLOR)).max() > 10
    found = decode(saved(dot(color=painted), "PNG", icc_profile=profile))[20, 30, :3]  # type: ignore[arg-type]
    away = lab.rgb_to_lab(found[None, None]) - lab.rgb_to_lab(np.array([[COLOR]], np.uint8))
    assert np.abs(away).max() < 1.5
    with pytest.raises(HintError, match="profile"):
        decode(saved(dot(), "PNG", icc_profile=b"no profile" * 20))


def wide_profile() -> bytes:
    """The matrix profile of Adobe RGB (1998), from its primaries and gamma alone."""

    def fixed(v: float) -> bytes:
        return struct.pack(">i", round(v * 65536))

    def xyz(*v: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, v))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.19921875 * 256)) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + b"\0" * 79
    tags = [(b"desc", name), (b"cprt", b"text\0\0\0\0none\0\0\0\0"), (b"wtpt", xyz(0.9642, 1.0, 0.8249))]
    tags += [(b"rXYZ", xyz(0.60974, 0.31111, 0.01947)), (b"gXYZ", xyz(0.20528, 0.62567, 0.06087))]
    tags += [(b"bXYZ", xyz(0.14919, 0.06322, 0.74457)), (b"rTRC", curve), (b"gTRC", curve), (b"bTRC", curve)]
    begin, table, body = 132 + 12 * len(tags), b"", b""
    for key, value in tags:
        table += key + struct.pack(">II", begin + len(body), len(value))
        body += value
    header = bytearray(128)
    header[0:4] = struct.pack(">I", begin + len(body))
    header[8:12], header[12:24], header[36:40] = b"\x02\x10\0\0", b"mntrRGB XYZ ", b"acsp"
    header[68:80] = fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return bytes(header) + struct.pack(">I", len(tags)) + table + body


def test_hints_are_turned_as_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    stored = dot().transpose(Image.Transpose.ROTATE_90)
    np.testing.assert_array_equal(decode(saved(stored, "PNG", exif=exif)), np.asarray(dot()))


@pytest.mark.parametrize("depth", [2, 4])
def test_gray_of_few_bits_keeps_its_transparency(depth: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    levels = np.zeros((8, 8), np.uint8)
    levels[2:4, 3:6] = 2
    bits = ((levels[..., None] >> np.arange(depth - 1, -1, -1)) & 1).reshape(8, -1).astype(np.uint8)
    body = b"".join(b"\0" + np.packbits(row).tobytes() for row in bits)
    head = struct.pack(">IIBBBBB", 8, 8, depth, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"tRNS", b"\0\0")
    for transparent, painted in ((0, levels == 2), (2, levels == 0)):
        data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"tRNS", struct.pack(">H", transparent))
        data += chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
        np.testing.assert_array_equal(decode(data)[..., 3] == 255, painted)


def test_thin_paint_is_a_warning_with_the_files_name(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(saved(dot(alpha=127), "PNG"))
    hints = load_hints([path], SIZE)
    assert hints.count == 0 and len(hints.warnings) == 1
    assert hints.warnings[0].startswith(f"{path}: painted at 50 % opacity")


def test_a_photograph_painted_over_is_refused() -> None:
    image = Image.new("RGBA", SIZE, (90, 90, 90, 255))
    image.paste((200, 0, 0, 255), (10, 10, 20, 20))
    with pytest.raises(HintError, match="every pixel is painted.*transparent layer"):
        decode(saved(image, "PNG"))


def test_openraster_takes_the_layer_called_hints_else_the_top_one() -> None:
    photo = Image.new("RGBA", SIZE, (90, 90, 90, 255))
    small = dot().crop((20, 10, 50, 40))
    named = openraster([("notes", dot(at=(60, 50)), 0, 0), (" Hints", small, 20, 10), ("photo", photo, 0, 0)])
    np.testing.assert_array_equal(decode(named), np.asarray(dot()))
    top = openraster([("paint", small, 20, 10), ("photo", photo, 0, 0)])
    np.testing.assert_array_equal(decode(top), np.asarray(dot()))
    beyond = openraster([("hints", small, -5, 50)])
    wanted = Image.new("RGBA", SIZE)
    wanted.paste(small, (-5, 50))
    np.testing.assert_array_equal(decode(beyond), np.asarray(wanted))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (openraster([]), "no layer"),
        (openraster([("hints", dot(), 0, 0)], size=(60_000, 60_000)), "claims 60000 x 60000"),
        (openraster([("hints", dot(), 0, 0)], doctype='<!DOCTYPE a [<!ENTITY b "c">]>'), "entities"),
        (openraster([("hints", dot(), 0, 0)])[:-40], "damaged or cut short"),
    ],
)
def test_hostile_openraster_is_one_sentence(data: bytes, message: str) -> None:
    with pytest.raises(HintError, match=message):
        decode(data)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("#B5533C", (181, 83, 60)),
        ("b5533c", (181, 83, 60)),
        ("#b53", (187, 85, 51)),
        ("Red", (255, 0, 0)),
        ("rebeccapurple", (102, 51, 153)),
        ("rgb(200, 10, 10)", (200, 10, 10)),
        ("rgb(200 10 10)", (200, 10, 10)),
        ("hsl(120, 100%, 25%)", (0, 128, 0)),
    ],
)
def test_colors_as_people_write_them(text: str, wanted: tuple[int, int, int]) -> None:
    content = f'{{"version":1,"points":[{{"x":3,"y":4,"color":"{text}"}}]}}'
    assert parse_json(content.encode(), SIZE).marks[0].color == wanted


def test_lab_is_a_color_too() -> None:
    content = b'{"version":1,"points":[{"x":3,"y":4,"color":"lab(53.2, 80.1 67.2)"}]}'
    found = parse_json(content, SIZE).marks[0].color  # pure red, by the tables of the sRGB standard
    assert np.abs(np.subtract(found, (255, 0, 0))).max() <= 2


def test_dots_and_strokes_become_points_and_strokes_again() -> None:
    size = (400, 300)
    marks = [
        Mark(np.array([[50.0, 60.0]]), (200, 60, 40), 6.0),
        Mark(np.array([[301.5, 41.5]]), (30, 90, 200), 0.0),
        Mark(np.array([[100.0, 200.0], [180.0, 250.0], [330.0, 190.0]]), (40, 160, 60), 5.0),
    ]
    drawn = Hints(size, None, marks).rasterize((300, 400))
    assert Hints(size, drawn).count == 3
    again = parse_json(to_json(Hints(size, drawn)).encode(), size)
    assert sorted(len(mark.vertices) for mark in again.marks)[:2] == [1, 1] and len(again.marks) == 3
    redrawn = again.rasterize((300, 400))
    both, either = (drawn[..., 3] > 0) & (redrawn[..., 3] > 0), (drawn[..., 3] > 0) | (redrawn[..., 3] > 0)
    assert both.sum() / either.sum() > 0.8
    np.testing.assert_array_equal(redrawn[both], drawn[both])
    assert again.marks[0].color == (200, 60, 40) or again.marks[1].color == (200, 60, 40)


def test_touching_colors_and_blots_are_covered_in_their_colors() -> None:
    pixels = np.zeros((120, 160, 4), np.uint8)
    pixels[20:60, 20:60] = (200, 30, 30, 255)
    pixels[20:60, 60:100] = (30, 30, 200, 255)
    rows, columns = np.ogrid[:120, :160]
    pixels[(abs(rows - 90) < 12) & (abs(columns - 80) < 60) & ((columns // 20) % 2 == 0)] = (20, 160, 20, 255)
    again = parse_json(to_json(Hints((160, 120), pixels)).encode(), (160, 120)).rasterize((120, 160))
    painted = pixels[..., 3] > 0
    assert (again[..., 3] > 0)[painted].mean() > 0.85
    right = (again == pixels).all(-1)[painted & (again[..., 3] > 0)]
    assert right.mean() > 0.95


def test_a_painting_of_its_own_size_is_converted_to_the_pictures() -> None:
    hints = parse_picture(saved(dot(), "PNG"), (SIZE[0] * 2, SIZE[1] * 2))
    (mark,) = parse_json(to_json(hints).encode(), hints.size).marks
    assert np.abs(mark.vertices[0] - (61, 41)).max() <= 1 and 6 < mark.radius < 10
