"""fp16 and int8: what is inside the graphs, what they paint, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
onnx = pytest.importorskip("onnx")

from onnx import ModelProto  # noqa: E402

ort = pytest.importorskip("onnxruntime")
from gcolor.color.distance import Comparison  # noqa: E402
from gcolor.color.errors import BundleError  # noqa: E402
from gcolor.color.protocol import grid_hints  # noqa: E402
from gcolor.export import bundle as module  # noqa: E402
from gcolor.export.bundle import export_bundle  # noqa: E402
from gcolor.export.onnx_file import export_fused  # noqa: E402
from gcolor.export.parity import LIMITS, choose_photos, hinted  # noqa: E402
from gcolor.export.precision import to_fp16  # noqa: E402
from gcolor.export.quantize import measure_ranges, quantized_nodes, to_int8  # noqa: E402
from gcolor.export.tensorrt.lint import lint  # noqa: E402
from gcolor.models import ModelConfig, Network, build  # noqa: E402
from gcolor.models.fused import FusedColorizer  # noqa: E402
from gcolor.runtime.bundle import load_bundle  # noqa: E402
from gcolor.runtime.manifest import DEFAULT, MODEL, MODEL_TRT, PAINT, WEIGHTS  # noqa: E402
from onnx import TensorProto, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402
from onnx.reference.op_run import OpRun  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

SMALL = {
    "hintunet": ModelConfig(channels=(8, 16, 16), blocks=(1, 1, 1), heads=2),
    "resunet": ModelConfig(variant="resunet", channels=(8, 8, 8, 8), features=8, bottleneck=16),
}
Small = dict[str, tuple[Network, Path]]


class GatherElements(OpRun):
    """As the operator is defined; the evaluator's own takes at most 64 rows."""

    op_domain = ""

    def _run(self, data: np.ndarray, indices: np.ndarray, axis: int | None = None) -> tuple[np.ndarray]:
        return (np.take_along_axis(data, indices, axis=axis or 0),)


QDQ = ("QuantizeLinear", "DequantizeLinear")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Small networks with strong colors, and the folders of their fp32 graphs."""
    made = {}
    for name, config in SMALL.items():
        torch.manual_seed(3)
        network = build(config).eval()
        for parameter in network.get_submodule("head" if name == "hintunet" else "head_a").parameters():
            parameter.data *= 4.0
        folder = tmp_path_factory.mktemp(name)
        export_fused(FusedColorizer(network).eval(), folder / MODEL)
        shutil.copy(DEFAULT / PAINT, folder / PAINT)  # the same for every network
        made[name] = network, folder
    return made


@pytest.fixture
def scenes(tmp_path: Path, make_scene: Callable[..., np.ndarray]) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(make_scene(seed=number)).save(folder / f"{number}.png")
    return folder


def elements(model: ModelProto) -> dict[str, int]:
    typed = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    found = {v.name: v.type.tensor_type.elem_type for v in (*typed.value_info, *typed.input, *typed.output)}
    return found | {t.name: t.data_type for t in typed.initializer}


def in_fp32(model: ModelProto) -> ModelProto:
    """A bundle's graph as it was exported, before its weights were halved; an export of its own would take minutes."""
    graph = model.graph
    half = {t.name: t for t in graph.initializer if t.data_type == TensorProto.FLOAT16}
    assert half
    for node in [node for node in graph.node if node.op_type == "Cast" and node.input[0] in half]:
        weights = numpy_helper.to_array(half[node.input[0]]).astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(weights, node.output[0]))
        graph.node.remove(node)
    for tensor in half.values():
        graph.initializer.remove(tensor)
    return model


