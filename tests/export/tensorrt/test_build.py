from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from gcolor.color.errors import BundleError, UsageError
from gcolor.export.tensorrt.lint import lint
from gcolor.export.tensorrt.profiles import BATCH, make_profiles
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.colorizer import Colorizer
from gcolor.runtime.device import Device
from gcolor.runtime.engines.onnx_engine import OnnxEngine
from gcolor.runtime.engines.trt_key import read_engine, read_key
from gcolor.runtime.manifest import DEFAULT, MODEL, MODEL_TRT, PAINT, sha256
from gcolor.runtime.painting.kernel import Kernel

BOUNDS = """
import json, sys
import tensorrt as trt
log = trt.Logger(trt.Logger.ERROR)
builder = trt.Builder(log)
for path in sys.argv[1:]:
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    assert trt.OnnxParser(network, log).parse_from_file(path)
    ends = [network.get_input(i) for i in range(network.num_inputs)]
    ends += [network.get_output(i) for i in range(network.num_outputs)]
    print(json.dumps({t.name: t.dtype.name for t in ends}))
"""
GRAPHS = (MODEL, PAINT)
FITS = "its engine fits, nothing to build"


@pytest.fixture(scope="session")
def with_form(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default bundle with the graph that TensorRT takes."""
    pytest.importorskip("onnxscript")
    from gcolor.export.tensorrt.form import with_trt_form

    folder = tmp_path_factory.mktemp("form") / "bundle"
    shutil.copytree(DEFAULT, folder)
    with_trt_form(load_bundle(folder))
    return folder


@pytest.fixture
def bundle(with_form: Path, tmp_path: Path) -> Path:
    shutil.copytree(with_form, tmp_path / "bundle")
    return tmp_path / "bundle"


def node_of_bytes() -> bytes:
    """A graph that TensorRT refuses."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.UINT8, [2, 2]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Transpose", ["x"], ["y"])], "g", ends[:1], ends[1:])
    return helper.make_model(graph).SerializeToString()


