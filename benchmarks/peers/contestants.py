"""Who colors the pictures: each contestant opens its model once, then takes lists of files to lists of files."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from gcolor.runtime.batch.opening import Opening
from gcolor.runtime.batch.options import Settings
from gcolor.runtime.batch.planning.job import Job, Roots
from gcolor.runtime.batch.run.threads import run_batch
from gcolor.runtime.grid import choose_grid
from gcolor.runtime.machine import cores
from gcolor.runtime.memory import keep_freed_memory
from gcolor.runtime.pictures import read_picture, write_picture

Work = Callable[[list[Path], Path, int], None]
"""Takes the files, the folder of the outputs and the JPEG quality."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """color: the work; about: what the report says of it; facts: figures of its own."""

    color: Work
    about: str
    facts: dict[str, Any]


def set_up_threads() -> None:
    """As `gcolor batch` does before it starts its workers."""
    keep_freed_memory()
    cv2.setNumThreads(1)


def gcolor_batch(bundle: Path | None) -> Contestant:
    """The pipeline of `gcolor batch`: some workers, each taking a picture from file to file."""
    colorizer, workers = Opening(bundle=bundle, pictures=4 * cores()).open("cpu")

    def color(files: list[Path], out: Path, quality: int) -> None:
        jobs = [Job(path.name, path.name, Roots(str(path.parent), str(out))) for path in files]
        for result in run_batch(colorizer, jobs, Settings(quality=quality), workers):
            if result.error:
                raise SystemExit(f"error: {result.job.source}: {result.error}")
            os.replace(result.temporary, result.job.output)

    precision = colorizer.bundle.manifest.precision
    about = f"gcolor batch, {precision}, {workers} workers, {colorizer.engine.about} on {colorizer.engine.device}"
    return Contestant(color, about, {"precision": precision, "bundle": colorizer.bundle.name})


def plain_loop() -> Contestant:
    """PyTorch eager, scikit-image and Pillow with gcolor's own network."""
    import torch

    from peers.plain_loop import same_network

    loop = same_network()
    about = f"PyTorch eager, scikit-image, Pillow; same network; {torch.get_num_threads()} threads of PyTorch's own"
    return Contestant(_one_by_one(loop.color_file), about, {})


def siggraph17() -> Contestant:
    """The plain loop with the SIGGRAPH 2017 network."""
    import torch

    from peers import siggraph17 as published
    from peers.plain_loop import siggraph17 as open_loop

    found = published.parameters(published.Siggraph17())
    about = (
        f"the plain loop with SIGGRAPH17's layers ({found / 1e6:.1f} M random weights) at {published.SIDE} x "
        f"{published.SIDE}; {torch.get_num_threads()} threads of PyTorch's own"
    )
    return Contestant(_one_by_one(open_loop().color_file), about, {"parameters": found})


def onnx_unfused(model: Path) -> Contestant:
    """The network alone in ONNX Runtime; LAB and sizes by OpenCV in float32, with the threads of each library's own."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def color_file(source: Path, output: Path, quality: int) -> None:
        bgr = cv2.imread(str(source), cv2.IMREAD_COLOR)
        assert bgr is not None, source
        lab = cv2.cvtColor(bgr.astype(np.float32) / 255.0, cv2.COLOR_BGR2LAB)
        height, width = bgr.shape[:2]
        h, w = choose_grid(height, width)
        small = cv2.resize(lab[..., 0], (w, h), interpolation=cv2.INTER_AREA)
        feeds = {"lightness": small[None, None], "hint_ab": np.zeros((1, 2, h, w), np.float32)}
        feeds["hint_mask"] = np.zeros((1, 1, h, w), np.float32)
        found = session.run(["ab"], feeds)[0][0].transpose(1, 2, 0)
        lab[..., 1:] = cv2.resize(found, (width, height), interpolation=cv2.INTER_CUBIC)
        colored = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR) * 255.0 + 0.5, 0, 255).astype(np.uint8)
        cv2.imwrite(str(output), colored, _jpeg_options(quality))

    about = f"onnxruntime {onnxruntime.__version__} for the network, OpenCV {cv2.__version__} float32 for the rest"
    return Contestant(_one_by_one(color_file), about, {})


def export_network(path: Path) -> None:
    """The default network as ONNX: `lightness`, `hint_ab` and `hint_mask` to `ab`, its sides dynamic."""
    import torch
    from torch import Tensor, nn

    from peers.plain_loop import own_network

    class Chroma(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = own_network()

        def forward(self, lightness: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Tensor:
            out: Tensor = self.network(lightness, hint_ab, hint_mask).ab
            return out

    planes = tuple(torch.zeros(1, channels, 64, 96) for channels in (1, 2, 1))
    names = ["lightness", "hint_ab", "hint_mask"]
    # The older exporter: as fast a graph in ONNX Runtime as the newer one's, in a second instead of half a minute.
    torch.onnx.export(
        Chroma().eval(),
        planes,
        str(path),
        dynamo=False,
        opset_version=17,
        dynamic_axes={name: {2: "h", 3: "w"} for name in (*names, "ab")},
        input_names=names,
        output_names=["ab"],
    )


def own_limit(workers: int) -> Contestant:
    """gcolor's reader and writer with nothing in between, in as many threads as the batch has."""
    set_up_threads()

    def copy(source: Path, output: Path, quality: int) -> None:
        write_picture(output, read_picture(source), quality)

    return Contestant(_in_threads(copy, workers), f"gcolor's reader and writer alone, {workers} threads", {})


def bare_limit(workers: int) -> Contestant:
    """OpenCV's JPEG decoder and encoder, without any of the reader's checks."""
    set_up_threads()

    def copy(source: Path, output: Path, quality: int) -> None:
        bgr = cv2.imdecode(np.frombuffer(source.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        assert bgr is not None, source
        output.write_bytes(cv2.imencode(".jpg", bgr, _jpeg_options(quality))[1].tobytes())

    about = f"cv2.imdecode and cv2.imencode alone, no checks of the file, {workers} threads"
    return Contestant(_in_threads(copy, workers), about, {})


def _jpeg_options(quality: int) -> list[int]:
    full = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    return [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, full]


def _one_by_one(color_file: Callable[[Path, Path, int], None]) -> Work:
    def color(files: list[Path], out: Path, quality: int) -> None:
        for path in files:
            color_file(path, out / path.name, quality)

    return color


def _in_threads(color_file: Callable[[Path, Path, int], None], workers: int) -> Work:
    def color(files: list[Path], out: Path, quality: int) -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda path: color_file(path, out / path.name, quality), files))

    return color
