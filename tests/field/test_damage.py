"""What libtiff and libjpeg say of a picture reaches the user once, by name, and never raw."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from gcolor.color.errors import PictureError
from gcolor.runtime.pictures import read_picture
from made import jpeg
from PIL import Image

y, x = np.mgrid[:203, :301]


def fax(compression: str, damaged: bool) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.sin(x / 9) * np.cos(y / 13) > 0.2).save(file, "TIFF", compression=compression)
    data = bytearray(file.getvalue())
    with Image.open(io.BytesIO(bytes(data))) as image:
        (start, *_), (count, *_) = image.tag_v2[273], image.tag_v2[279]
    if damaged:
        data[start + count // 4 : start + count // 4 + 3] = b"\0\0\0"
    return bytes(data)


def restarts(wrong: bool) -> bytes:
    data = bytearray(jpeg(restart_marker_blocks=2))
    if wrong:
        at = data.index(b"\xff\xd3")
        data[at + 1] = 0xD5
    return bytes(data)


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_damaged_fax_codes_fail(tmp_path: Path, capfd: pytest.CaptureFixture[str], compression: str) -> None:
    (tmp_path / "a.tif").write_bytes(fax(compression, damaged=False))
    assert not read_picture(tmp_path / "a.tif").warnings
    (tmp_path / "b.tif").write_bytes(fax(compression, damaged=True))
    with pytest.raises(PictureError, match=r"pixels are missing \(libtiff: "):
        read_picture(tmp_path / "b.tif")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_damaged_strips_fail_in_libtiffs_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], compression: str
) -> None:
    file = io.BytesIO()
    Image.fromarray((x + y).astype(np.uint8)).save(file, "TIFF", compression=compression)
    data = bytearray(file.getvalue())
    with Image.open(io.BytesIO(bytes(data))) as image:
        start, count = image.tag_v2[273][0], image.tag_v2[279][0]
    filler = b"\x55" if compression == "packbits" else b"\xff"
    data[start + count // 3 : start + count] = filler * (count - count // 3)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(PictureError, match="damaged"):
        read_picture(tmp_path / "a.tif")
    assert capfd.readouterr().err == ""


def test_a_wrong_restart_marker_is_a_warning_and_a_failure_where_strict(tmp_path: Path, batch) -> None:
    (tmp_path / "imgs/good.jpg").write_bytes(restarts(wrong=False))
    (tmp_path / "imgs/odd.jpg").write_bytes(restarts(wrong=True))
    (tmp_path / "imgs/page.tif").write_bytes(fax("group4", damaged=True))
    made = batch()
    assert made.code == 3 and made.summary["warnings"] == 1 and made.summary["failed"] == 1
    assert made.rows["good.jpg"]["warnings"] == [] and len(made.rows["odd.jpg"]["warnings"]) == 1
    assert "found marker 0xd5 instead of RST3" in made.rows["odd.jpg"]["warnings"][0]
    said = [line for line in made.stderr.splitlines() if "odd.jpg" in line and "RST3" in line]
    assert len(said) == 1 and said[0].startswith("warning: odd.jpg: ") and "1 with warnings" in made.stderr
    lines = made.stderr.splitlines()
    assert all(line.startswith(("warning: ", "error: ", "[", "2 colo")) for line in lines), lines
    made = batch("--strict", "--force")
    assert made.code == 3 and made.summary["failed"] == 2 and "--strict" in made.rows["odd.jpg"]["error"]


def test_a_jpeg_that_lacks_pixels_fails(tmp_path: Path) -> None:
    data = bytearray(jpeg())
    at = len(data) - len(data) // 3
    data[at : at + 2] = b"\xff\xd9"
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(PictureError, match="pixels are missing|cut short"):
        read_picture(tmp_path / "a.jpg")


def test_threads_do_not_mix_up_whose_damage_it_is(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for i in range(12):
        (tmp_path / f"{i}.tif").write_bytes(fax("group4", damaged=bool(i % 2)))

    def outcome(i: int) -> bool:
        try:
            return bool(read_picture(tmp_path / f"{i}.tif").warnings)
        except PictureError:
            return True

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(outcome, range(12))) == [bool(i % 2) for i in range(12)]
