"""A batch between URLs: what a batch between folders makes, and its reruns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

fsspec = pytest.importorskip("fsspec", reason="fsspec is missing; pip install 'gcolor[ray]' brings it")

from gcolor.color.errors import UsageError  # noqa: E402
from gcolor.runtime.batch.batch import Batch, Look  # noqa: E402
from gcolor.runtime.batch.options import Options  # noqa: E402


def files(folder: Path) -> dict[str, bytes]:
    found = [p for p in folder.rglob("*") if p.is_file() and p.name != ".gcolor.journal"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


def hint(x: int) -> str:
    return json.dumps({"version": 1, "points": [{"x": x, "y": 40, "color": "#b5533c", "radius": 9}]})


@pytest.fixture
def world(grey_folder: Path, tmp_path: Path) -> Path:
    (tmp_path / "hints").mkdir()
    (tmp_path / "hints" / "a.jpg.json").write_text(hint(30))
    (grey_folder / ".hidden.jpg").write_bytes(b"no")
    return tmp_path


def run(gcolor, world: Path, *more: object) -> subprocess.CompletedProcess[str]:
    places = [(world / name).as_uri() for name in ("imgs", "hints", "out")]
    return gcolor("batch", places[0], "--hints", places[1], "-o", places[2], "--json", *more)


def summary(done: subprocess.CompletedProcess[str]) -> tuple[int, int, int]:
    about = json.loads(done.stdout.splitlines()[-1])["summary"]
    return about["colored"], about["current"], about["failed"]


def test_urls_give_what_folders_give(gcolor, world: Path) -> None:
    assert gcolor("batch", world / "imgs", "--hints", world / "hints", "-o", world / "local").returncode == 0
    done = run(gcolor, world)
    assert done.returncode == 0, done.stderr
    assert summary(done) == (3, 0, 0)
    assert files(world / "out") == files(world / "local")
    assert json.loads(done.stdout.splitlines()[0])["output"].startswith("file:///")


def test_reruns_make_what_changed_and_touch_nothing_foreign(gcolor, world: Path) -> None:
    run(gcolor, world)
    assert summary(run(gcolor, world)) == (0, 3, 0)
    (world / "hints" / "a.jpg.json").write_text(hint(90))
    dry = run(gcolor, world, "--dry-run")
    assert [json.loads(line)["why"] for line in dry.stdout.splitlines()] == ["the hints changed"]
    before = files(world / "out")
    assert summary(run(gcolor, world)) == (1, 2, 0)
    after = files(world / "out")
    assert [name for name in after if after[name] != before[name]] == ["a.jpg"]
    assert summary(run(gcolor, world, "--quality", 50)) == (2, 1, 0)  # the PNG is the same at any

    (world / "out" / "b.png").write_bytes(b"retouched by hand")
    Image.new("L", (60, 40)).save(world / "imgs" / "new.png")
    (world / "out" / "new.png").write_bytes(b"somebody's")
    done = run(gcolor, world, "--quality", 50)
    assert done.returncode == 3 and summary(done) == (0, 2, 2)
    assert "was changed since gcolor made it" in done.stderr and "not from gcolor" in done.stderr
    assert (world / "out" / "b.png").read_bytes() == b"retouched by hand"
    assert summary(run(gcolor, world, "--quality", 50, "--if-exists", "overwrite")) == (4, 0, 0)


def test_a_folder_that_was_copied_is_still_current(gcolor, world: Path) -> None:
    """Other times, the same content: read once, then known."""
    run(gcolor, world)
    for path in (world / "imgs").rglob("*.*"):
        os.utime(path, ns=(1, 1))
    assert summary(run(gcolor, world)) == (0, 3, 0)


def test_killed_at_any_moment_a_rerun_ends_where_an_undisturbed_run_does(gcolor, world: Path) -> None:
    for number in range(20):
        os.link(world / "imgs" / "b.png", world / "imgs" / f"copy{number}.png")
    assert gcolor("batch", world / "imgs", "--hints", world / "hints", "-o", world / "local").returncode == 0
    for count in (1, 7):
        places = [(world / name).as_uri() for name in ("imgs", "hints", "out")]
        command = [sys.executable, "-m", "gcolor", "batch", places[0], "--hints", places[1], "-o", places[2]]
        with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for _ in range(count):
                assert json.loads(process.stdout.readline())["status"] == "colored"
            process.send_signal(signal.SIGKILL)
    assert (world / "out" / ".gcolor.making").exists()
    done = run(gcolor, world)
    assert done.returncode == 0 and summary(done)[2] == 0, done.stderr
    assert files(world / "out") == files(world / "local")  # neither a temporary file nor the list of what is made
    assert summary(run(gcolor, world)) == (0, 23, 0)


def test_one_bad_picture_and_one_bad_hint_fail_alone(gcolor, world: Path) -> None:
    data = (world / "imgs" / "a.jpg").read_bytes()
    (world / "imgs" / "cut.jpg").write_bytes(data[: len(data) // 2])
    (world / "hints" / "a.jpg.json").write_text(hint(9999))
    (world / "hints" / "lost.json").write_text("{}")
    done = run(gcolor, world)
    assert done.returncode == 3 and summary(done) == (2, 0, 2)
    assert "error: cut.jpg: image data is damaged or cut short" in done.stderr
    assert "/hints/a.jpg.json: points[0].x" in done.stderr and "gcolor-" not in done.stderr
    assert "hints without a picture: lost.json" in done.stderr


def test_wrong_calls(gcolor, world: Path) -> None:
    imgs = (world / "imgs").as_uri()
    for code, arguments, sentence in [
        (2, [imgs, "-o", f"{imgs}/out"], "must lie outside"),
        (2, [imgs, "--hints", imgs], "folder of their own"),
        (2, ["nonsense://x/y"], "no place that can be used"),
        (4, [(world / "hints").as_uri()], "no picture found"),
        (4, [(world / "missing").as_uri()], "no picture found"),
        (4, [imgs, "--match", "*.tif"], "no picture found"),
    ]:
        done = gcolor("batch", *arguments)
        assert done.returncode == code and sentence in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_an_object_store(world: Path) -> None:
    """fsspec's store in memory: no folders, no renaming."""
    store = fsspec.filesystem("memory")
    for name, data in files(world / "imgs").items():
        store.pipe(f"/bucket/imgs/{name}", data)
    options = Options(images="memory://bucket/imgs", device="cpu")

    def color() -> tuple[int, int, int]:
        with Batch(options) as batch:
            errors = [result.error for result in batch.make(batch.first)]
            assert not any(errors)
            assert batch.look() == Look()
            return batch.colored, batch.current, batch.failed

    assert color() == (3, 0, 0)
    made = sorted(store.find("/bucket/imgs_color"))
    assert [name.rpartition("imgs_color/")[2] for name in made] == [".gcolor.journal", "a.jpg", "b.png", "sub/c.jpg"]
    assert color() == (0, 3, 0)
    store.pipe("/bucket/imgs/b.png", files(world / "imgs")["b.png"] + b" ")
    assert color() == (1, 2, 0)


