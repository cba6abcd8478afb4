"""A folder with every kind of bad picture in it: the good ones are colored, each bad one gets one sentence."""

from __future__ import annotations

import ctypes
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

pytestmark = pytest.mark.smoke

GOOD = ["a.jpg", "b.png", "sub/c.jpg"]


def errors(stderr: str) -> dict[str, str]:
    """What a run said of each picture that failed; one line each."""
    lines = [line.removeprefix("error: ") for line in stderr.splitlines() if line.startswith("error: ")]
    found = dict(line.split(": ", 1) for line in lines)
    assert len(found) == len(lines)
    return found


@pytest.fixture
def check_run(list_outputs: Callable[[Path], list[str]]) -> Callable[..., None]:
    """Checks that a run colored the good pictures and said the expected of each other one."""

    def check(done: subprocess.CompletedProcess[str], out: Path, expected: dict[str, str]) -> None:
        assert done.returncode == 3, done.stderr
        assert "Traceback" not in done.stderr
        found = errors(done.stderr)
        assert found.keys() == expected.keys()
        for name, sentence in expected.items():
            assert sentence in found[name], (name, found[name])
        assert list_outputs(out) == GOOD
        for name in GOOD:
            with Image.open(out / name) as image:
                pixels = np.asarray(image.convert("RGB")).astype(int)
            assert pixels.shape == (96, 144, 3) and np.abs(pixels[..., 0] - pixels[..., 2]).max() > 4

    return check


def cut(path: Path, good: Path, share: float) -> None:
    data = good.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def test_damaged_files(check_run, gcolor, grey_folder: Path, tmp_path: Path, make_scene, make_png) -> None:
    folder, scene = grey_folder, make_scene(200, 300)
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("Dear Sir, enclosed find\n")
    (folder / "letter.tif").write_bytes(b"II*\0" + bytes(3))
    (folder / "executable.jpg").write_bytes(b"\x7fELF" + bytes(2000))
    expected = {
        "empty.jpg": "is empty; replace the file or remove it",
        "text.png": "is not a picture in a format that can be read",
        "letter.tif": "header is damaged",
        "executable.jpg": "is not a picture in a format that can be read",
    }
    for suffix in (".jpg", ".png", ".tif", ".webp", ".bmp", ".gif", ".ppm", ".tga", ".jp2"):
        Image.fromarray(scene).save(tmp_path / f"good{suffix}")
        for share in (0.5, 0.97):
            cut(folder / f"cut{share}{suffix}", tmp_path / f"good{suffix}", share)
            expected[f"cut{share}{suffix}"] = ""
    rows = b"".join(b"\0" + row.tobytes() for row in scene[:150])
    (folder / "early.png").write_bytes(make_png(300, 200, rows))
    expected["early.png"] = "image data ends early, rows are missing"
    flipped = bytearray((tmp_path / "good.png").read_bytes())
    flipped[len(flipped) // 2] ^= 1
    (folder / "flipped.png").write_bytes(flipped)
    expected["flipped.png"] = "image data is damaged or cut short"
    pages = [Image.fromarray(make_scene(seed=i)) for i in range(3)]
    pages[0].save(folder / "pages.tif", save_all=True, append_images=pages[1:])
    expected["pages.tif"] = "has 3 pages or frames; choose with --page N"
    Image.fromarray(scene).save(folder / "profile.png", icc_profile=b"no profile" * 30)
    expected["profile.png"] = "its ICC profile is damaged"
    check_run(gcolor("batch", folder, "-o", tmp_path / "out"), tmp_path / "out", expected)


def test_bombs(check_run, gcolor, grey_folder: Path, tmp_path: Path, make_png) -> None:
    (grey_folder / "wide.png").write_bytes(make_png(20_000, 20_000, bytes(1000)))
    (grey_folder / "bitmap.bmp").write_bytes(
        b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 30_000, 30_000, 1, 24, *[0] * 6)
    )
    (grey_folder / "netpbm.ppm").write_bytes(b"P6 60000 60000 255\n" + bytes(100))
    (grey_folder / "anim.gif").write_bytes(
        b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x44\x01\0;"
    )
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out")
    limit = "more than the limit of 200; raise --max-pixels if the picture can be trusted"
    check_run(
        done,
        tmp_path / "out",
        {
            "wide.png": f"20000 x 20000 is 400 megapixels, {limit}",
            "bitmap.bmp": f"30000 x 30000 is 900 megapixels, {limit}",
            "netpbm.ppm": f"60000 x 60000 is 3600 megapixels, {limit}",
            "anim.gif": f"65535 x 65535 is 4295 megapixels, {limit}",
        },
    )


def test_a_bomb_among_the_notes_costs_no_picture(gcolor, tmp_path: Path) -> None:
    (tmp_path / "imgs").mkdir()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a" * 100_000_000, zip=True)
    Image.new("L", (20, 20)).save(tmp_path / "imgs/text.png", pnginfo=text)
    done = gcolor("batch", tmp_path / "imgs", "-o", tmp_path / "out")
    assert done.returncode == 0 and "warning: text.png: its note zTXt cannot be read and is left out" in done.stderr
    assert (tmp_path / "out/text.png").stat().st_size < 10_000


