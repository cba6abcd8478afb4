from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import gcolor
import numpy as np
import onnxruntime
import pytest
from gcolor import Colorizer
from gcolor.color.errors import BundleError, UsageError
from gcolor.color.hint_files import load_hints
from gcolor.export.tensorrt.profiles import make_profiles
from gcolor.export.triton import write_repository
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.engines.trt_key import EngineKey, write_engine
from gcolor.runtime.manifest import DEFAULT, MODEL, PAINT
from PIL import Image

pytest.importorskip("tritonclient.grpc", reason="tritonclient, which has the protobuf of configurations, is missing")

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2
from tritonclient.utils import triton_to_np_dtype

TYPES = {"tensor(uint8)": model_config_pb2.TYPE_UINT8, "tensor(float)": model_config_pb2.TYPE_FP32}
DTYPES = {model_config_pb2.TYPE_UINT8: np.uint8, model_config_pb2.TYPE_FP32: np.float32}


def read(repository: Path, name: str) -> model_config_pb2.ModelConfig:
    """A configuration by the published protobuf, which refuses unknown fields, values and types."""
    return text_format.Parse((repository / name / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


def make_key(bundle, graph: str, shapes=(), **other) -> EngineKey:
    return EngineKey(
        **{
            "onnx": bundle.manifest.files[graph],
            "library": "tensorrt",
            "version": "10.13.3",
            "gpu": "sm_90",
            "precision": "fp32",
            "profiles": make_profiles(bundle, shapes)[graph],
        }
        | other
    )


@pytest.fixture
def with_engines(tmp_path: Path):
    """A copy of the default bundle with stand-ins for engines, and their keys."""
    shutil.copytree(DEFAULT, tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle")
    for graph in (MODEL, PAINT):
        write_engine(bundle, graph, make_key(bundle, graph), b"plan of " + graph.encode(), 1.0)
    return bundle


@pytest.mark.parametrize("name", ["gcolor", "gcolor_paint"])
def test_names_types_and_dims_are_the_graphs_own(tmp_path: Path, name: str) -> None:
    write_repository(load_bundle(), tmp_path)
    config, graph = read(tmp_path, name), session(tmp_path / name / "1" / "model.onnx")
    batched = config.max_batch_size > 0
    assert config.backend == "onnxruntime" and batched == (name == "gcolor") == config.HasField("dynamic_batching")
    for ours, theirs in ((config.input, graph.get_inputs()), (config.output, graph.get_outputs())):
        assert [t.name for t in ours] == [t.name for t in theirs]
        for tensor, real in zip(ours, theirs, strict=True):
            shape = [side if isinstance(side, int) else -1 for side in real.shape]
            assert tensor.data_type == TYPES[real.type]
            assert list(tensor.dims) == (shape[1:] if batched else shape)
            assert not batched or shape[0] == -1
    # A model of Triton's that could be batched would be, by itself, where max_batch_size is 0.
    assert batched or any(len(tensor.dims) == 1 for tensor in config.input)


def test_the_warm_up_runs(tmp_path: Path) -> None:
    write_repository(load_bundle(), tmp_path)
    config, graph = read(tmp_path, "gcolor"), session(tmp_path / "gcolor" / "1" / "model.onnx")
    (warm_up,) = config.model_warmup
    feeds = {
        name: np.zeros((warm_up.batch_size, *value.dims), DTYPES[value.data_type])
        for name, value in warm_up.inputs.items()
    }
    assert graph.run(["colored"], feeds)[0].shape == (1, 683, 1024, 3)


def test_the_graphs_are_the_bundles(tmp_path: Path) -> None:
    write_repository(load_bundle(), tmp_path)
    assert (tmp_path / "gcolor/1/model.onnx").read_bytes() == (DEFAULT / "model.onnx").read_bytes()
    assert (tmp_path / "gcolor_paint/1/model.onnx").read_bytes() == (DEFAULT / "paint.onnx").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["gcolor", "gcolor_paint"]


def test_engines_are_taken_where_the_bundle_has_them(with_engines, tmp_path: Path) -> None:
    assert write_repository(with_engines, tmp_path / "repo") == "tensorrt"
    config = read(tmp_path / "repo", "gcolor")
    assert (tmp_path / "repo/gcolor/1/model.plan").read_bytes() == b"plan of model.onnx"
    assert config.backend == "tensorrt" and config.max_batch_size == 8
    # The third profile takes one picture only; a batch of 8 in it would fail.
    assert list(config.instance_group[0].profile) == ["0", "1"]
    assert config.instance_group[0].kind == model_config_pb2.ModelInstanceGroup.KIND_GPU
    assert list(read(tmp_path / "repo", "gcolor_paint").instance_group[0].profile) == ["0"]
    assert not config.HasField("optimization")

    assert write_repository(with_engines, tmp_path / "repo", "onnxruntime") == "onnxruntime"
    assert [p.name for p in (tmp_path / "repo/gcolor/1").iterdir()] == ["model.onnx"]


def test_an_engine_for_fixed_shapes_is_warmed_up_in_them(with_engines, tmp_path: Path) -> None:
    key = make_key(with_engines, MODEL, ("2x64x96", "4x256x256"))
    write_engine(with_engines, MODEL, key, b"plan", 1.0)
    write_repository(with_engines, tmp_path / "repo")
    config = read(tmp_path / "repo", "gcolor")
    assert config.max_batch_size == 4 and list(config.instance_group[0].profile) == ["1"]
    assert list(config.model_warmup[0].inputs["rgb"].dims) == [256, 256, 3]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"onnx": "0" * 64}, "stale in the graph"),
        ({"precision": "fp16"}, "stale in the precision"),
        ({"library": "tensorrt_rtx"}, "tensorrt_rtx, which Triton does not run"),
    ],
)
def test_engines_that_do_not_fit_are_refused(with_engines, tmp_path: Path, change, sentence: str) -> None:
    write_engine(with_engines, MODEL, make_key(with_engines, MODEL, **change), b"plan", 1.0)
    with pytest.raises(BundleError, match=sentence):
        write_repository(with_engines, tmp_path / "repo")
    assert not (tmp_path / "repo").exists()


