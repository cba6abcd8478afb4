"""Photos to shards, checked against Pillow, scikit-image and plain loops; killed and run again."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from gcolor.color.errors import GcolorError, NothingToDoError, UsageError
from gcolor.trainer.data import chunks, photos
from gcolor.trainer.data import prepare as module
from gcolor.trainer.data.prepare import PrepareOptions, plan, prepare
from gcolor.trainer.data.shards import ShardSet, open_shards, read_manifest
from PIL import Image

rgb2lab = pytest.importorskip("skimage.color").rgb2lab

KEEP = PrepareOptions(max_grey=1.0)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def folder_of(folder: Path, count: int, make_scene) -> Path:
    for seed in range(count):
        save(folder / f"{seed:03d}.png", make_scene(40, 48, seed))
    return folder


def stored(shards: ShardSet) -> list[np.ndarray]:
    out = []
    for tar in shards.tars:
        with tarfile.open(tar) as file:
            for member in file:
                data = file.extractfile(member)
                assert data is not None
                with Image.open(io.BytesIO(data.read())) as image:
                    out.append(np.asarray(image))
    return out


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def reference_bins(rgb: np.ndarray) -> np.ndarray:
    """Bins of a and b of every second pixel of every second row, by scikit-image and a search in the edges."""
    edges = np.arange(-120, 121, 8)
    return np.searchsorted(edges, rgb2lab(rgb)[::2, ::2, 1:], side="right")


def test_each_photo_is_stored_once_and_looks_the_same(tmp_path: Path, make_scene) -> None:
    scenes = [make_scene(40 + seed, 64, seed) for seed in range(9)]
    for number, scene in enumerate(scenes):
        save(tmp_path / "p" / ("sub" if number % 2 else "") / f"{number}.png", scene)
    found = stored(prepare([tmp_path / "p"], tmp_path / "s", KEEP))
    assert sorted(photo.shape[0] for photo in found) == list(range(40, 49))
    for photo in found:
        scene = scenes[photo.shape[0] - 40].astype(int)
        difference = np.abs(photo - scene).mean()
        assert difference < 4 and difference < 0.3 * np.abs(photo[..., ::-1] - scene).mean()


def test_chroma_keeps_its_resolution(make_scene) -> None:
    with Image.open(io.BytesIO(photos.encode(make_scene(), 95))) as image:
        assert [component[1:3] for component in image.layer] == [(1, 1)] * 3


@pytest.mark.parametrize(
    ("shape", "stretch", "expected"),
    [
        ((400, 600), False, (256, 384)),
        ((600, 401), False, (383, 256)),
        ((200, 300), False, (200, 300)),
        ((400, 600), True, (256, 256)),
        ((100, 600), True, (256, 256)),
        ((90, 90), True, (256, 256)),
    ],
)
def test_sizes(shape: tuple[int, int], stretch: bool, expected: tuple[int, int], make_scene) -> None:
    photo = photos.fit(make_scene(*shape), 256, stretch)
    assert photo.shape == (*expected, 3) and photo.dtype == np.uint8


def test_shrinking_is_antialiased_even_where_the_other_axis_grows() -> None:
    stripes = np.zeros((40, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(photos.resize(stripes, 128, 128).astype(int) - 127.5).max() <= 1


def test_the_papers_grey_rule_counts_both_bins() -> None:
    index = np.array([[[19, 16], [18, 14]], [[16, 13], [14, 18]]])
    assert photos.grey_share(index) == 0.5


def test_the_share_of_grey_is_that_of_a_plain_loop(make_scene) -> None:
    rgb = make_scene(60, 70)
    rgb[:, :30] = rgb[:, :30, :1]
    grey = total = 0
    for y in range(0, 60, 2):
        for x in range(0, 70, 2):
            _, a, b = rgb2lab(rgb[y : y + 1, x : x + 1])[0, 0]
            grey += -16 <= a < 24 and -16 <= b < 24
            total += 1
    share = photos.grey_share(photos.ab_bins(rgb))
    assert share == pytest.approx(grey / total, abs=1e-9) and 0.4 < share < 1


def test_the_rule_drops_from_the_threshold_on(tmp_path: Path) -> None:
    for name, grey in [("69", 69), ("70", 70), ("71", 71)]:
        rgb = np.full((40, 200, 3), (200, 40, 40), np.uint8)
        rgb[:, : 2 * grey] = 128
        save(tmp_path / "p" / f"{name}.png", rgb)
    prepare([tmp_path / "p"], tmp_path / "s", PrepareOptions())
    dropped = [json.loads(line) for line in (tmp_path / "s" / "dropped.jsonl").read_text().splitlines()]
    assert sorted((d["photo"], d["reason"], d["share"]) for d in dropped) == [
        ("70.png", "near-grey", 0.7),
        ("71.png", "near-grey", 0.71),
    ]
    assert prepare([tmp_path / "p"], tmp_path / "s", PrepareOptions(max_grey=0.71)).photos == 2


def test_max_grey_1_keeps_even_what_has_no_color(tmp_path: Path) -> None:
    save(tmp_path / "p" / "grey.png", np.full((40, 40, 3), 90, np.uint8))
    assert prepare([tmp_path / "p"], tmp_path / "s", KEEP).photos == 1


def test_counts_are_the_histogram_of_the_kept_photos(tmp_path: Path, make_scene) -> None:
    scenes = [make_scene(44, 51, seed) for seed in range(3)]
    for number, scene in enumerate(scenes):
        save(tmp_path / "p" / f"{number}.png", scene)
    save(tmp_path / "p" / "grey.png", np.full((40, 40, 3), 90, np.uint8))
    shards = prepare([tmp_path / "p"], tmp_path / "s", PrepareOptions(max_grey=0.99))
    assert shards.photos == 3
    index = np.concatenate([reference_bins(scene).reshape(-1, 2) for scene in scenes])
    expected = [np.histogram(index[:, head], np.arange(33))[0] for head in range(2)]
    assert np.array_equal(shards.counts, expected)
    assert shards.counts.sum() == 2 * 3 * 22 * 26


def test_what_is_dropped_is_listed_with_its_reason(tmp_path: Path, make_scene) -> None:
    folder = tmp_path / "p"
    save(folder / "good.jpg", make_scene(80, 80))
    save(folder / "tiny.png", make_scene(20, 300))
    save(folder / "large.png", make_scene(300, 300))
    data = (folder / "good.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (folder / "text.jpg").write_text("not a picture")
    (folder / os.fsdecode(b"caf\xe9\n.jpg")).write_text("")
    (folder / "gone.jpg").symlink_to(folder / "nowhere")
    said: list[str] = []
    options = PrepareOptions(max_grey=1.0, max_pixels=50_000)
    assert prepare([folder], tmp_path / "s", options, report=said.append).photos == 1
    lines = (tmp_path / "s" / "dropped.jsonl").read_text().splitlines()
    dropped = {(d := json.loads(line))["photo"]: (d["reason"], d["detail"]) for line in lines}
    assert dropped["tiny.png"] == ("too-small", "300 x 20")
    reasons = {
        "cut.jpg": "cut short",
        "text.jpg": "not a picture",
        "gone.jpg": "No such file",
        "large.png": "0 megapix",
    }
    for name, sentence in reasons.items():
        assert dropped[name][0] == "unreadable" and sentence in dropped[name][1]
    assert dropped["caf\\xe9\\n.jpg"][0] == "unreadable" and len(dropped) == 6
    manifest = read_manifest(tmp_path / "s")
    assert manifest["dropped"] == {"too-small": 1, "unreadable": 5}
    assert (manifest["found"], manifest["photos"]) == (7, 1)
    assert said == [f"1 photos kept, 6 dropped (1 too-small, 5 unreadable), 1 shards of 0.00 GB: {tmp_path / 's'}"]


def test_a_decoder_that_raises_anything_drops_its_photo_only(
    tmp_path: Path, make_scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path / "p", 2, make_scene)
    read = chunks.read_picture

    def failing(path: Path, max_pixels: int) -> object:
        return 1 / 0 if path.name == "000.png" else read(path, max_pixels)

    monkeypatch.setattr(chunks, "read_picture", failing)
    assert prepare([tmp_path / "p"], tmp_path / "s", KEEP).photos == 1
    assert "division by zero" in (tmp_path / "s" / "dropped.jsonl").read_text()


def test_chunks_cover_every_photo_once_in_shuffled_order(tmp_path: Path) -> None:
    names = [f"{number:04d}.jpg" for number in range(150)]
    (tmp_path / "p").mkdir()
    for name in names:
        (tmp_path / "p" / name).touch()
    made = plan([tmp_path / "p"], tmp_path / "s", KEEP)
    assert [len(chunk.photos) for chunk in made] == [64, 64, 22]
    order = [name for chunk in made for name, _ in chunk.photos]
    assert sorted(order) == names and order != names
    assert np.abs(np.corrcoef(np.argsort(order), np.arange(150))[0, 1]) < 0.3


def test_photos_of_the_same_name_in_two_folders_are_two(tmp_path: Path, make_scene) -> None:
    folder_of(tmp_path / "a", 2, make_scene)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    shards = prepare([tmp_path / "a", tmp_path / "b"], tmp_path / "s", KEEP)
    with tarfile.open(shards.tars[0]) as file:
        assert shards.photos == len(set(file.getnames())) == 4
    with pytest.raises(UsageError, match="taken twice"):
        prepare([tmp_path, tmp_path / "b"], tmp_path / "t", KEEP)


def test_bytes_depend_on_neither_place_nor_processes(
    tmp_path: Path, make_scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEWEST", 3)
    folder_of(tmp_path / "a", 10, make_scene)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    seen: list[tuple[int, int]] = []
    prepare([tmp_path / "a"], tmp_path / "s", KEEP, jobs=1)
    prepare([tmp_path / "b"], tmp_path / "t", KEEP, jobs=2, progress=lambda *at: seen.append(at))
    assert content(tmp_path / "s") == content(tmp_path / "t")
    assert seen[-1] == (10, 10) and len(seen) == len(open_shards(tmp_path / "s").tars) == 4


def test_a_rerun_makes_only_what_is_missing_or_changed(
    tmp_path: Path, make_scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEWEST", 2)
    folder, out = folder_of(tmp_path / "p", 8, make_scene), tmp_path / "s"
    prepare([folder], out, KEEP, jobs=1)
    whole = content(out)
    made: list[int] = []
    make = module.make_shard

    def noted(chunk: chunks.Chunk) -> int:
        made.append(chunk.number)
        return make(chunk)

    monkeypatch.setattr(module, "make_shard", noted)
    prepare([folder], out, KEEP, jobs=1)
    assert made == []
    (out / "gcolor-00001.tar").write_bytes(b"cut")
    (out / "gcolor-00002.idx").unlink()
    (out / "gcolor-00003.json").write_text("{")
    prepare([folder], out, KEEP, jobs=1)
    assert made == [1, 2, 3] and content(out) == whole
    made.clear()
    _, path = plan([folder], out, KEEP)[2].photos[0]
    os.utime(path, ns=(1, 1))
    prepare([folder], out, KEEP, jobs=1)
    assert made == [2]
    prepare([folder], out, PrepareOptions(max_grey=1.0, quality=50), jobs=1)
    assert made == [2, 0, 1, 2, 3] and open_shards(out).options["quality"] == 50


def test_shards_of_an_earlier_larger_call_are_swept(
    tmp_path: Path, make_scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEWEST", 2)
    folder, out = folder_of(tmp_path / "p", 8, make_scene), tmp_path / "s"
    prepare([folder], out, KEEP, jobs=1)
    for path in sorted(folder.iterdir())[3:]:
        path.unlink()
    (out / ".gcolor-left.tar").touch()
    assert prepare([folder], out, KEEP, jobs=1).photos == 3
    prepare([folder], tmp_path / "t", KEEP, jobs=1)
    assert content(out) == content(tmp_path / "t")


@pytest.mark.parametrize("name", ["letter.txt", "manifest.json", "dropped.jsonl", "shard-000000.tar"])
def test_a_folder_with_other_files_is_refused(tmp_path: Path, make_scene, name: str) -> None:
    folder_of(tmp_path / "p", 1, make_scene)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / name).write_text("{}")
    with pytest.raises(UsageError, match=rf"holds something else \({name}\)"):
        prepare([tmp_path / "p"], tmp_path / "s", KEEP)
    assert (tmp_path / "s" / name).read_text() == "{}"


def test_nothing_found_and_nothing_left(tmp_path: Path, make_scene) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        prepare([tmp_path / "p"], tmp_path / "s", KEEP)
    (tmp_path / "p").mkdir()
    with pytest.raises(NothingToDoError, match="no photo found in"):
        prepare([tmp_path / "p"], tmp_path / "s", KEEP)
    assert not (tmp_path / "s").exists()
    save(tmp_path / "p" / "grey.png", np.full((40, 40, 3), 90, np.uint8))
    with pytest.raises(
        NothingToDoError, match=r"none of 1 photos is left; 1 are near-grey: raise --max-grey above 0.7"
    ):
        prepare([tmp_path / "p"], tmp_path / "s", PrepareOptions())
    assert "near-grey" in (tmp_path / "s" / "dropped.jsonl").read_text()
    with pytest.raises(UsageError, match="no finished shards"):
        open_shards(tmp_path / "s")
    (tmp_path / "p" / "grey.png").write_text("")
    with pytest.raises(NothingToDoError, match=r"dropped.jsonl in the output says why"):
        prepare([tmp_path / "p"], tmp_path / "s", PrepareOptions())


def test_a_disk_that_takes_no_more_is_one_sentence(tmp_path: Path, make_scene, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path / "p", 1, make_scene)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(GcolorError, match=r"gcolor-00000.tar: cannot be written \(No space left on device\)"):
            prepare([tmp_path / "p"], tmp_path / "s", KEEP)
    assert list((tmp_path / "s").iterdir()) == []
    assert prepare([tmp_path / "p"], tmp_path / "s", KEEP).photos == 1


CALL = """
import os, signal, sys
from pathlib import Path
from gcolor.trainer.data import prepare as module
photos, out, jobs, fatal = sys.argv[1:]
module.FEWEST = 4
replace, calls = os.replace, [0]
def kill_at(*arguments):
    calls[0] += 1
    if calls[0] == int(fatal):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*arguments)
