"""ICC profiles: pictures are converted to sRGB and labeled with what they are, checked against Little CMS."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from gcolor.color.errors import PictureError
from gcolor.color.profile import SRGB, is_srgb
from gcolor.runtime.pictures import Picture, read_picture, write_picture
from gcolor.runtime.pictures.shaper import deep_to_srgb
from PIL import Image, ImageCms

pytestmark = pytest.mark.smoke

# Colorants for D50, from the specifications of Adobe RGB (1998) and Display P3.
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + struct.pack(
    ">5i", *(round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def table(value: float, steps: int = 1024) -> bytes:
    levels = np.rint(np.linspace(0, 1, steps) ** value * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", steps) + levels.tobytes()


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 2, as ICC.1 lays it out."""
    xyz = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + bytes(78)
    tags = {b"desc": text, b"wtpt": xyz, b"cprt": b"text\0\0\0\0none\0", **tags}
    at = 128 + 4 + 12 * len(tags)
    index, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        index += struct.pack(">4sII", name, at + len(body), len(data))
        body += data
    header = struct.pack(
        ">I4sI4s4s4s12s4s", at + len(body), b"lcms", 0x02100000, b"mntr", space, b"XYZ ", bytes(12), b"acsp"
    )
    header += bytes(24) + struct.pack(">3i", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    return header + bytes(128 - len(header)) + index + body


def rgb_profile(colorants: tuple[tuple[float, ...], ...], curve: bytes) -> bytes:
    tags = {
        name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))
        for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)
    }
    return profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


ADOBE_RGB = rgb_profile(ADOBE, gamma(2.19921875))
DISPLAY_P3 = rgb_profile(P3, SRGB_CURVE)
LINEAR = rgb_profile(ADOBE, gamma(1.0))
GREY_18 = profile(b"GRAY", {b"kTRC": gamma(1.8)})
GREY_SRGB = profile(b"GRAY", {b"kTRC": SRGB_CURVE})


