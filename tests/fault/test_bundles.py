"""Damaged, foreign and broken bundles: code 5 before any picture is read, or a sentence for each picture."""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gcolor.color.errors import BundleError
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.manifest import DEFAULT
from PIL import Image

needs_onnx = pytest.mark.skipif(find_spec("onnx") is None, reason="makes graphs with the onnx package")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    shutil.copytree(DEFAULT, tmp_path / "bundle")
    return tmp_path / "bundle"


def refused(gcolor, folder: Path, bundle: Path, sentence: str, *options: str) -> None:
    done = gcolor("batch", folder, "-o", folder.parent / "out", "--bundle", bundle, *options)
    assert done.returncode == 5, done.stderr
    assert sentence in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("error: ") == 1
    assert not [p for p in (folder.parent / "out").rglob("*.*") if p.suffix in (".jpg", ".png")]


def sign(bundle: Path) -> None:
    """Make the hashes in the manifest those of the files."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    for name in manifest["files"]:
        manifest["files"][name] = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.smoke
@pytest.mark.parametrize("name", ["model.onnx", "paint.onnx", "weights.safetensors"])
def test_a_flipped_byte(gcolor, grey_folder: Path, bundle: Path, name: str) -> None:
    if name == "weights.safetensors" and not find_spec("torch"):
        pytest.skip("only PyTorch reads the weights")
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 3] ^= 1
    (bundle / name).write_bytes(data)
    backend = ["--backend", "torch"] if name == "weights.safetensors" else []
    refused(gcolor, grey_folder, bundle, f"{name}: does not have the hash in manifest.json", *backend)


def test_a_flipped_byte_in_the_manifest_never_lets_another_model_in(bundle: Path) -> None:
    manifest, whole = (bundle / "manifest.json").read_bytes(), load_bundle(bundle)
    refusals = 0
    for at in range(0, len(manifest), 7):
        data = bytearray(manifest)
        data[at] ^= 1 << at % 7
        (bundle / "manifest.json").write_bytes(data)
        try:
            found = load_bundle(bundle)
        except BundleError:
            refusals += 1
        else:
            assert found.model == whole.model and found.paint == whole.paint
    assert refusals > 20


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 99}, "bundle format 99, this gcolor reads 1; export it again"),
        ({"format": None}, "bundle format None"),
        ({"files": {}}, "not a bundle manifest"),
        ({"model": 3}, "not a bundle manifest"),
        ({"files": {"model.onnx": 7, "paint.onnx": None}}, "the hash of model.onnx is not text"),
    ],
)
def test_a_manifest_of_another_kind(
    gcolor, grey_folder: Path, bundle: Path, change: dict[str, Any], sentence: str
) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps(manifest | change))
    refused(gcolor, grey_folder, bundle, sentence)


@pytest.mark.smoke
@pytest.mark.parametrize("name", ["model.onnx", "paint.onnx"])
@pytest.mark.parametrize("data", [b"", b"no graph at all" * 10, bytes(100)], ids=["empty", "text", "zeros"])
def test_a_graph_that_is_none(gcolor, grey_folder: Path, bundle: Path, name: str, data: bytes) -> None:
    (bundle / name).write_bytes(data)
    sign(bundle)
    refused(gcolor, grey_folder, bundle, "graph")


@needs_onnx
@pytest.mark.parametrize("where", ["initializer", "constant", "branch"])
def test_data_outside_the_model_is_refused(gcolor, grey_folder: Path, bundle: Path, where: str) -> None:
    """Otherwise ONNX Runtime would look for the file in the current folder, and no hash would guard it."""
    import onnx

    model = onnx.load(bundle / "model.onnx")
    tensor = onnx.TensorProto(name="far", dims=[4], data_type=onnx.TensorProto.FLOAT)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret.bin")
    if where == "initializer":
        model.graph.initializer.append(tensor)
    else:
        node = onnx.helper.make_node("Constant", [], ["far"], value=tensor)
        if where == "branch":
            inner = onnx.helper.make_graph([node], "inner", [], [onnx.ValueInfoProto(name="far")])
            node = onnx.helper.make_node("If", ["rgb"], ["farther"], then_branch=inner, else_branch=inner)
        model.graph.node.append(node)
    (bundle / "model.onnx").write_bytes(model.SerializeToString())
    sign(bundle)
    refused(gcolor, grey_folder, bundle, "model.onnx: refers to data in other files, which no hash guards")


def make_graph(path: Path, outputs: dict[str, Any], inputs: dict[str, Any], nodes: list[Any]) -> None:
    from onnx import checker, helper

    def values(shapes: dict[str, Any]) -> list[Any]:
        return [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in shapes.items()]

    graph = helper.make_graph(nodes, "tiny", values(inputs), values(outputs))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


@pytest.fixture
def tiny(bundle: Path) -> Path:
    """A bundle in order, whose ab is the mean of the picture divided by itself: NaN for a black one."""
    from onnx import TensorProto, helper, numpy_helper

    u8, f32 = TensorProto.UINT8, TensorProto.FLOAT
    picture = (u8, ["N", "H", "W", 3])
    shape = numpy_helper.from_array(np.array([1, 2, 4, 4], np.int64))
    nodes = [
        helper.make_node("Identity", ["rgb"], ["colored"]),
        helper.make_node("Cast", ["rgb"], ["light"], to=f32),
        helper.make_node("ReduceMean", ["light"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "mean"], ["one"]),
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("Expand", ["one", "shape"], ["ab"]),
    ]
    outputs = {"colored": picture, "ab": (f32, [1, 2, 4, 4])}
    make_graph(bundle / "model.onnx", outputs, {"rgb": picture, "hints": (u8, ["N", "h", "w", 4])}, nodes)
    inputs = {"rgb": picture, "ab": (f32, ["N", 2, "g", "k"]), "place": (f32, [4])}
    nodes = [helper.make_node("Identity", ["rgb"], ["colored"])]
    make_graph(bundle / "paint.onnx", {"colored": picture}, inputs, nodes)
    sign(bundle)
    return bundle


@needs_onnx
@pytest.mark.filterwarnings("ignore")
def test_a_model_that_answers_with_nan_fails_that_picture(
    list_outputs, gcolor, grey_folder: Path, tiny: Path, tmp_path: Path
) -> None:
    Image.new("L", (64, 48)).save(grey_folder / "black.png")
    Image.new("L", (1500, 1200)).save(grey_folder / "large.png")
    Image.new("I;16", (64, 48)).save(grey_folder / "deep.png")
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out", "--bundle", tiny)
    assert done.returncode == 3, done.stderr
    lines = sorted(line for line in done.stderr.splitlines() if line.startswith("error: "))
    sentence = "the model's output is not a number; the bundle is damaged or the wrong one"
    assert lines == [f"error: {name}: {sentence}" for name in ("black.png", "deep.png", "large.png")]
    assert list_outputs(tmp_path / "out") == ["a.jpg", "b.png", "sub/c.jpg"]


@needs_onnx
@pytest.mark.filterwarnings("ignore")
def test_a_graph_with_other_inputs_fails_with_a_sentence(gcolor, grey_folder: Path, tiny: Path, tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    picture = (TensorProto.UINT8, ["N", "H", "W", 3])
    nodes = [helper.make_node("Identity", ["photo"], ["painting"])]
    make_graph(tiny / "model.onnx", {"painting": picture}, {"photo": picture}, nodes)
    sign(tiny)
    done = gcolor("batch", grey_folder, "-o", tmp_path / "out", "--bundle", tiny)
    assert done.returncode in (3, 5) and "Traceback" not in done.stderr
    assert "ONNX Runtime" in done.stderr