if int(fatal):
    os.replace = kill_at
module.prepare([Path(photos)], Path(out), module.PrepareOptions(max_grey=1.0), jobs=int(jobs))
"""


def call(photos: Path, out: Path, jobs: int, fatal: int = 0) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", CALL, photos, out, str(jobs), str(fatal)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("fatal", [1, 2, 3, 4, 8, 11])
def test_killed_before_any_rename_a_rerun_ends_the_same(
    tmp_path: Path, make_scene, monkeypatch: pytest.MonkeyPatch, fatal: int
) -> None:
    monkeypatch.setattr(module, "FEWEST", 4)
    folder_of(tmp_path / "p", 9, make_scene)  # three shards of three files each, the list, the manifest
    prepare([tmp_path / "p"], tmp_path / "whole", KEEP, jobs=1)
    assert call(tmp_path / "p", tmp_path / "s", 1, fatal).wait(60) == -signal.SIGKILL
    assert not (tmp_path / "s" / "manifest.json").exists()
    prepare([tmp_path / "p"], tmp_path / "s", KEEP, jobs=1)
    assert content(tmp_path / "s") == content(tmp_path / "whole")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_a_call_that_was_ended(
    tmp_path: Path, make_scene, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    monkeypatch.setattr(module, "FEWEST", 4)
    folder_of(tmp_path / "p", 40, make_scene)
    process = call(tmp_path / "p", tmp_path / "s", 2)
    until = time.monotonic() + 60
    while not list((tmp_path / "s").glob("*.json")) and time.monotonic() < until:
        time.sleep(0.005)
    workers = children(process.pid)
    process.send_signal(how)
    assert process.wait(30) != 0 and len(workers) >= 2
    while (alive := [pid for pid in workers if Path(f"/proc/{pid}/exe").exists()]) and time.monotonic() < until:
        time.sleep(0.01)
    assert alive == []
    assert len(list((tmp_path / "s").glob("*.json"))) < 10
    prepare([tmp_path / "p"], tmp_path / "s", KEEP, jobs=1)
    prepare([tmp_path / "p"], tmp_path / "whole", KEEP, jobs=1)
    assert content(tmp_path / "s") == content(tmp_path / "whole")
