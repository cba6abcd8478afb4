"""Where the time of one picture goes, from file to file: decode, pre, net, post, encode, and the rest.

Files are read and written by `pictures`. What happens between is split by the engine itself: ONNX Runtime's profiler
says how long each node of the fused graph took, and `bench_graph` which of them are the network's; in PyTorch hooks
around the network say when it began and ended. Shrinking a large picture before the graph counts as "pre", painting it
in tiles after the graph as "post"; "rest" is the engine's own time between the nodes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...color.errors import EngineError
from ...color.lab import Bytes
from ..bundle import Bundle
from ..colorizer import Colorizer
from ..engines.engine import Engine
from ..onnx_form import keep_outputs
from ..painting.kernel import Place
from ..pictures import Picture, read_picture, write_picture
from .graph import read_nodes, stages_of_nodes

if TYPE_CHECKING:
    from ..engines.onnx_engine import OnnxEngine
    from ..engines.torch_engine import TorchEngine

Made = TypeVar("Made")
STAGES = ("decode", "pre", "net", "post", "encode", "rest")
# More of the profiled time than this in nodes of unknown stage, and the split is not believed.
UNKNOWN = 0.02


class Splitter(Protocol):
    """Knows how the time of each call of the fused graph divides."""

    def splits(self) -> list[dict[str, float]]:
        """Seconds of "pre", "net" and "post" of every call since the splitter was made, in their order.

        Raises EngineError where it cannot be told.
        """
        ...


def open_splitter(engine: Engine, bundle: Bundle, folder: Path) -> Splitter:
    """A splitter for an engine, which is watched from now on. folder: for the profiler's files.

    Raises EngineError, with the reason, for an engine whose stages cannot be told.
    """
    match engine.backend:
        case "onnx":
            return OnnxSplitter(engine, bundle, folder)  # type: ignore[arg-type]
        case "torch":
            return TorchSplitter(engine)  # type: ignore[arg-type]
    raise EngineError(f"backend {engine.backend} runs the fused graph as one piece")


class OnnxSplitter:
    """Gives the engine a session that is profiled, with the options of the one that it had."""

    def __init__(self, engine: OnnxEngine, bundle: Bundle, folder: Path) -> None:
        import onnxruntime

        if engine.device != "cpu":
            raise EngineError("on a GPU, ONNX Runtime's profile says when work was handed over, not how long it took")
        before: onnxruntime.InferenceSession = engine.model_for(engine.outputs)
        options = before.get_session_options()
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "profile")
        # The profile names the nodes of the graph as ONNX Runtime has optimized it, which only its own copy holds.
        optimized = folder / "optimized.onnx"
        options.optimized_model_filepath = str(optimized)
        # Where an earlier session's optimized graph was kept, that one had nothing more to do.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        graph = keep_outputs(bundle.model, engine.outputs)
        self._session = onnxruntime.InferenceSession(graph, options, providers=before.get_providers())
        self._stages = stages_of_nodes(read_nodes(optimized.read_bytes()))
        engine.put_model(engine.outputs, self._session)

    def splits(self) -> list[dict[str, float]]:
        events = json.loads(Path(self._session.end_profiling()).read_bytes())
        calls = sorted((e["ts"], e["ts"] + e["dur"]) for e in events if e["name"] == "model_run")
        nodes = [e for e in events if e["cat"] == "Node" and e["name"].endswith("_kernel_time")]
        return [self._divide([e for e in nodes if begun <= e["ts"] < ended]) for begun, ended in calls]

    def _divide(self, nodes: list[dict[str, Any]]) -> dict[str, float]:
        spent = {"pre": 0.0, "net": 0.0, "post": 0.0, "unknown": 0.0}
        for event in nodes:
            spent[self._stages.get(event["name"].removesuffix("_kernel_time"), "unknown")] += event["dur"] / 1e6
        unknown = spent.pop("unknown")
        if unknown > UNKNOWN * (sum(spent.values()) + unknown):
            raise EngineError("ONNX Runtime's profile has nodes that its graph has not")
        return spent


class TorchSplitter:
    """Notes when the fused module and the network in it begin and end."""

    def __init__(self, engine: TorchEngine) -> None:
        self._torch, self._device = engine._torch, engine._device
        self._marks: list[float] = []
        module = engine._model
        module.register_forward_pre_hook(self._mark)
        module.network.register_forward_pre_hook(self._mark)
        module.network.register_forward_hook(self._mark)
        module.register_forward_hook(self._mark)

    def _mark(self, *_: object) -> None:
        if self._device.type == "cuda":
            self._torch.cuda.synchronize(self._device)
        self._marks.append(time.perf_counter())

    def splits(self) -> list[dict[str, float]]:
        if len(self._marks) % 4:
            raise EngineError("the network ran other than once in each call")
        spans = np.diff(np.reshape(self._marks, (-1, 4)), axis=1)
        return [dict(zip(("pre", "net", "post"), map(float, span), strict=True)) for span in spans]


class _Timed:
    """An engine that notes how long each call of its fused graph took."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.backend, self.device, self.about = engine.backend, engine.device, engine.about
        self.parallel_tiles, self.kernel = engine.parallel_tiles, engine.kernel
        self.calls: list[float] = []

    def color(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> tuple[Bytes, NDArray[np.float32]]:
        return self._timed(self._engine.color, rgb, hints, vividness)

    def chroma(self, rgb: Bytes, hints: Bytes, vividness: float = 1.0) -> NDArray[np.float32]:
        return self._timed(self._engine.chroma, rgb, hints, vividness)

    def _timed(self, call: Callable[..., Made], *given: Any) -> Made:
        begun = time.perf_counter()
        made = call(*given)
        self.calls.append(time.perf_counter() - begun)
        return made

    def joint(self, rgb: Bytes, hints: Bytes) -> NDArray[np.float32]:
        return self._engine.joint(rgb, hints)

    def paint(self, tile: Bytes, ab: NDArray[np.float32], place: Place) -> Bytes:
        return self._engine.paint(tile, ab, place)


class StageClock:
    """Colors picture files with a colorizer and says what each stage took. The colorizer is of no other use then."""

    def __init__(self, colorizer: Colorizer, folder: Path) -> None:
        self._colorizer, self._folder = colorizer, folder
        self._splitter: Splitter | None = None
        self.reason: str | None = None
        try:
            self._splitter = open_splitter(colorizer.engine, colorizer.bundle, folder)
        except EngineError as error:
            self.reason = str(error)
        self._engine = _Timed(colorizer.engine)
        colorizer.engine = self._engine
        self._notes: list[dict[str, Any]] = []

    def run(self, source: Path) -> None:
        """Color one file, without hints, and note the times."""
        clock = time.perf_counter
        begun = clock()
        picture = read_picture(source)
        decoded = clock()
        self._colorizer.set_image(picture.pixels)
        shrunk = clock()
        made = Picture(self._colorizer.color(), None, picture.notes)
        colored = clock()
        write_picture(self._folder / source.name, made)
        ended = clock()
        self._notes.append(
            {
                "source": source.name,
                "decode": decoded - begun,
                "shrink": shrunk - decoded,
                "color": colored - shrunk,
                "encode": ended - colored,
                "whole": ended - begun,
            }
        )

    def times(self) -> dict[str, list[dict[str, float | None]]]:
        """By file name, in order, one entry for each run: seconds of STAGES and of the "whole".

        "pre", "net" and "post" are None where they cannot be told (`reason` says why); their time is in "rest" then.
        """
        splits: list[dict[str, float]] = []
        if self._splitter:
            try:
                splits = self._splitter.splits()
                if len(splits) != len(self._engine.calls):
                    raise EngineError("the engine's own account of its calls is another than ours")
            except EngineError as error:
                self.reason, splits = str(error), []
        found: dict[str, list[dict[str, float | None]]] = {}
        for number, (note, call) in enumerate(zip(self._notes, self._engine.calls, strict=True)):
            entry: dict[str, float | None] = {"pre": None, "net": None, "post": None}
            if splits:
                split = splits[number]
                # What a colorizer does after the graph's one call is painting the tiles.
                painted = note["color"] - call
                entry = {"pre": note["shrink"] + split["pre"], "net": split["net"], "post": split["post"] + painted}
            entry |= {name: note[name] for name in ("decode", "encode", "whole")}
            entry["rest"] = note["whole"] - sum(v for k, v in entry.items() if k != "whole" and v is not None)
            found.setdefault(note["source"], []).append(entry)
        return found