class Recorder:
    """An engine that keeps the shapes that Colorizer asks it for."""

    backend, device, about, parallel_tiles = "recorder", "cpu", "", 1
    kernel: Kernel | None = None

    def __init__(self, stride: int) -> None:
        self.stride, self.seen = stride, []

    def color(self, rgb, hints, vividness=1.0):
        self.seen.append((MODEL, {"rgb": rgb.shape, "hints": hints.shape, "vividness": (len(rgb), 1, 1, 1)}))
        return rgb, np.zeros((len(rgb), 2, *(side // self.stride for side in hints.shape[1:3])), np.float32)

    def chroma(self, rgb, hints, vividness=1.0):
        return self.color(rgb, hints, vividness)[1]

    def joint(self, rgb, hints):
        raise NotImplementedError

    def paint(self, tile, ab, place):
        self.seen.append((PAINT, {"rgb": tile.shape, "ab": ab.shape}))
        return tile


def asked(height: int, width: int):
    """(graph, shapes) of every call that Colorizer makes for a picture of this size."""
    colorizer = Colorizer()
    colorizer.engine = Recorder(int(colorizer.bundle.manifest.output_stride))
    colorizer.set_image(np.zeros((height, width, 3), np.uint8))
    colorizer.color()
    return colorizer.engine.seen


def taken(profile, shapes) -> bool:
    return all(
        len(shape) == len(profile[name][0])
        and all(a <= s <= b for a, s, b in zip(profile[name][0], shape, profile[name][2], strict=True))
        for name, shape in shapes.items()
    )


@pytest.mark.parametrize(
    "size", [(1, 1), (40, 30), (256, 256), (1000, 1000), (1300, 760), (300, 3300), (2400, 1800), (1030, 5001)]
)
def test_the_dynamic_profiles_take_whatever_the_colorizer_asks_for(size: tuple[int, int]) -> None:
    profiles = make_profiles(load_bundle())
    for graph, shapes in asked(*size):
        assert any(taken(profile, shapes) for profile in profiles[graph]), (graph, shapes)


def test_the_dynamic_profiles_take_batches_of_the_usual_sizes() -> None:
    for height, width in [(512, 768), (768, 512), (866, 1154), (1000, 1000)]:
        (_, shapes), *_ = asked(height, width)
        batch = {name: (BATCH, *shape[1:]) for name, shape in shapes.items()}
        assert any(taken(profile, batch) for profile in make_profiles(load_bundle())[MODEL]), batch


@pytest.mark.parametrize("size", [(300, 400), (1024, 1024), (1300, 1100)])
def test_static_profiles_are_exactly_what_the_colorizer_asks_for(size: tuple[int, int]) -> None:
    profiles = make_profiles(load_bundle(), ("1x{}x{}".format(*size),))
    for graph, shapes in asked(*size):
        fixed = {name: [list(shape)] * 3 for name, shape in shapes.items()}
        assert fixed in profiles[graph], (graph, fixed)
    assert len(profiles[MODEL]) == 1 and len(profiles[PAINT]) <= 4


def test_best_lies_between_least_and_greatest_in_every_profile() -> None:
    for shapes in ((), ("8x512x512", "1x1300x1100")):
        for profile in itertools.chain(*make_profiles(load_bundle(), shapes).values()):
            for least, best, greatest in profile.values():
                assert all(a <= b <= c for a, b, c in zip(least, best, greatest, strict=True))


@pytest.mark.parametrize("text", ["", "8x512", "0x512x512", "axbxc", "8x512x512x3", "8X512X512"])
def test_a_profile_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="dynamic"):
        make_profiles(load_bundle(), (text,))


def test_the_form_for_tensorrt_passes_the_lint_and_paints_the_same(with_form: Path, make_scene) -> None:
    bundle = load_bundle(with_form)
    graph = bundle.read(bundle.manifest.source(MODEL))
    assert lint(graph) == [] and lint(bundle.read(bundle.manifest.source(PAINT))) == []
    photo, hints = make_scene(120, 200)[None], np.zeros((1, 256, 432, 4), np.uint8)
    for marks in range(2):
        hints[:, 30 : 30 + 3 * marks, 40:43] = (200, 60, 30, 255)
        own, _ = OnnxEngine(bundle, Device("cpu")).color(photo, hints)
        other, _ = OnnxEngine(replace(bundle, graphs={MODEL: graph}), Device("cpu")).color(photo, hints)
        assert (np.abs(own.astype(int) - other.astype(int)) > 1).mean() <= 0.001


def test_a_bundle_that_tensorrt_takes_as_it_is_gets_no_second_graph(with_form: Path, tmp_path: Path) -> None:
    """The network does not matter here, only that the lint passes."""
    from gcolor.export.tensorrt.form import with_trt_form

    bundle = load_bundle(with_form)
    graph = bundle.read(bundle.manifest.source(PAINT))
    none = replace(bundle.manifest, files={})
    plain = replace(bundle, graphs={MODEL: graph, PAINT: graph}, manifest=none)
    assert with_trt_form(plain) is plain
    assert with_trt_form(bundle) is bundle


def test_an_int8_bundle_without_its_tensorrt_graph_is_refused(with_form: Path) -> None:
    from gcolor.export.tensorrt.form import with_trt_form

    bundle = load_bundle(with_form)
    unsigned = node_of_bytes()
    with pytest.raises(BundleError, match=r"no int8 graph for TensorRT"):
        int8 = replace(bundle.manifest, precision="int8", files={})
        with_trt_form(replace(bundle, graphs={MODEL: unsigned, PAINT: b""}, manifest=int8))


def test_both_graphs_take_and_give_bytes_to_nvidias_parser(rig, bundle: Path) -> None:
    done = rig("-c", BOUNDS, bundle / MODEL_TRT, bundle / load_bundle(bundle).manifest.source(PAINT))
    assert done.returncode == 0, done.stderr
    model, paint = map(json.loads, done.stdout.splitlines()[-2:])
    floats = dict.fromkeys(("vividness", "ab", "joint"), "FLOAT")
    assert model == {"rgb": "UINT8", "hints": "UINT8", "colored": "UINT8"} | floats
    assert paint["rgb"] == paint["colored"] == "UINT8" and paint["ab"] == "FLOAT"


def test_engines_for_all_sizes_build(rig, bundle: Path) -> None:
    done = rig("-m", "gcolor", "export", bundle, "--trt", "--trt-level", 0, "--workspace", 4096)
    assert done.returncode == 0, done.stderr
    for graph in GRAPHS:
        file = load_bundle(bundle).manifest.source(graph)
        found = read_engine(load_bundle(bundle), graph)
        assert found
        key, plan = found
        assert key.onnx == sha256((bundle / file).read_bytes()) and len(plan) > 100_000
        assert (key.library, key.precision) == ("tensorrt", load_bundle().manifest.precision)
        assert key.version[0].isdigit() and key.profiles == make_profiles(load_bundle())[graph]


def test_only_what_is_stale_is_built_again_and_the_reason_is_said(rig, bundle: Path, tmp_path: Path) -> None:
    copy, cache = tmp_path / "copy", tmp_path / "timing.cache"
    cache.write_bytes(b"of another TensorRT")

    def export(source: Path, *options: object, rc: int = 0) -> list[str]:
        fixed = ["--trt-profile", "1x96x128", "--timing-cache", cache]
        done = rig("-m", "gcolor", "export", source, "--trt", *fixed, *options)
        assert done.returncode == rc, done.stderr
        return done.stderr.splitlines()

    said = export(bundle, "-o", copy)
    assert [line.split(";")[0] for line in said if "building for" in line] == [f"{g}: has no engine" for g in GRAPHS]
    assert sorted(p.name for p in (copy / "engines").iterdir()) == [
        *("model.engine", "model.json", "paint.engine", "paint.json")
    ]
    # Begun anew where TensorRT takes one, said where it does not.
    assert cache.read_bytes() != b"of another TensorRT" or any("takes no timing cache" in line for line in said)
    assert not (bundle / "engines").exists()
    assert read_key(load_bundle(copy), MODEL).profiles == make_profiles(load_bundle(), ("1x96x128",))[MODEL]
    assert "exists" in export(bundle, "-o", copy, rc=2)[-1]

    engine, path = (copy / "engines" / name for name in ("paint.engine", "paint.json"))
    record = json.loads(path.read_text())
    record["key"]["version"] = "10.13.3.9"
    path.write_text(json.dumps(record))
    model, paint, *_ = export(copy)
    assert model == f"{MODEL}: {FITS}"
    assert paint.startswith(
        f"{PAINT}: its engine is stale in the TensorRT version (built with tensorrt 10.13.3.9, here"
    )
    damaged = bytearray(engine.read_bytes())
    damaged[1000] ^= 1
    engine.write_bytes(damaged)
    assert "paint.engine: does not have the hash in its key" in export(copy)[1]
    assert export(copy) == [f"{g}: {FITS}" for g in GRAPHS]


def test_a_graph_that_the_parser_refuses_is_named(rig, bundle: Path) -> None:
    """The lint is passed over, so that the sentence is made of the parser's own words."""
    code = """
import sys, tensorrt as trt
from gcolor.color.errors import BundleError
from gcolor.export.tensorrt.build import BuildOptions, build_engine
from onnx import TensorProto, helper
ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [4]) for n in ("x", "y")]
node = helper.make_node("Unique", ["x"], ["y"], name="odd_one")
graph = helper.make_graph([node], "g", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
try:
    build_engine(trt, model.SerializeToString(), [], BuildOptions())
except BundleError as error:
    print(error)
"""
    done = rig("-c", code)
    assert done.returncode == 0, done.stderr
    assert "refuses the graph: odd_one (Unique)" in done.stdout and done.stdout.count("\n") == 1


def test_a_build_stops_where_the_progress_fails(rig, bundle: Path) -> None:
    """As with Ctrl-C: the exception must come out of TensorRT, not end the process inside of it."""
    code = """
import sys, tensorrt as trt
from pathlib import Path
from gcolor.export.tensorrt.build import BuildOptions, build_engine
from gcolor.export.tensorrt.profiles import make_profiles
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.manifest import PAINT
def step(phase, done, total):
    assert 0 <= done <= total, (phase, done, total)
    if phase == "Building engine" and done > 0:
        raise KeyboardInterrupt
bundle = load_bundle(Path(sys.argv[1]))
graph, profiles = bundle.read(bundle.manifest.source(PAINT)), make_profiles(bundle, ("1x64x64",))[PAINT]
try:
    build_engine(trt, graph, profiles, BuildOptions(), step)
except KeyboardInterrupt:
    print("stopped")
"""
    done = rig("-c", code, bundle)
    assert done.returncode == 0 and done.stdout.endswith("stopped\n"), done.stdout + done.stderr


def test_hardware_compatibility_that_is_not_had_is_said(rig, bundle: Path) -> None:
    code = """
import sys, tensorrt as trt
from pathlib import Path
from gcolor.color.errors import EngineError
from gcolor.export.tensorrt.build import BuildOptions, build_engine
from gcolor.export.tensorrt.profiles import make_profiles
from gcolor.runtime.bundle import load_bundle
from gcolor.runtime.manifest import PAINT
bundle = load_bundle(Path(sys.argv[1]))
graph, profiles = bundle.read(bundle.manifest.source(PAINT)), make_profiles(bundle, ("1x64x64",))[PAINT]
try:
    plan = build_engine(trt, graph, profiles, BuildOptions(hardware_compatible="ampere_plus"))
    print("built", len(plan))
except EngineError as error:
    print(error)
"""
    done = rig("-c", code, bundle)
    assert done.returncode == 0, done.stderr
    assert "builds no engines with the hardware compatibility ampere_plus" in done.stdout or "built" in done.stdout


def test_without_tensorrt_the_extra_is_named(gcolor, bundle: Path) -> None:
    hide = "import sys; sys.modules['tensorrt'] = sys.modules['tensorrt_rtx'] = None\n"
    code = f"{hide}from gcolor.cli.main import main; main(['export', {str(bundle)!r}, '--trt'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 6 and "pip install 'gcolor[trt]'" in done.stderr


def test_a_run_without_an_output_is_a_wrong_call(gcolor, tmp_path: Path) -> None:
    done = gcolor("export", tmp_path, "--trt")
    assert done.returncode == 2 and "-o" in done.stderr
