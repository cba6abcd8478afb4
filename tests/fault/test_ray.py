"""A batch on a Ray cluster of two nodes on this machine, and what happens when a part of it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gcolor.color.errors import EngineError
from PIL import Image

pytest.importorskip("ray.data", reason="Ray is missing; pip install 'gcolor[ray]' brings it")

from gcolor.runtime.batch.run.cluster import choose_actors

from .test_workers import POISONED, gone, read

PICTURES = 48


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from ..conftest import scene

    folder = tmp_path_factory.mktemp("pictures")
    for number in range(PICTURES):
        Image.fromarray(scene(200, 300, number)).convert("L").save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def undisturbed(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    command = [sys.executable, "-m", "gcolor", "batch", str(pictures), "-o", str(out), "--device", "cpu"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return read(out)


class Nodes:
    """Two nodes with one core each, driven by a process of its own."""

    CODE = """
import sys
from ray.cluster_utils import Cluster
node = {"num_cpus": 1, "object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
second = cluster.add_node(**node)
cluster.wait_for_nodes()
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(second, allow_graceful=False)
    print("removed", flush=True)
cluster.shutdown()
"""

    def __init__(self, env: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        )
        assert self._process.stdout
        self.address = ""
        while ":" not in self.address or " " in self.address:
            self.address = self._process.stdout.readline().strip()

    def remove(self) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        print("remove", file=stdin, flush=True)
        while "removed" not in stdout.readline():
            pass

    def close(self) -> None:
        self._process.communicate(timeout=120)


@pytest.fixture
def start_nodes() -> Iterator[Any]:
    started: list[Nodes] = []

    def start(**env: str) -> Nodes:
        started.append(Nodes({**os.environ, "RAY_USAGE_STATS_ENABLED": "0", **env}))
        return started[-1]

    yield start
    for nodes in started:
        nodes.close()


def command(pictures: object, out: object, address: str) -> list[str]:
    options = ["-o", str(out), "--device", "cpu", "--json", "--ray", address]
    return [sys.executable, "-m", "gcolor", "batch", str(pictures), *options]


def actors() -> list[int]:
    """The processes of Ray Data's actors on this machine that are at work or wait for it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::MapWorker"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def summary(text: str) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(text.splitlines()[-1])["summary"]
    return about


@pytest.mark.parametrize("what", ["actor", "node"])
def test_a_part_that_dies_in_the_middle_loses_nothing(
    start_nodes, pictures: Path, tmp_path: Path, undisturbed: dict[str, bytes], what: str
) -> None:
    nodes = start_nodes()
    process = subprocess.Popen(
        command(pictures, tmp_path / "out", nodes.address), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        first = json.loads(process.stdout.readline())
        assert first["status"] == "colored"
        if what == "node":
            nodes.remove()
        else:
            pids = actors()
            assert len(pids) == 2
            os.kill(pids[0], signal.SIGKILL)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert summary(out)["colored"] == PICTURES and summary(out)["failed"] == 0
    assert read(tmp_path / "out") == undisturbed


def test_between_urls_and_again(start_nodes, pictures: Path, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    nodes = start_nodes()
    arguments = command(pictures.as_uri(), (tmp_path / "out").as_uri(), nodes.address)
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "out") == undisturbed
    (tmp_path / "out" / "05.png").unlink()
    again = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert summary(again.stdout)["colored"] == 1 and summary(again.stdout)["current"] == PICTURES - 1
    assert read(tmp_path / "out") == undisturbed


def test_a_picture_that_kills_its_actor_fails_alone(
    start_nodes, pictures: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    """The nodes' Python has a gcolor that one picture kills, by a module that is imported when it starts."""
    folder = tmp_path / "imgs"
    folder.mkdir()
    for path in sorted(pictures.iterdir())[:12]:
        (folder / path.name).symlink_to(path)
    (folder / "poison.png").write_bytes((pictures / "00.png").read_bytes())
    poisoned = POISONED.partition("if __name__")[0]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import sys\nif any('default_worker.py' in part for part in sys.orig_argv):\n"
        + "".join(f"    {line}\n" for line in poisoned.splitlines())
    )
    nodes = start_nodes(PYTHONPATH=str(tmp_path / "site"))
    arguments = command(folder, tmp_path / "out", nodes.address)
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert done.returncode == 3, done.stderr
    assert "error: poison.png: each Ray actor that colored it died" in done.stderr
    assert summary(done.stdout)["colored"] == 12 and summary(done.stdout)["failed"] == 1
    assert read(tmp_path / "out") == {name: data for name, data in undisturbed.items() if name < "12"}


def test_ctrl_c_leaves_the_cluster_and_a_rerun_continues(
    start_nodes, pictures: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    nodes = start_nodes()
    arguments = command(pictures, tmp_path / "out", nodes.address)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["status"] == "colored"
        pids = actors()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 130 and "Traceback" not in err, err
    assert pids and gone(pids)
    made = {name: data for name, data in read(tmp_path / "out").items() if ".gcolor-" not in name}
    assert 0 < len(made) < PICTURES and made.items() <= undisturbed.items()
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and summary(done.stdout)["current"] == len(made), done.stderr
    assert read(tmp_path / "out") == undisturbed


def test_an_engine_that_cannot_be_opened_is_an_error(start_nodes, pictures: Path, tmp_path: Path) -> None:
    nodes = start_nodes()
    done = subprocess.run(
        [*command(pictures, tmp_path / "out", nodes.address), "--backend", "trt"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 6 and "backend trt" in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_cluster_that_is_not_there(pictures: Path, tmp_path: Path) -> None:
    begun = time.monotonic()
    done = subprocess.run(
        command(pictures, tmp_path / "out", "127.0.0.1:1"), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 6 and "Ray at 127.0.0.1:1: cannot be used" in done.stderr, (
        done.stderr,
        time.monotonic() - begun,
    )


def node(cpu: float, gpu: float = 0, alive: bool = True) -> dict[str, Any]:
    resources = {"CPU": cpu, "memory": 1e9} | ({"GPU": gpu} if gpu else {})
    return {"Alive": alive, "Resources": resources}


@pytest.mark.parametrize(
    ("nodes", "device", "expected"),
    [
        ([node(16, 4), node(8, 4)], "auto", (8, {"num_gpus": 1, "num_cpus": 2.0})),
        ([node(16, 1), node(64)], "cuda", (1, {"num_gpus": 1, "num_cpus": 16.0})),
        ([node(2, 4)], "auto", (4, {"num_gpus": 1, "num_cpus": 0.0})),
        ([node(16, 4), node(16)], "cpu", (8, {"num_cpus": 4})),
        ([node(1), node(2)], "auto", (3, {"num_cpus": 1})),
        ([node(0), node(5), node(64, alive=False)], "auto", (1, {"num_cpus": 4})),
    ],
)
def test_an_actor_for_each_gpu_or_for_a_few_cores(nodes, device: str, expected) -> None:
    assert choose_actors(nodes, device) == expected


@pytest.mark.parametrize(
    ("nodes", "device", "sentence"),
    [
        ([node(8)], "cuda", "no node of the Ray cluster has a GPU"),
        ([node(0)], "auto", "no node of the Ray cluster has a core"),
        ([node(8, 2)], "cuda:0,1", "for all actors"),
        ([node(8, 2)], "abacus", "for all actors"),
    ],
)
def test_what_the_cluster_does_not_have(nodes, device: str, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        choose_actors(nodes, device)
