"""Shards: what is written is read back by tarfile, Pillow and DALI; what is damaged is named."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from gcolor.color.errors import GcolorError, UsageError
from gcolor.trainer.data import pool
from gcolor.trainer.data.prepare import PrepareOptions, prepare
from gcolor.trainer.data.shards import is_shards, merge, open_shards, read_manifest, verify, write_shard
from PIL import Image


@pytest.fixture
def shards(tmp_path: Path, make_scene) -> Path:
    """A folder of shards of five photos."""
    (tmp_path / "photos").mkdir()
    for seed in range(5):
        Image.fromarray(make_scene(40, 50 + seed, seed)).save(tmp_path / "photos" / f"{seed}.png")
    prepare([tmp_path / "photos"], tmp_path / "shards", PrepareOptions(max_grey=1.0))
    return tmp_path / "shards"


def test_places_are_those_that_tarfile_finds(shards: Path) -> None:
    found = open_shards(shards)
    expected = []
    for number, tar in enumerate(found.tars):
        with tarfile.open(tar) as file:
            expected += [(number, member.offset_data, member.size) for member in file]
    assert found.locate().tolist() == [list(place) for place in expected]
    assert found.photos == len(expected) == 5
    for number, offset, size in found.locate():
        data = found.tars[number].read_bytes()[offset : offset + size]
        assert found.read(np.array([number, offset, size])) == data
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "JPEG" and image.height == 40


def test_tars_name_neither_owner_nor_time(shards: Path) -> None:
    with tarfile.open(open_shards(shards).tars[0]) as file:
        for member in file:
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
            assert member.name.count(".") == 1 and member.isfile()


def test_dali_reads_every_photo(shards: Path) -> None:
    pytest.importorskip("nvidia.dali", reason="DALI is not installed")
    from nvidia.dali import fn, pipeline_def

    found = open_shards(shards)

    @pipeline_def(batch_size=5, num_threads=1, device_id=None)
    def photos():
        data = fn.readers.webdataset(
            paths=[str(p) for p in found.tars], index_paths=[str(p) for p in found.indices], ext=["jpg"]
        )
        return data, fn.decoders.image(data, device="cpu")

    pipe = photos()
    pipe.build()
    encoded, decoded = pipe.run()
    for row, (tar, offset, size) in enumerate(found.locate()):
        data = found.tars[tar].read_bytes()[offset : offset + size]
        assert bytes(encoded.at(row)) == data
        with Image.open(io.BytesIO(data)) as image:
            difference = np.abs(np.asarray(image).astype(int) - decoded.at(row))
        assert difference.max() <= 3  # two JPEG decoders


def test_the_digest_names_the_data(shards: Path) -> None:
    found = open_shards(shards)
    hashes = [hashlib.sha256(tar.read_bytes()).hexdigest() for tar in found.tars]
    assert [shard["sha256"] for shard in read_manifest(shards)["shards"]] == hashes
    assert found.digest == hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def test_several_sets_are_one(shards: Path) -> None:
    one = open_shards(shards)
    assert merge([one]) is one
    both = merge([one, one])
    assert both.photos == 10 and len(both.locate()) == 10 and both.locate()[:, 0].max() == 1
    assert np.array_equal(both.counts, 2 * one.counts)
    assert both.options == one.options and both.digest != one.digest


def test_a_shard_cut_short_is_named(shards: Path) -> None:
    tar = open_shards(shards).tars[0]
    os.truncate(tar, tar.stat().st_size - 1)
    with pytest.raises(UsageError, match=rf"{tar.name}: cut short \(\d+ bytes of \d+\); run `gcolor prepare` again"):
        open_shards(shards)


def test_a_missing_shard_is_named(shards: Path) -> None:
    open_shards(shards).tars[0].unlink()
    with pytest.raises(UsageError, match="gcolor-00000.tar: missing"):
        open_shards(shards)


@pytest.mark.parametrize("text", ["", "v1.2 5\n", "v1.1 0\n", "v1.2 1\njpg x 4 a.jpg\n", "v1.2 1\njpg 512 4 a.jpg\n"])
def test_a_damaged_index_is_named(shards: Path, text: str) -> None:
    index = open_shards(shards).indices[0]
    index.write_text(text)
    with pytest.raises(UsageError, match="gcolor-00000.idx: "):
        open_shards(shards)


def test_verify_finds_a_changed_byte(shards: Path) -> None:
    verify(shards)
    tar = open_shards(shards).tars[0]
    data = bytearray(tar.read_bytes())
    data[700] ^= 1
    tar.write_bytes(data)
    open_shards(shards)
    with pytest.raises(UsageError, match="gcolor-00000.tar: damaged"):
        verify(shards)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 99}, "format 99 is not known"),
        ({"kind": "other"}, "not the manifest"),
        ({"shards": 3}, "damaged"),
        ({"counts": [1]}, "damaged"),
    ],
)
def test_a_manifest_of_another_make_is_refused(shards: Path, change: dict[str, object], sentence: str) -> None:
    (shards / "manifest.json").write_text(json.dumps(read_manifest(shards) | change))
    with pytest.raises(UsageError, match=sentence):
        open_shards(shards)


def test_unfinished_shards_are_known_but_not_opened(shards: Path, tmp_path: Path) -> None:
    assert is_shards(shards)
    (shards / "manifest.json").write_text("{")
    assert is_shards(shards)
    (shards / "manifest.json").unlink()
    assert is_shards(shards)
    with pytest.raises(UsageError, match=r"no finished shards \(no manifest.json\)"):
        open_shards(shards)
    assert not is_shards(tmp_path / "photos") and not is_shards(tmp_path / "nothing")
    (tmp_path / "photos" / "manifest.json").write_text('{"a": 1}')
    assert not is_shards(tmp_path / "photos")


def test_no_photo_makes_no_tar(tmp_path: Path) -> None:
    write_shard(tmp_path / "gcolor-00000.tar", [("a", b"x")])
    assert write_shard(tmp_path / "gcolor-00000.tar", []).photos == 0
    assert list(tmp_path.iterdir()) == []


def test_few_items_are_under_way_at_a_time() -> None:
    drawn = 0

    def items():
        nonlocal drawn
        for drawn in range(1, 41):
            yield -drawn

    results = []
    for result in pool.run_all(abs, items(), 2):
        results.append(result)
        # Those that are done but not yet given out are under way, too.
        assert drawn - len(results) < 2 * pool.AHEAD
    assert sorted(results) == list(range(1, 41))


def test_a_process_that_dies_is_one_sentence() -> None:
    with pytest.raises(GcolorError, match="a worker process died"):
        list(pool.run_all(os._exit, [9, 9], 2))


def test_work_that_is_called_off_ends() -> None:
    import time

    results = pool.run_all(time.sleep, [0.01] * 500, 2)
    next(results)
    begun = time.monotonic()
    results.close()
    assert time.monotonic() - begun < 2


def test_preparing_needs_neither_torch_nor_engines() -> None:
    code = (
        "import sys, gcolor.trainer.data.prepare as p; print([m for m in ('torch', 'onnxruntime') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
