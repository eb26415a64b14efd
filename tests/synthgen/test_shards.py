"""The plan covers every index once; files appear whole or not at all; a shard round-trips."""

import dataclasses
import json
import os
import stat

import cv2
import fake_source
import numpy as np
import pytest
import simplejpeg

from biomech.errors import DatasetError
from synthgen import shards
from synthgen.config import Config, with_values


@pytest.fixture
def config():
    return with_values(Config(), poses=8, width=64, height=48, poses_per_subject=4)


def make(config):
    return lambda index: fake_source.make_sample(config, {"opened": True}, index)


@pytest.mark.parametrize("poses", [1, 3, 8, 100, 1000, 12345])
@pytest.mark.parametrize("size", [1, 50, 333])
@pytest.mark.parametrize("per_subject", [1, 4, 7])
def test_plan_covers_each_index_once_and_cuts_between_subjects(poses, size, per_subject):
    config = with_values(Config(), poses=poses, shard_size=size, poses_per_subject=per_subject)
    plan = shards.plan(config)
    assert [s.number for s in plan] == list(range(len(plan)))
    assert plan[0].start == 0 and plan[-1].stop == poses
    for before, after in zip(plan, plan[1:], strict=False):
        assert before.stop == after.start and after.start % per_subject == 0
    assert all(1 <= len(s) <= max(size, per_subject) for s in plan)


def test_shards_shrink_towards_the_end():
    sizes = [len(s) for s in shards.plan(with_values(Config(), poses=1000, poses_per_subject=4))]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 40 and sizes[-1] == 4


def test_names_sort_like_numbers():
    config = with_values(Config(), poses=2_000_000)
    names = [shards.stem(config, i) for i in (0, 9, 10, 999_999, 1_999_999)]
    assert names == sorted(names) and len(set(map(len, names))) == 1


def test_write_atomic(tmp_path, monkeypatch):
    path = tmp_path / "a" / "b.txt"
    shards.write_atomic(path, b"one")
    shards.write_atomic(path, b"two")
    assert path.read_bytes() == b"two" and os.listdir(path.parent) == ["b.txt"]

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        shards.write_atomic(path, b"three")
    assert path.read_bytes() == b"two" and os.listdir(path.parent) == ["b.txt"]


def test_depth_in_millimetres():
    depth = np.array([[0, 0.0001, 1.2345, 80.0, np.inf, np.nan, -1]], np.float32)
    np.testing.assert_array_equal(shards.depth_to_millimetres(depth), [[0, 1, 1234, 65535, 0, 0, 0]])


def test_pictures_decode_to_what_was_drawn(config):
    sample = make(config)(3)
    files = shards.encode(config, sample)
    assert set(files) == set(shards.sample_files(config, sample.split, 3).values())
    by_kind = {name.split("/")[0]: data for name, data in files.items()}
    rgb = simplejpeg.decode_jpeg(by_kind["images"])
    assert np.abs(rgb.astype(int) - sample.rgb).mean() < 20 and rgb.shape == sample.rgb.shape
    maps = {k: cv2.imdecode(np.frombuffer(d, np.uint8), -1) for k, d in by_kind.items() if k != "images"}
    np.testing.assert_array_equal(maps["instances"], sample.instance)
    np.testing.assert_array_equal(maps["parts"], sample.part)
    assert np.abs(maps["depth"] / 1000 - sample.depth).max() < 0.00051
    assert maps["depth"].dtype == np.uint16


def test_outputs_can_be_left_out(config):
    output = dataclasses.replace(config.output, depth=False, ids=False)
    plain = dataclasses.replace(config, output=output)
    assert list(shards.encode(plain, make(config)(0))) == ["images/train/000000.jpg"]


def test_shard_round_trip(tmp_path, config):
    shard = shards.Shard(0, 4, 8)
    assert not shards.is_finished(tmp_path, shard)
    shards.write_shard(tmp_path, config, shard, make(config), lambda subject: f"model {subject}")
    assert shards.is_finished(tmp_path, shard)
    manifest, records, arrays = shards.read_shard(tmp_path, shard)
    assert [r["index"] for r in records] == [4, 5, 6, 7]
    assert (tmp_path / "subjects/000001.osim").read_text() == "model 1"
    for name in manifest["files"]:
        assert stat.S_ISREG((tmp_path / name).stat().st_mode)
    samples = [make(config)(i) for i in range(4, 8)]
    for key in ("keypoints", "keypoints_world", "keypoints_cam", "vertebrae_world", "q"):
        np.testing.assert_array_equal(arrays[key], [getattr(s.annotations[0], key) for s in samples])


def test_manifest_is_written_last(tmp_path, config):
    def breaks(index):
        if index == 2:
            raise ArithmeticError("no")
        return make(config)(index)

    shard = shards.Shard(0, 0, 4)
    with pytest.raises(ArithmeticError):
        shards.write_shard(tmp_path, config, shard, breaks)
    assert not shards.is_finished(tmp_path, shard)
    assert (tmp_path / "images/train/000001.jpg").exists()
    shards.write_shard(tmp_path, config, shard, make(config))
    assert shards.is_finished(tmp_path, shard)


def test_altered_shards_are_noticed(tmp_path, config):
    shard = shards.Shard(0, 0, 4)
    shards.write_shard(tmp_path, config, shard, make(config))
    path = shards.shard_folder(tmp_path, shard) / "records.jsonl"
    path.write_text(path.read_text().replace("stand", "stund"))
    with pytest.raises(DatasetError, match="was altered"):
        shards.read_shard(tmp_path, shard)
    with pytest.raises(DatasetError, match="not those of the plan"):
        shards.read_shard(tmp_path, shards.Shard(0, 0, 8))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spec": {"bad": np.float32(1)}}, "not plain JSON"),
        ({"spec": {"bad": float("nan")}}, "not plain JSON"),
        ({"rgb": np.zeros((48, 60, 3), np.uint8)}, "not uint8 of the configured"),
        ({"rgb": np.zeros((48, 64, 3))}, "not uint8 of the configured"),
        ({"index": 5}, "returned index 5"),
    ],
)
def test_samples_that_break_the_contract(tmp_path, config, change, message):
    def wrong(index):
        return dataclasses.replace(make(config)(index), **change)

    with pytest.raises(DatasetError, match=message):
        shards.write_shard(tmp_path, config, shards.Shard(0, 0, 1), wrong)


def test_manifest_lists_what_is_there(tmp_path, config):
    shard = shards.Shard(0, 0, 4)
    shards.write_shard(tmp_path, config, shard, make(config))
    manifest = json.loads((shards.shard_folder(tmp_path, shard) / "manifest.json").read_bytes())
    there = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    listed = set(manifest["files"]) | {f"shards/00000/{n}" for n in [*manifest["own"], "manifest.json"]}
    assert there == listed