def test_engines_asked_for_and_missing(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="has no TensorRT engine"):
        write_repository(load_bundle(), tmp_path / "repo", "tensorrt")


def test_a_foreign_model_is_not_replaced_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "resnet" / "1").mkdir(parents=True)
    (tmp_path / "gcolor_paint").mkdir()
    (tmp_path / "gcolor_paint" / "config.pbtxt").write_text('backend: "python"')
    with pytest.raises(UsageError, match="gcolor_paint: is not a model that gcolor has written"):
        write_repository(load_bundle(), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["gcolor_paint", "resnet"]
    shutil.rmtree(tmp_path / "gcolor_paint")
    write_repository(load_bundle(), tmp_path)
    write_repository(load_bundle(), tmp_path)  # ours may be replaced
    assert sorted(p.name for p in tmp_path.iterdir()) == ["gcolor", "gcolor_paint", "resnet"]


def test_a_full_disk_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_repository(load_bundle(), tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match="No space left on device"):
        write_repository(load_bundle(), tmp_path)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_the_command(gcolor, tmp_path: Path) -> None:
    done = gcolor("export", "--triton", tmp_path / "a")
    assert done.returncode == 0, done.stderr
    assert "gcolor and gcolor_paint of hintunet-" in done.stderr and "backend onnxruntime" in done.stderr
    done = gcolor("export", DEFAULT, "--triton", tmp_path / "b", "--triton-backend", "onnxruntime")
    assert done.returncode == 0, done.stderr
    written = [{p.relative_to(tmp_path / x): p.read_bytes() for p in (tmp_path / x).rglob("*.*")} for x in "ab"]
    assert written[0] == written[1] and len(written[0]) == 4
    (tmp_path / "file").write_text("in the way")
    wrong = {
        (): "name the training run",
        ("--triton-backend", "tensorrt"): "name the repository with --triton",
        (DEFAULT,): "--triton writes its models",
        (DEFAULT, "-o", tmp_path / "x", "--triton", tmp_path / "c"): "is a bundle already",
        (DEFAULT, "--precision", "int8", "--triton", tmp_path / "c"): "name the new bundle's folder with -o",
        ("--triton", tmp_path / "file" / "c"): "cannot be written",
    }
    for arguments, sentence in wrong.items():
        done = gcolor("export", *arguments)
        assert done.returncode == 2 and sentence in done.stderr, done.stderr
    assert gcolor("export", "--triton", tmp_path / "c", "--triton-backend", "tensorrt").returncode == 5


class Handler(BaseHTTPRequestHandler):
    """As much of the inference protocol as the client of the guide speaks, on the models of a repository."""

    repository: Path
    asked: list[str]

    def do_GET(self) -> None:
        found = re.fullmatch(r"/v2/models/(\w+)", self.path)
        assert found
        inputs = [{"name": tensor.name} for tensor in read(self.repository, found[1]).input]
        answer = json.dumps({"name": found[1], "inputs": inputs}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        found = re.fullmatch(r"/v2/models/(\w+)/infer", self.path)
        assert found
        body = self.rfile.read(int(self.headers["Content-Length"]))
        size = int(self.headers["Inference-Header-Content-Length"])
        request, data = json.loads(body[:size]), body[size:]
        config = read(self.repository, found[1])
        expected = {tensor.name: tensor for tensor in config.input}
        feeds = {}
        for given in request["inputs"]:
            tensor = expected.pop(given["name"])
            dims = given["shape"][1:] if config.max_batch_size else given["shape"]
            assert model_config_pb2.DataType.Name(tensor.data_type) == f"TYPE_{given['datatype']}"
            assert all(want in (-1, have) for want, have in zip(tensor.dims, dims, strict=True))
            count = given["parameters"]["binary_data_size"]
            array = np.frombuffer(data[:count], triton_to_np_dtype(given["datatype"]))
            feeds[given["name"]], data = array.reshape(given["shape"]), data[count:]
        assert not expected and not data
        self.asked.append(found[1])
        names = [output["name"] for output in request["outputs"]]
        arrays = session(self.repository / found[1] / "1" / "model.onnx").run(names, feeds)
        outputs = [
            {
                "name": name,
                "datatype": "UINT8" if array.dtype == np.uint8 else "FP32",
                "shape": list(array.shape),
                "parameters": {"binary_data_size": array.nbytes},
            }
            for name, array in zip(names, arrays, strict=True)
        ]
        header = json.dumps({"model_name": found[1], "model_version": "1", "outputs": outputs}).encode()
        self.send_response(200)
        self.send_header("Inference-Header-Content-Length", str(len(header)))
        self.send_header("Content-Length", str(len(header) + sum(array.nbytes for array in arrays)))
        self.end_headers()
        self.wfile.write(header + b"".join(array.tobytes() for array in arrays))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    write_repository(load_bundle(), tmp_path / "repository")
    asked: list[str] = []
    handler = type("Bound", (Handler,), {"repository": tmp_path / "repository", "asked": asked})
    with ThreadingHTTPServer(("localhost", 0), handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"localhost:{listening.server_address[1]}", asked
        listening.shutdown()


@pytest.mark.parametrize(("size", "tiles"), [((120, 170), 0), ((1040, 1100), 9)])
def test_the_guides_client_colors_as_gcolor_does(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_scene, size, tiles: int
) -> None:
    pytest.importorskip("tritonclient.http", reason="tritonclient[http] is missing")
    guide = Path(gcolor.__file__).parent / "docs" / "triton.md"
    if not guide.is_file():
        pytest.skip("the guide is in the repository only")
    url, asked = server
    (code,) = re.findall(r"```python\n(.*?)```", guide.read_text(), re.DOTALL)
    Image.fromarray(make_scene(*size)).save(tmp_path / "photo.jpg", quality=90)
    point = {"x": 60, "y": 40, "color": "#b5533c", "radius": 9}
    (tmp_path / "hints.json").write_text(json.dumps({"version": 1, "points": [point]}))
    monkeypatch.chdir(tmp_path)
    exec(compile(code.replace("localhost:8000", url), "triton.md", "exec"), {"__name__": "guide"})
    assert asked == ["gcolor", *["gcolor_paint"] * tiles]

    alone = Colorizer(device="cpu", painter="onnx")  # the graph, as on the server
    photo = Image.open("photo.jpg").convert("RGB")
    alone.set_image(np.asarray(photo))
    wanted = alone.color(load_hints([Path("hints.json")], photo.size))
    assert np.array_equal(np.asarray(Image.open("colored.png")), wanted)
    assert not np.array_equal(wanted, alone.color())  # the hint counts


def test_a_batch_of_the_repository_is_its_pictures(tmp_path: Path, make_scene) -> None:
    """What dynamic batching rests on: pictures of one size in one call are colored as each alone."""
    write_repository(load_bundle(), tmp_path)
    graph, config = session(tmp_path / "gcolor/1/model.onnx"), read(tmp_path, "gcolor")
    rgb = np.stack([make_scene(96, 128, seed) for seed in range(config.max_batch_size)])
    hints = np.zeros((len(rgb), 64, 80, 4), np.uint8)
    hints[::2, 10:14, 20:24] = (200, 40, 30, 255)
    feeds = {"rgb": rgb, "hints": hints, "vividness": np.ones((len(rgb), 1, 1, 1), np.float32)}
    together = graph.run(["colored"], feeds)[0]
    for number in range(len(rgb)):
        some = slice(number, number + 1)
        alone = graph.run(["colored"], {name: array[some] for name, array in feeds.items()})[0]
        assert np.abs(alone.astype(int) - together[some]).max() <= 1