def in_srgb(image: Image.Image, icc: bytes) -> np.ndarray:
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    target = ImageCms.createProfile("sRGB")
    return np.asarray(
        ImageCms.profileToProfile(image, source, target, ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB")
    )


def test_which_profiles_mean_srgb() -> None:
    assert is_srgb(SRGB) and is_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # One that calls itself so and is not, and one that is without saying it.
    assert not is_srgb(rgb_profile(ADOBE, gamma(2.2)).replace(b"made", b"sRGB"))
    assert not is_srgb(DISPLAY_P3)


@pytest.mark.parametrize("icc", [ADOBE_RGB, DISPLAY_P3, LINEAR], ids=["adobe", "p3", "linear"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_color_by_another_profile_is_converted_and_labeled(tmp_path: Path, make_scene, icc: bytes, suffix: str) -> None:
    pixels = Image.fromarray(make_scene())
    options = {".jpg": {"quality": 100, "subsampling": 0}, ".webp": {"lossless": True}}.get(suffix, {})
    pixels.save(tmp_path / f"a{suffix}", icc_profile=icc, **options)
    with Image.open(tmp_path / f"a{suffix}") as stored:
        expected = in_srgb(stored.convert("RGB"), icc)
    picture = read_picture(tmp_path / f"a{suffix}")
    assert np.abs(picture.rgb.astype(int) - expected).max() <= 1
    write_picture(tmp_path / f"b{suffix}", picture)
    with Image.open(tmp_path / f"b{suffix}") as written:
        assert is_srgb(written.info["icc_profile"])


def test_srgb_pictures_keep_their_own_profile_and_pixels(tmp_path: Path, make_scene) -> None:
    own = SRGB.replace(b"acsp", b"acsp")[:64] + b"\0\0\0\1" + SRGB[68:]  # another intent in its header
    Image.fromarray(make_scene()).save(tmp_path / "a.png", icc_profile=own)
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.rgb, make_scene())
    write_picture(tmp_path / "b.png", picture)
    with Image.open(tmp_path / "b.png") as written:
        assert written.info["icc_profile"] == own


def test_without_a_profile_none_is_made_up(tmp_path: Path, make_scene) -> None:
    Image.fromarray(make_scene()).save(tmp_path / "a.png")
    write_picture(tmp_path / "b.png", read_picture(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.png") as written:
        assert "icc_profile" not in written.info


@pytest.mark.parametrize("icc", [GREY_18, GREY_SRGB, ADOBE_RGB, DISPLAY_P3], ids=["1.8", "srgb", "adobe", "p3"])
def test_a_grey_picture_gets_its_curve_and_never_its_profile(tmp_path: Path, make_scene, icc: bytes) -> None:
    grey = Image.fromarray(make_scene()).convert("L")
    grey.save(tmp_path / "a.png", icc_profile=icc)
    picture = read_picture(tmp_path / "a.png")
    expected = in_srgb(grey if b"kTRC" in icc else grey.convert("RGB"), icc)
    assert np.abs(picture.rgb.astype(int) - expected).max() <= 1
    write_picture(tmp_path / "b.png", picture)
    with Image.open(tmp_path / "b.png") as written:
        assert written.mode == "RGB" and is_srgb(written.info["icc_profile"])


@pytest.mark.parametrize(
    "icc",
    [ADOBE_RGB, LINEAR, rgb_profile(P3, table(1.8)), DISPLAY_P3],
    ids=["gamma", "linear", "table", "parametric"],
)
def test_16_bits_are_converted_as_8_are(icc: bytes) -> None:
    eight = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    deep, label = deep_to_srgb(eight.astype(np.uint16) * 257, icc)
    expected = in_srgb(Image.fromarray(eight), icc)
    assert label == SRGB
    # Little CMS rounds its curves to fewer steps in the darks.
    apart = np.abs(deep / 257.0 - expected)
    assert apart.mean() < 0.35 and np.quantile(apart, 0.99) < 1.5


def test_16_bits_of_grey_are_converted_as_8_are() -> None:
    eight = np.arange(256, dtype=np.uint8)[None]
    for icc in (GREY_18, profile(b"GRAY", {b"kTRC": table(2.2)}), ADOBE_RGB):
        deep, _ = deep_to_srgb(eight.astype(np.uint16) * 257, icc)
        image = Image.fromarray(eight)
        expected = in_srgb(image if b"kTRC" in icc else image.convert("RGB"), icc)[..., 0]
        assert np.abs(deep / 257.0 - expected).max() <= 1.5
    same, label = deep_to_srgb(eight.astype(np.uint16) * 257, GREY_SRGB)
    assert np.abs(same.astype(int) - eight.astype(int) * 257).max() <= 2 and label == SRGB


def cmyk_profile() -> bytes:
    """A table of 2 x 2 x 2 x 2 inks to LAB: odd inks, so that nobody takes them for the plain formula."""
    inks = np.stack(np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij"), axis=-1).reshape(16, 4)
    lightness = np.clip(100 - inks @ [35, 40, 10, 80], 0, 100)
    a, b = 128 + inks @ [-30, 60, -5, 0] * 0.8, 128 + inks @ [-40, -10, 80, 0] * 0.8
    cells = np.clip(np.stack([lightness * 2.55, a, b], axis=-1), 0, 255).astype(np.uint8)
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 * v for v in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    table8 = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + cells.tobytes() + ramp * 3
    made = bytearray(profile(b"CMYK", {b"A2B0": table8, b"A2B1": table8}))
    made[12:16], made[20:24] = b"prtr", b"Lab "
    return bytes(made)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
@pytest.mark.parametrize("icc", [None, cmyk_profile()], ids=["plain", "profile"])
def test_cmyk_goes_by_its_profile_or_plainly(tmp_path: Path, make_scene, suffix: str, icc: bytes | None) -> None:
    Image.fromarray(make_scene()).convert("CMYK").save(tmp_path / f"a{suffix}", icc_profile=icc)
    with Image.open(tmp_path / f"a{suffix}") as stored:
        plain = np.asarray(stored.convert("RGB")).astype(int)
        expected = plain if icc is None else in_srgb(stored, icc).astype(int)
    picture = read_picture(tmp_path / f"a{suffix}")
    # Black goes to black, which the reference does not see to.
    assert np.abs(picture.rgb - expected).mean() < (0.1 if icc is None else 12)
    assert icc is None or np.abs(picture.rgb - plain).mean() > 15
    write_picture(tmp_path / f"b{suffix}", picture)
    with Image.open(tmp_path / f"b{suffix}") as written:
        assert written.mode == "RGB"
        assert ("icc_profile" in written.info) == (icc is not None)


def test_lab_is_read(tmp_path: Path, make_scene) -> None:
    lab = ImageCms.profileToProfile(
        Image.fromarray(make_scene()), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    lab.save(tmp_path / "a.tif")
    assert np.abs(read_picture(tmp_path / "a.tif").rgb.astype(int) - make_scene()).mean() < 2


@pytest.mark.parametrize("icc", [b"no profile at all" * 20, ADOBE_RGB[:150], GREY_18], ids=["none", "cut", "grey"])
def test_a_profile_that_cannot_be_used_is_said(tmp_path: Path, make_scene, icc: bytes) -> None:
    Image.fromarray(make_scene()).save(tmp_path / "a.png", icc_profile=icc)
    with pytest.raises(PictureError, match="ICC profile"):
        read_picture(tmp_path / "a.png")
    with pytest.raises(PictureError, match="ICC profile"):
        deep_to_srgb(np.zeros((2, 2, 3), np.uint16), icc)


def test_table_profiles_at_16_bits_are_said() -> None:
    tags = {b"A2B0": b"mft2" + bytes(60), b"rTRC": gamma(2.2), b"gTRC": gamma(2.2), b"bTRC": gamma(2.2)}
    made = rgb_profile(ADOBE, gamma(1.4))
    with pytest.raises(PictureError, match=r"tables.*16 bits|ICC profile"):
        deep_to_srgb(np.zeros((2, 2, 3), np.uint16), profile(b"RGB ", tags))
    assert deep_to_srgb(np.zeros((2, 2, 3), np.uint16), made)[1] == SRGB


def test_pictures_in_memory_are_srgb(tmp_path: Path, make_scene) -> None:
    write_picture(tmp_path / "a.jpg", Picture(make_scene()))
    with Image.open(tmp_path / "a.jpg") as written:
        assert "icc_profile" not in written.info