def test_an_output_that_cannot_be_written(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found before the model is loaded."""
    options = Options(images=world / "imgs", output=f"file://{world}/imgs/a.jpg/out", device="cpu")
    with pytest.raises(UsageError, match="outside"):
        Batch(options)
    (world / "file").write_text("")
    monkeypatch.setattr("gcolor.runtime.batch.opening.Opening.open", None)
    options = Options(images=world / "imgs", output=f"file://{world}/file/out", device="cpu")
    with Batch(options) as batch, pytest.raises(UsageError, match="cannot be written"):
        list(batch.make(batch.first))


def test_a_listed_picture_that_is_missing_fails_alone_from_a_folder_and_from_a_url(gcolor, world: Path) -> None:
    (world / "list").write_text("sub/c.jpg\ngone.jpg\nhints.txt\n")
    found = {}
    for kind, images in (("folder", world / "imgs"), ("url", (world / "imgs").as_uri())):
        done = gcolor("batch", images, "-o", world / kind, "--files-from", world / "list", "--json")
        assert done.returncode == 3 and summary(done) == (1, 0, 2), done.stderr
        assert set(files(world / kind)) == {"sub/c.jpg"}
        found[kind] = sorted(line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert found["url"] == found["folder"] and "error: gone.jpg: cannot be read (No such file" in found["url"][0]
    (world / "list").write_text("../elsewhere/d.jpg\n")
    for images in (world / "imgs", (world / "imgs").as_uri()):
        done = gcolor("batch", images, "-o", world / "out", "--files-from", world / "list")
        assert done.returncode == 2 and "is listed, but lies outside" in done.stderr
    # What a batch says that failed is a list for the next, and its names may be whole URLs.
    (world / "list").write_text(f"{(world / 'imgs').as_uri()}/a.jpg\n")
    assert summary(run(gcolor, world, "--files-from", world / "list")) == (1, 0, 0)


@pytest.mark.parametrize("elsewhere", ["imgs", "hints", "out"])
def test_folders_may_be_mixed_with_urls(gcolor, world: Path, elsewhere: str) -> None:
    """The bytes are those of folders; where the output is a folder, it is journaled and locked as one."""
    assert gcolor("batch", world / "imgs", "--hints", world / "hints", "-o", world / "local").returncode == 0
    where = {name: world / name for name in ("imgs", "hints", "out")}
    mixed = {name: path.as_uri() if name in elsewhere.split() else path for name, path in where.items()}
    arguments = ["batch", mixed["imgs"], "--hints", mixed["hints"], "-o", mixed["out"], "--json"]
    done = gcolor(*arguments)
    assert done.returncode == 0 and summary(done) == (3, 0, 0), done.stderr
    assert files(world / "out") == files(world / "local")
    rows = [json.loads(line) for line in done.stdout.splitlines()[:-1]]
    assert {row["output"] for row in rows} == {f"{mixed['out']}/{name}" for name in files(world / "out")}
    assert [row["hints"] for row in rows if row["picture"] == "a.jpg"] == [[f"{mixed['hints']}/a.jpg.json"]]
    assert summary(gcolor(*arguments)) == (0, 3, 0)
    (world / "hints" / "a.jpg.json").write_text(hint(90))
    Image.new("L", (60, 40)).save(world / "imgs" / "b.png")
    assert summary(gcolor(*arguments)) == (2, 1, 0)
    (world / "out" / "b.png").write_bytes(b"retouched by hand")
    assert summary(gcolor(*arguments)) == (0, 2, 1)


def test_an_output_that_cannot_be_locked_is_said_once(gcolor, world: Path) -> None:
    sentence = "no lock can be had there"
    assert run(gcolor, world).stderr.count(sentence) == 1
    assert run(gcolor, world).stderr.count(sentence) == 1
    assert sentence not in run(gcolor, world, "--dry-run").stderr
    assert sentence not in gcolor("batch", (world / "imgs").as_uri(), "-o", world / "local").stderr


def test_two_pictures_of_one_output_are_refused_there_too(gcolor, world: Path) -> None:
    for name in ("d.pgm", "d.pgm.ppm"):
        Image.new("L", (60, 40)).save(world / "imgs" / name)
    done = run(gcolor, world)
    assert done.returncode == 2 and "d.pgm and d.pgm.ppm: both would become" in done.stderr
    assert not (world / "out").exists()


def test_a_folder_whose_batch_by_url_was_killed_is_gone_on_with_by_its_path(gcolor, world: Path) -> None:
    command = [sys.executable, "-m", "gcolor", "batch", (world / "imgs").as_uri(), "-o", (world / "out").as_uri()]
    with subprocess.Popen([*command, "--json", "--jobs", "1"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and json.loads(process.stdout.readline())["status"] == "colored"
        process.send_signal(signal.SIGKILL)
    begun = {name for name in files(world / "out") if ".gcolor" not in name}
    assert begun and (world / "out" / ".gcolor.making").exists()
    with Batch(Options(images=world / "imgs", output=world / "out", device="cpu")) as batch:
        assert begun <= {job.made for job, why in batch.first.todo if why == "was not finished"}
        assert not any(result.error for result in batch.make(batch.first))
        assert set(files(world / "out")) == {"a.jpg", "b.png", "sub/c.jpg"}
        name = begun.pop()
        (world / "out" / name).write_bytes(b"retouched by hand")
        assert [job.made for job, _ in batch.look().refused] == [name]  # ours no more
