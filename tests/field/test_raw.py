"""Camera raw files: read where rawpy is installed, named and passed over where it is not."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import made
import numpy as np
import pytest
from PIL import Image

HEIGHT, WIDTH = made.HEIGHT, made.WIDTH


def dng(path: Path, orientation: int = 1) -> Path:
    """A raw file of a gray scene: a Bayer mosaic whose three colors are as bright."""
    ramp = np.linspace(2000, 40000, WIDTH)[None, :].repeat(HEIGHT, axis=0).astype("<u2")
    matrix = struct.pack("<18i", *(v for one in (1, 0, 0, 0, 1, 0, 0, 0, 1) for v in (one * 10000, 10000)))
    name = b"Testcam One\0"
    return made.tiff(
        path,
        ramp.tobytes(),
        tags=[(274, 3, (orientation,)), (33421, 3, (2, 2)), (50714, 3, (0,)), (50717, 4, (65535,))],
        raw=[
            (271, 2, 8, b"Testcam\0"),
            (272, 2, len(name), name),
            (315, 2, 13, b"Anna Mueller\0"),
            (33422, 1, 4, bytes([0, 1, 1, 2])),
            (50706, 1, 4, bytes([1, 4, 0, 0])),
            (50708, 2, len(name), name),
            (50721, 10, 9, matrix),
            (50728, 5, 3, struct.pack("<6I", 1, 1, 1, 1, 1, 1)),
        ],
        bits=16,
        photometric=32803,
    )


def test_raw_is_developed_to_16_bits(batch, tmp_path: Path) -> None:
    pytest.importorskip("rawpy", reason="needs the extra raw")
    tifffile = pytest.importorskip("tifffile")
    dng(tmp_path / "imgs" / "a.dng")
    dng(tmp_path / "imgs" / "turned.DNG", orientation=6)
    (tmp_path / "imgs" / "cut.nef").write_bytes((tmp_path / "imgs" / "a.dng").read_bytes()[:900])
    done = batch()
    assert done.code == 3, done.stderr
    with tifffile.TiffFile(done.out / "a.dng.tif") as tif:
        pixels, tags = tif.pages[0].asarray(), tif.pages[0].tags
        assert pixels.shape == (HEIGHT, WIDTH, 3) and pixels.dtype == np.uint16
        assert tags["Artist"].value == "Anna Mueller" and tags["Make"].value == "Testcam"
        assert 50706 not in tags  # it is no DNG any more
    along = pixels[HEIGHT // 2, 8:-8, 1].astype(float)
    assert np.all(np.diff(np.convolve(along, np.ones(9) / 9, "valid")) > 0)  # the ramp
    assert tifffile.imread(done.out / "turned.DNG.tif").shape == (WIDTH, HEIGHT, 3)
    assert "Traceback" not in done.stderr and done.rows["cut.nef.tif"]["error"]


WITHOUT = "import sys; sys.modules['rawpy'] = None; from gcolor.cli.main import main; main()"


def test_without_the_extra_raw_is_named_and_passed_over(tmp_path: Path) -> None:
    images = tmp_path / "imgs"
    images.mkdir()
    Image.fromarray(made.GRAY).save(images / "b.png")
    for name in ("a.dng", "c.NEF", "d.cr3"):
        (images / name).write_bytes(b"II*\0")
    code = (
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'rawpy' else find(name, *more)\n" + WITHOUT
    )

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, "batch", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    done = run(images)
    assert done.returncode == 0 and "passed over: 3 RAW (pip install 'gcolor[raw]' reads RAW)" in done.stderr
    done = run(images / "c.NEF", "-o", tmp_path / "out")
    assert done.returncode == 3
    assert (
        "error: c.NEF: is a camera raw file (.nef), a file of a kind that gcolor does not read; keep it: pip install"
        in done.stderr
    )