def test_what_is_no_file(check_run, gcolor, grey_folder: Path, tmp_path: Path) -> None:
    os.mkfifo(grey_folder / "pipe.jpg")
    (grey_folder / "loop.jpg").symlink_to(grey_folder / "pool.jpg")
    (grey_folder / "pool.jpg").symlink_to(grey_folder / "loop.jpg")
    (grey_folder / "nowhere.png").symlink_to(tmp_path / "missing.png")
    (grey_folder / "around").symlink_to(grey_folder)
    (grey_folder / "folder.jpg").mkdir()
    (grey_folder / "folder.jpg" / "pipe.png").symlink_to("/dev/zero")
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out")
    check_run(
        done,
        tmp_path / "out",
        {
            "pipe.jpg": "not a regular file",
            "loop.jpg": "cannot be read (Too many levels of symbolic links)",
            "pool.jpg": "cannot be read (Too many levels of symbolic links)",
            "nowhere.png": "cannot be read (No such file or directory)",
            "folder.jpg/pipe.png": "not a regular file",
        },
    )


def test_a_pipe_alone_does_not_hang(gcolor, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    done = gcolor("batch", tmp_path / "pipe.jpg", "-o", tmp_path / "out")
    assert done.returncode == 3 and "pipe.jpg: not a regular file" in done.stderr


def heed_permissions() -> None:
    """Before a program starts: take from the superuser the right to read everything."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_a_picture_without_permission(check_run, grey_folder: Path, tmp_path: Path) -> None:
    secret = grey_folder / "secret.jpg"
    secret.write_bytes((grey_folder / "a.jpg").read_bytes())
    secret.chmod(0)
    if subprocess.run(["cat", secret], capture_output=True, preexec_fn=heed_permissions).returncode == 0:
        pytest.skip("this user reads every file and cannot give that up")
    command = [sys.executable, "-m", "gcolor", "batch", str(grey_folder), "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, preexec_fn=heed_permissions)
    check_run(done, tmp_path / "out", {"secret.jpg": "cannot be read (Permission denied)"})


def test_wrong_endings_are_colored_and_written_as_they_are_called(
    gcolor, grey_folder: Path, tmp_path: Path, list_outputs
) -> None:
    """A PNG that is named .jpg becomes a JPEG: everybody who goes by the name can read it."""
    (grey_folder / "b.png").rename(grey_folder / "really_png.jpg")
    (grey_folder / "a.jpg").rename(grey_folder / "really_jpg.png")
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    kinds = {}
    for name in list_outputs(tmp_path / "out"):
        with Image.open(tmp_path / "out" / name) as image:
            kinds[name] = image.format
    assert kinds == {"really_png.jpg": "JPEG", "really_jpg.png": "PNG", "sub/c.jpg": "JPEG"}


def test_what_the_output_cannot_keep_is_said(check_run, gcolor, grey_folder: Path, tmp_path: Path, make_scene) -> None:
    image = Image.fromarray(make_scene())
    image.putalpha(77)
    image.save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(grey_folder / "alpha.jpg")
    Image.fromarray(np.arange(9600, dtype=np.uint16).reshape(80, 120)).save(tmp_path / "b.png")
    (tmp_path / "b.png").rename(grey_folder / "deep.webp")
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out")
    check_run(
        done,
        tmp_path / "out",
        {
            "alpha.jpg": "it has an alpha channel, which JPEG does not keep; give it a name in .png or .tif",
            "deep.webp": "it has 16 bits, which WEBP does not keep; give it a name in .png or .tif",
        },
    )


STRANGE = [b"[a].jpg", b"[red]b.jpg", b"two\nlines.jpg", "\u65e5\u672c\u8a9e.jpg".encode(), b"caf\xe9.jpg", b"-x.jpg"]


def test_strange_names_of_good_and_of_bad_pictures(list_outputs, gcolor, grey_folder: Path, tmp_path: Path) -> None:
    for name in STRANGE:
        (grey_folder / os.fsdecode(name)).write_bytes((grey_folder / "a.jpg").read_bytes())
        (grey_folder / os.fsdecode(b"bad " + name)).write_bytes(b"no picture")
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out", "--json")
    assert done.returncode == 3
    assert set(map(os.fsencode, list_outputs(tmp_path / "out"))) == {*STRANGE, *map(os.fsencode, GOOD)}
    shown = {n.decode("utf-8", "backslashreplace").replace("\n", "\\n") for n in STRANGE}
    assert errors(done.stderr).keys() == {f"bad {name}" for name in shown}
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    status = {line["picture"]: line["status"] for line in lines[:-1]}
    assert status == dict.fromkeys((*GOOD, *shown), "colored") | {f"bad {name}": "failed" for name in shown}


def exif_with(count: int) -> bytes:
    """A directory that says to have more entries than it has bytes."""
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", count) + bytes(20)


@pytest.mark.parametrize("make", [lambda: exif_with(60_000), lambda: b"Exif\0\0" + bytes(range(256))])
def test_damaged_exif_stops_no_picture(gcolor, grey_folder: Path, tmp_path: Path, make: Callable[[], bytes]) -> None:
    with Image.open(grey_folder / "a.jpg") as image:
        image.save(grey_folder / "a.jpg", exif=make())
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "out" / "a.jpg") as written:
        assert written.info["exif"] == make()


def test_a_chunk_that_inflates_to_much(list_outputs, gcolor, grey_folder: Path, tmp_path: Path, make_png) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    bomb = chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(200_000_000)))
    rows = b"".join(b"\0" + bytes(30) for _ in range(10))
    (grey_folder / "icc.png").write_bytes(make_png(10, 10, rows, extra=bomb))
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out")
    assert done.returncode in (0, 3) and "Traceback" not in done.stderr
    assert set(GOOD) <= set(list_outputs(tmp_path / "out"))
