"""The engine cache: keys, hashes, and what a stale engine is refused with. Needs no TensorRT."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from gcolor.color.errors import BundleError
from gcolor.runtime.bundle import Bundle, load_bundle
from gcolor.runtime.engines.trt_key import ANY_GPU, NO_GPU, EngineKey, has_engines, read_engine, read_key, write_engine
from gcolor.runtime.manifest import DEFAULT, MODEL, PAINT

KEY = EngineKey(
    onnx="a" * 64,
    library="tensorrt",
    version="10.13.3.9",
    gpu="sm_86",
    precision="fp32",
    profiles=[{"rgb": [[1, 1, 1, 3], [1, 64, 64, 3], [8, 512, 512, 3]]}],
)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    shutil.copytree(DEFAULT, tmp_path / "bundle", ignore=shutil.ignore_patterns("engines"))
    return load_bundle(tmp_path / "bundle")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"onnx": "b" * 64}, r"the graph \(built from a{12}, the bundle has b{12}\)"),
        (
            {"version": "10.14.0.1"},
            r"TensorRT version \(built with tensorrt 10.13.3.9, here is tensorrt 10.14.0.1\)",
        ),
        ({"library": "tensorrt_rtx"}, r"the TensorRT version .*tensorrt_rtx"),
        ({"gpu": "sm_90"}, r"the GPU architecture \(built for sm_86, here is sm_90\)"),
        ({"gpu": NO_GPU}, "the GPU architecture"),
        ({"precision": "fp16"}, r"the precision \(built for fp32, the bundle has fp16\)"),
        ({"profiles": []}, "the profile"),
        ({"version_compatible": True}, "the option version_compatible"),
        ({"hardware_compatible": "ampere_plus"}, "the option hardware_compatible"),
    ],
)
def test_a_misfit_names_the_part_that_differs(changes: dict, sentence: str) -> None:
    found = KEY.misfit(replace(KEY, **changes))
    assert found is not None and re.search(sentence, found), found
    assert KEY.misfit(KEY) is None


@pytest.mark.parametrize(
    ("version", "fits"), [("10.13.3.9", True), ("10.14.0.1", True), ("10.9.9.9", False), ("11.0.0.1", False)]
)
def test_a_version_compatible_engine_runs_under_later_versions_of_its_major(version: str, fits: bool) -> None:
    key = replace(KEY, version_compatible=True)
    assert (key.misfit(replace(key, version=version)) is None) is fits


@pytest.mark.parametrize(
    ("built", "here", "level", "fits"),
    [
        ("sm_80", "sm_90", "ampere_plus", True),
        ("sm_90", "sm_80", "ampere_plus", True),
        ("sm_80", "sm_75", "ampere_plus", False),
        ("sm_80", NO_GPU, "ampere_plus", False),
        ("sm_80", "sm_90", "same_compute_capability", False),
        ("sm_80", "sm_80", "same_compute_capability", True),
        (NO_GPU, "sm_90", "none", False),
        (ANY_GPU, ANY_GPU, "none", True),
    ],
)
def test_hardware_compatibility(built: str, here: str, level: str, fits: bool) -> None:
    key = replace(KEY, gpu=built, hardware_compatible=level)
    assert (key.misfit(replace(key, gpu=here)) is None) is fits


def test_an_engine_comes_back_as_it_was_written(bundle: Bundle) -> None:
    assert read_engine(bundle, MODEL) is None and read_key(bundle, MODEL) is None
    write_engine(bundle, MODEL, KEY, b"plan", 1.26)
    assert read_engine(bundle, MODEL) == (KEY, b"plan") and read_key(bundle, MODEL) == KEY
    assert has_engines(bundle, (MODEL,)) and not has_engines(bundle, (MODEL, PAINT))
    assert sorted(p.name for p in (bundle.path / "engines").iterdir()) == ["model.engine", "model.json"]
    load_bundle(bundle.path)  # engines are no part of what the manifest lists


def test_a_changed_engine_never_reaches_tensorrt(bundle: Bundle) -> None:
    write_engine(bundle, MODEL, KEY, b"plan", 1.0)
    (bundle.path / "engines" / "model.engine").write_bytes(b"evil")
    with pytest.raises(BundleError, match=r"model\.engine.*changed.*gcolor export .* --trt"):
        read_engine(bundle, MODEL)
    (bundle.path / "engines" / "model.engine").unlink()
    with pytest.raises(BundleError, match=r"model\.engine"):
        read_engine(bundle, MODEL)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", '{"format": 2}', '{"format": 1}', '{"format": 1, "sha256": "x", "key": {}}', "[" * 100_000],
)
def test_a_key_that_is_none_is_refused(bundle: Bundle, text: str) -> None:
    write_engine(bundle, MODEL, KEY, b"plan", 1.0)
    (bundle.path / "engines" / "model.json").write_text(text)
    with pytest.raises(BundleError, match=r"model\.json.*not an engine's key"):
        read_key(bundle, MODEL)


@pytest.mark.parametrize(
    ("name", "value"), [("gpu", 5), ("version", None), ("profiles", {}), ("version_compatible", "no")]
)
def test_a_key_with_a_part_of_another_type_is_refused(bundle: Bundle, name: str, value: object) -> None:
    write_engine(bundle, MODEL, KEY, b"plan", 1.0)
    path = bundle.path / "engines" / "model.json"
    record = json.loads(path.read_text())
    record["key"][name] = value
    path.write_text(json.dumps(record))
    with pytest.raises(BundleError, match=rf"{name} is of the wrong type"):
        read_key(bundle, MODEL)


@pytest.mark.smoke
def test_reading_keys_needs_neither_tensorrt_nor_torch() -> None:
    code = (
        "import sys, gcolor.runtime.engines.trt_key\n"
        "print([m for m in ('tensorrt', 'torch', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