def color(model: ModelProto, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(["colored", "ab"], feeds)


@pytest.mark.parametrize("name", SMALL)
def test_fp16_holds_the_network_and_leaves_lab_and_decoding(small: Small, name: str) -> None:
    network, folder = small[name]
    whole = onnx.load(str(folder / MODEL))
    half = to_fp16(whole, network)
    onnx.checker.check_model(half, full_check=True)
    types = elements(half)
    for node in half.graph.node:
        module_path = node.name.rpartition("/")[0]
        kinds = {types.get(value) for value in (*node.input, *node.output)}
        inner = module_path.removeprefix("network").lstrip(".").split(".")[0]
        if not module_path.startswith("network") and not node.name.startswith("cast/"):
            assert TensorProto.FLOAT16 not in kinds, node.name
        if inner in network.exact and node.op_type != "Shape":
            assert TensorProto.FLOAT16 not in kinds, node.name
        if node.op_type == "Conv" and inner not in network.exact:
            assert kinds == {TensorProto.FLOAT16}, node.name
    assert [types[v.name] for v in half.graph.output] == [TensorProto.UINT8, TensorProto.FLOAT]
    weights = [t for t in half.graph.initializer if t.name.endswith(".weight_fp16")]
    assert weights and all(t.data_type == TensorProto.FLOAT16 for t in weights)
    assert half.ByteSize() < whole.ByteSize()
    assert not lint(half) or lint(half) == lint(whole)


@pytest.mark.parametrize("name", SMALL)
def test_fp16_in_true_half_arithmetic_is_close(small: Small, name: str, make_scene: Callable[..., np.ndarray]) -> None:
    """ONNX's own evaluator rounds after every node; ONNX Runtime on a CPU may compute several in fp32."""
    network, folder = small[name]
    whole = onnx.load(str(folder / MODEL))
    rgb = make_scene(40, 48)
    hints = grid_hints(rgb, "0.png", 3, (32, 48))
    feeds = {"rgb": rgb[None], "hints": hints[None], "vividness": np.ones((1, 1, 1, 1), np.float32)}
    found = ReferenceEvaluator(to_fp16(whole, network), new_ops=[GatherElements]).run(["colored", "ab"], feeds)
    wanted = color(whole, feeds)
    assert wanted[1].std() > 1.0  # there are colors to lose
    comparison = Comparison()
    distance = comparison.add(found[0], wanted[0], found[1], wanted[1])
    assert 0.0 < np.abs(found[1] - wanted[1]).max() < 1.0
    assert distance.mean_ciede2000 < LIMITS["fp16"]["mean_ciede2000"]


def test_the_forms_of_int8(small: Small, scenes: Path) -> None:
    network, folder = small["hintunet"]
    whole = onnx.load(str(folder / MODEL))
    nodes = quantized_nodes(whole, network)
    paths = {node.name.rpartition("/")[0].split(".")[1] for node in nodes if "." in node.name}
    assert {"encode_fine", "decode_fine", "up_middle"} <= paths
    assert not paths & {"stem", "head", "gate", "propagate", "correct"}
    ranges = measure_ranges(whole, hinted(choose_photos([scenes], 2)))
    for symmetric in (False, True):
        graph = to_int8(whole, nodes, ranges, symmetric)
        onnx.checker.check_model(graph, full_check=True)
        tensors = {t.name: t for t in graph.graph.initializer}
        pairs = [node for node in graph.graph.node if node.op_type in QDQ]
        made = {output: node.op_type for node in graph.graph.node for output in node.output}
        convs = [n for n in graph.graph.node if n.op_type == "Conv" and made.get(n.input[0]) == "DequantizeLinear"]
        assert len(convs) == sum(node.op_type == "Conv" for node in nodes)
        zeros = [tensors[node.input[2]] for node in pairs if len(node.input) > 2 and node.input[2]]
        weights = [t for t in graph.graph.initializer if t.data_type == TensorProto.INT8 and len(t.dims) == 4]
        assert len(weights) == len(convs)
        if symmetric:
            assert not any(numpy_helper.to_array(t).any() or t.data_type == TensorProto.UINT8 for t in zeros)
            assert not [reason for reason in lint(graph) if "zero point" in reason]
        else:
            assert any(t.data_type == TensorProto.UINT8 for t in zeros)
            assert max(int(np.abs(numpy_helper.to_array(t).astype(int)).max()) for t in weights) <= 64


def run_export(monkeypatch: pytest.MonkeyPatch, small: Small, precision: str, out: Path, photos: Path, times: float):
    """Export a small network whose fp32 graphs are there."""
    network, folder = small["hintunet"]
    info = {"config": {"model": network.config.to_dict()}, "step": 1, "seconds": 1.0, "scores": None}
    monkeypatch.setattr(module, "load_model", lambda run: (network, info))
    monkeypatch.setattr(module, "export_fused", lambda model, path: shutil.copy(folder / MODEL, path))
    monkeypatch.setattr(module, "export_paint", lambda paint, stride, path: shutil.copy(folder / PAINT, path))
    return export_bundle(Path("run"), out, [photos], times, precision)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_bundle_of_lower_precision(
    small: Small, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    out = tmp_path / "bundle"
    parity = run_export(monkeypatch, small, precision, out, scenes, 1.0)
    manifest = load_bundle(out).manifest
    assert 0.0 < parity.mean_ciede2000 < 0.5 and parity.photos == 3 and parity.pictures == 6
    assert manifest.precision == precision and manifest.record["converted"]["Conv"] > 5
    assert manifest.record["parity"]["psnr"] < 99.0
    kept = load_file(out / WEIGHTS)
    assert all(torch.equal(kept[k].float(), v.float()) for k, v in small["hintunet"][0].state_dict().items())
    assert all((v.dtype == torch.float16) == (v.dim() > 1) for v in kept.values())
    assert (MODEL_TRT in manifest.files) == (precision == "int8") == ("calibration" in manifest.record)
    if precision == "int8":
        assert manifest.record["calibration"]["photos"] == 3 and manifest.record["parity_trt"]["mean_ciede2000"] < 0.5


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_one_that_is_too_far_off_is_refused(
    small: Small, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    with pytest.raises(BundleError, match=rf"{precision}: parity with PyTorch fails.*mean_ciede2000") as caught:
        run_export(monkeypatch, small, precision, tmp_path / "bundle", scenes, 1e-9)
    assert caught.value.exit_code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_the_default_network_on_photos(photos: Path) -> None:
    network = build(ModelConfig.from_dict(load_bundle().manifest.model)).eval()
    whole = in_fp32(onnx.load(str(DEFAULT / MODEL)))
    nodes = quantized_nodes(whole, network)
    tuned, seen = choose_photos([photos / "val"], 2), choose_photos([photos / "test"], 4)
    ranges = measure_ranges(whole, hinted(tuned))
    graphs = {"fp16": to_fp16(whole, network), "int8": to_int8(whole, nodes, ranges, False)}
    totals = {name: Comparison() for name in graphs}
    for rgb, hints in hinted(seen):
        feeds = {"rgb": rgb, "hints": hints, "vividness": np.ones((1, 1, 1, 1), np.float32)}
        wanted = color(whole, feeds)
        for name, graph in graphs.items():
            found = color(graph, feeds)
            totals[name].add(found[0], wanted[0], found[1], wanted[1])
    assert totals["fp16"].result().mean_ciede2000 < 0.05
    assert totals["int8"].result().mean_ciede2000 < LIMITS["int8"]["mean_ciede2000"]
