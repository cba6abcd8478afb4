from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from gcolor.color.errors import BundleError
from gcolor.runtime.bundle import DEFAULT, load_bundle

pytestmark = pytest.mark.smoke


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(DEFAULT, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_the_default_bundle_is_whole_and_small_enough() -> None:
    bundle = load_bundle()
    assert sum(p.stat().st_size for p in DEFAULT.iterdir()) < 30 * 2**20
    assert bundle.manifest.record["parity"]["share_beyond_one_level"] <= 0.001
    assert bundle.manifest.record["parity"]["photos"] > 0
    assert bundle.name.startswith("hintunet-")


@pytest.mark.parametrize("name", ["model.onnx", "paint.onnx"])
def test_a_flipped_byte_is_found(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(BundleError, match=rf"{name}.*hash"):
        load_bundle(copy)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "paint.onnx").unlink()
    with pytest.raises(BundleError, match=r"paint\.onnx"):
        load_bundle(copy)


def test_another_format_version_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(BundleError, match="format 99"):
        load_bundle(copy)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 1}', '{"format": 1, "files": 3}', "[" * 100_000, "\xff"]
)
def test_a_manifest_that_is_none_is_refused(copy: Path, text: str) -> None:
    (copy / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(copy)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle here"):
        load_bundle(tmp_path)
