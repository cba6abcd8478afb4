"""Which engine is opened, and what is said where TensorRT cannot run. Its runs on a GPU: tests/gpu/test_trt.py"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from gcolor.color.errors import BundleError, EngineError
from gcolor.runtime.bundle import Bundle, load_bundle
from gcolor.runtime.engines.open import open_engine
from gcolor.runtime.engines.rtx_engine import kernel_folder
from gcolor.runtime.engines.trt_key import EngineKey, write_engine
from gcolor.runtime.manifest import DEFAULT, MODEL, PAINT

KEY = EngineKey(onnx="a" * 64, library="tensorrt", version="11.4.0.106", gpu="sm_86", precision="fp32", profiles=[])


def has_cuda() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


no_cuda = pytest.mark.skipif(has_cuda(), reason="there is a CUDA device")


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    shutil.copytree(DEFAULT, tmp_path / "bundle", ignore=shutil.ignore_patterns("engines"))
    return load_bundle(tmp_path / "bundle")


@pytest.fixture
def built(bundle: Bundle) -> Bundle:
    for graph in (MODEL, PAINT):
        write_engine(bundle, graph, KEY, b"plan", 1.0)
    return bundle


def test_a_bundle_without_engines_says_how_to_build_them(bundle: Bundle) -> None:
    with pytest.raises(EngineError, match=r"no TensorRT engines; build it with `gcolor export .*bundle --trt`"):
        open_engine(bundle, "trt")
    assert open_engine(bundle).backend == "onnx"


def test_engines_do_not_run_on_a_cpu(built: Bundle) -> None:
    for backend in ("trt", "trt-rtx"):
        with pytest.raises(EngineError, match="CUDA devices only"):
            open_engine(built, backend, "cpu")
    assert open_engine(built, "auto", "cpu").backend == "onnx"


@no_cuda
def test_engines_without_a_device_are_no_reason_to_fail_for_auto(built: Bundle) -> None:
    assert open_engine(built).backend == "onnx"
    with pytest.raises(EngineError, match=r"no such CUDA device|torch is not installed"):
        open_engine(built, "trt")


@no_cuda
def test_a_missing_or_driverless_plugin_is_said(built: Bundle) -> None:
    with pytest.raises(EngineError, match=r"pip install 'gcolor\[trt-rtx\]'|wants an NVIDIA driver|lists 0 devices"):
        open_engine(built, "trt-rtx")


def test_the_plugins_cache_is_the_users_or_the_one_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GCOLOR_RTX_CACHE", raising=False)
    monkeypatch.delenv("GCOLOR_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kernel_folder() == tmp_path / "gcolor" / "trt-rtx"
    monkeypatch.setenv("GCOLOR_CACHE", str(tmp_path / "moved"))
    assert kernel_folder() == tmp_path / "moved" / "trt-rtx"
    monkeypatch.setenv("GCOLOR_CACHE", "off")
    assert kernel_folder() is None
    monkeypatch.setenv("GCOLOR_RTX_CACHE", str(tmp_path / "here"))
    assert kernel_folder() == tmp_path / "here"


def test_an_unknown_backend_is_refused(bundle: Bundle) -> None:
    with pytest.raises((EngineError, BundleError), match="not known"):
        open_engine(bundle, "tpu")
