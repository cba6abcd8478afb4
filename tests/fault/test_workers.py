"""Worker processes of a batch, and how they end: killed, by a picture, by Ctrl-C, with their parent."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are found in /proc")

# The command, with a picture that kills whoever colors it: each worker imports this file anew.
POISONED = """
import os, signal
from gcolor.runtime.batch import color_one as module

def color_one(colorizer, job, settings, budget, real=module.color_one):
    if job.source.name.startswith("poison"):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(colorizer, job, settings, budget)

module.color_one = color_one

if __name__ == "__main__":
    from gcolor.cli.main import main
    main()
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from ..conftest import scene

    folder = tmp_path_factory.mktemp("pictures")
    for number in range(60):
        Image.fromarray(scene(200, 300, number)).convert("L").save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def undisturbed(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process makes of them."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    done = subprocess.run(command(pictures, out, "cpu"), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return read(out)


def command(pictures: Path, out: Path, devices: str = "cpu:2", *more: str) -> list[str]:
    options = ["-o", str(out), "--device", devices, "--jobs", "2", "--json", *more]
    return [sys.executable, "-m", "gcolor", "batch", str(pictures), *options]


def read(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the batch's own notes, temporary files included."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".gcolor.journal"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def workers(parent: int) -> list[int]:
    """The worker processes of a command, the oldest first."""
    found = []
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        try:
            line = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"spawn_main" in line:
            found.append(int(child))
    return sorted(found)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(processes: list[int]) -> bool:
    """Whether all of them end; waits for it."""
    until = time.monotonic() + 30
    while any(map(alive, processes)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(alive, processes))


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command in a process group of its own, as a shell does; nothing of it stays."""
    started: list[subprocess.Popen[str]] = []

    def run(arguments: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.communicate()


def first_results(process: subprocess.Popen[str], count: int) -> None:
    assert process.stdout
    for _ in range(count):
        assert json.loads(process.stdout.readline())["status"] == "colored"


def test_two_processes_make_what_one_makes(pictures: Path, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    done = subprocess.run(command(pictures, tmp_path / "out"), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(line["picture"] for line in lines[:-1]) == sorted(undisturbed)
    assert read(tmp_path / "out") == undisturbed


@pytest.mark.parametrize("seed", range(4))
def test_a_worker_that_is_killed_loses_nothing(
    start, pictures: Path, tmp_path: Path, undisturbed: dict[str, bytes], seed: int
) -> None:
    """Both that began are killed, at random moments; those in their places are left, for a picture is tried twice."""
    rng = random.Random(seed)
    process = start(command(pictures, tmp_path / "out"))
    first_results(process, rng.randrange(1, 15))
    pids = workers(process.pid)
    rng.shuffle(pids)
    for worker in pids:
        time.sleep(rng.uniform(0, 0.1))
        os.kill(worker, signal.SIGKILL)
        first_results(process, rng.randrange(1, 15))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert err.count("a worker process was killed by signal 9") == 2
    assert json.loads(out.splitlines()[-1])["summary"]["colored"] == 60
    assert read(tmp_path / "out") == undisturbed  # no temporary file either


def test_a_picture_that_kills_its_worker_fails_alone(
    pictures: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    folder = tmp_path / "imgs"
    folder.mkdir()
    for path in pictures.iterdir():
        (folder / path.name).symlink_to(path)
    for number in (0, 30):
        (folder / f"poison{number}.png").write_bytes((pictures / "00.png").read_bytes())
    script = tmp_path / "poisoned.py"
    script.write_text(POISONED)
    arguments = [sys.executable, str(script), *command(folder, tmp_path / "out")[3:]]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert done.returncode == 3, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert sorted(line.split(":")[1].strip() for line in errors) == ["poison0.png", "poison30.png"]
    assert all("was killed by signal 9, twice; it may need more memory" in line for line in errors)
    assert (
        json.loads(done.stdout.splitlines()[-1])["summary"] | {"colored": 60, "failed": 2}
        == json.loads(done.stdout.splitlines()[-1])["summary"]
    )
    assert read(tmp_path / "out") == undisturbed


def test_nothing_but_poison(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "imgs"
    folder.mkdir()
    for number in range(3):
        (folder / f"poison{number}.png").symlink_to(pictures / "00.png")
    script = tmp_path / "poisoned.py"
    script.write_text(POISONED)
    arguments = [sys.executable, str(script), *command(folder, tmp_path / "out")[3:]]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert done.returncode == 3 and len([x for x in done.stderr.splitlines() if x.startswith("error: ")]) == 3


def test_no_worker_outlives_a_killed_parent(start, pictures: Path, tmp_path: Path) -> None:
    process = start(command(pictures, tmp_path / "out", "cpu,cpu,cpu"))
    first_results(process, 3)
    pids = workers(process.pid)
    assert len(pids) == 3
    process.kill()
    assert gone(pids)


def test_ctrl_c_once_drains_and_a_rerun_continues(
    start, pictures: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    """The terminal sends it to every process of the group."""
    process = start(command(pictures, tmp_path / "out"))
    first_results(process, 2)
    pids = workers(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "stopping" in err and "Traceback" not in err and "worker process" not in err
    assert gone(pids)
    made = read(tmp_path / "out")
    assert 2 < len(made) < 60 and made.items() <= undisturbed.items()
    again = subprocess.run(command(pictures, tmp_path / "out"), capture_output=True, text=True, timeout=300)
    summary = json.loads(again.stdout.splitlines()[-1])["summary"]
    assert again.returncode == 0 and summary["colored"] == 60 - len(made) and summary["current"] == len(made)
    assert read(tmp_path / "out") == undisturbed


def test_ctrl_c_twice_ends_at_once(start, pictures: Path, tmp_path: Path) -> None:
    process = start(command(pictures, tmp_path / "out"))
    first_results(process, 2)
    pids = workers(process.pid)
    for worker in pids:  # so that the first one has something to wait for
        os.kill(worker, signal.SIGSTOP)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stderr
    while "stopping" not in process.stderr.readline():
        pass
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 130
    for worker in pids:
        os.kill(worker, signal.SIGCONT)
    assert gone(pids)


def test_a_worker_that_is_killed_while_it_starts_is_started_again(
    start, pictures: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    process = start(command(pictures, tmp_path / "out"))
    until = time.monotonic() + 60
    while not (pids := workers(process.pid)) and time.monotonic() < until:
        time.sleep(0.001)
    os.kill(pids[0], signal.SIGKILL)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0 and err.count("a worker process was killed by signal 9") == 1, err
    assert read(tmp_path / "out") == undisturbed


def test_an_interrupt_while_workers_start(start, pictures: Path, tmp_path: Path) -> None:
    process = start(command(pictures, tmp_path / "out", "cpu,cpu"))
    until = time.monotonic() + 60
    while not (pids := workers(process.pid)) and time.monotonic() < until:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130 and "Traceback" not in err, err
    assert gone(pids)


@pytest.mark.parametrize(
    ("devices", "code", "sentence"),
    [
        ("cpu,abacus", 6, "device 'cpu,abacus' is not known"),
        ("cuda:0,cuda:9", 6, "device cuda:"),
        ("auto,cpu", 6, "is not known"),
        ("cpu:0", 6, "is not known"),
    ],
)
def test_devices_that_cannot_be_had(pictures: Path, tmp_path: Path, devices: str, code: int, sentence: str) -> None:
    done = subprocess.run(command(pictures, tmp_path / "out", devices), capture_output=True, text=True, timeout=300)
    assert done.returncode == code and sentence in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not list((tmp_path / "out").glob("*.png"))


def test_a_damaged_bundle_ends_with_its_own_code(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    options = ("--bundle", str(tmp_path / "bundle"))
    arguments = command(pictures, tmp_path / "out", "cpu:2", *options)
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert done.returncode == 5 and "no bundle here" in done.stderr


def test_workers_that_die_before_they_are_ready_are_an_error(pictures: Path, tmp_path: Path) -> None:
    script = tmp_path / "stillborn.py"
    script.write_text(
        "import os, signal\n"
        "if __name__ == '__mp_main__':\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    from gcolor.cli.main import main\n"
        "    main()\n"
    )
    arguments = [sys.executable, str(script), *command(pictures, tmp_path / "out")[3:]]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert done.returncode == 6, done.stderr
    assert "a worker process was killed by signal 9 before its engine was open" in done.stderr
