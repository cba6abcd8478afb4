from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from gcolor.color.errors import BundleError
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.manifest import DEFAULT

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


def test_what_did_not_change_is_hashed_once(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gcolor.runtime.bundle.RECENT_NS", 0)
    whole = load_bundle(copy)
    assert set(whole.graphs) == {"model.onnx", "paint.onnx"}
    again = load_bundle(copy)
    assert not again.graphs and again.model == whole.model and again.paint == whole.paint
    (copy / "paint.onnx").write_bytes(whole.paint[:-1] + b"\0")
    with pytest.raises(BundleError, match=r"paint\.onnx.*hash"):
        load_bundle(copy)
    with pytest.raises(BundleError, match=r"paint\.onnx.*hash"):
        _ = again.paint
    # One that was changed a moment ago may change again without a sign.
    monkeypatch.setattr("gcolor.runtime.bundle.RECENT_NS", 10**12)
    (copy / "paint.onnx").write_bytes(whole.paint)
    for _ in range(2):
        assert "paint.onnx" in load_bundle(copy).graphs
