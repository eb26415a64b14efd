"""The real set: nothing that is evaluated is learnt from, no video is in both splits, and the trainer can read it."""

import json
import subprocess
import types
import zipfile
from collections import Counter
from pathlib import Path

import cv2
import demo_videos
import numpy as np
import pytest

from biomech.errors import DatasetError
from synthgen.keypoints import SPINE_IDS

pytest.importorskip("torch", reason="torch is not installed")

import real_frames

from synthgen.spinepose.check_data import judge
from synthgen.spinepose.pseudo_labels import Opinion, Rules, Sighting
from synthgen.spinepose.sources import SourceConfig, load_source

KNOWN = np.arange(17)


def sighting(x: float, y: float = 40.0, person: float = 0.9) -> Sighting:
    points = np.random.default_rng(1).uniform(0, 100, (17, 2)) + (x, y)
    return Sighting(points, np.array([x, y, 100.0, 100.0]), person)


class Teacher:
    """Believes whatever it is shown."""

    name, digest, ids = "a stand-in", "0" * 64, KNOWN

    def __call__(self, image: np.ndarray, box: np.ndarray) -> Opinion:
        points, apart = np.full((37, 2), np.nan), np.full(37, np.nan)
        points[KNOWN] = box[:2] + np.random.default_rng(2).uniform(0.1, 0.9, (17, 2)) * box[2:]
        apart[KNOWN] = 0.01
        sure = np.where(np.isin(np.arange(37), KNOWN), 0.9, 0.0)
        return Opinion(points, apart, sure, sure.copy(), 0.9, box)


def video(path: Path, count: int = 13) -> Path:
    """Frames whose grey is ten times their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 30, (320, 240))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no video")
    for number in range(count):
        writer.write(np.full((240, 320, 3), 10 * number, np.uint8))
    writer.release()
    return path


def walker(image: np.ndarray) -> list[Sighting]:
    """Somebody who walks along, and somebody who stands."""
    return [sighting(float(image.mean())), sighting(190.0, 100.0)]


def test_frames_are_those_asked_for(tmp_path):
    path = video(tmp_path / "a.mp4")
    found = list(real_frames.frames(path, 5, 4))
    assert [n for n, _ in found] == [5, 9]
    assert [round(float(i.mean()) / 10) for _, i in found] == [5, 9]
    with pytest.raises(DatasetError, match="cannot be read as a video"):
        list(real_frames.frames(tmp_path / "none.mp4", 0, 1))


def test_nothing_the_check_evaluates_is_learnt_from(monkeypatch):
    monkeypatch.setattr(real_frames, "fetch", lambda package, wanted: Path("cache"))
    plain, more = real_frames.clips(False), real_frames.clips(True)
    assert [c.name for c in plain if c.split == "train"] == ["sports2d"]
    assert [c.name for c in more if c.split == "val"] == ["single_cam02"]  # a camera nothing is learnt from
    for clip in more:
        if "SinglePerson" in str(clip.video):  # multiview_check.py --every 2 evaluates the even frames
            assert clip.first % 2 == 1 and clip.step % 2 == 0
        assert "MultiPerson" not in str(clip.video)  # the same frames again


def test_each_person_once():
    weak, strong = sighting(10.0, person=0.6), sighting(14.0, person=0.9)
    assert real_frames.once([weak, strong, sighting(200.0)])[0] is strong
    assert len(real_frames.once([weak, strong, sighting(200.0)])) == 2


def test_who_does_not_move_is_taken_once(tmp_path):
    clip = real_frames.Clip("a", video(tmp_path / "a.mp4"), "p", 0, 2, "train")
    tally: Counter = Counter()
    found = list(real_frames.collect(clip, walker, Teacher(), Rules(), 0.04, tally))
    assert [len(people) for _, _, people in found] == [2, 1, 1, 1, 1, 1, 1]
    assert tally["hardly moved"] == 6


def test_the_set_is_read_by_the_trainer_and_says_who_labelled(tmp_path, monkeypatch):
    monkeypatch.setattr(real_frames, "Detector", lambda: None)
    monkeypatch.setattr(real_frames, "Finder", lambda *_: walker)
    parts = {"one": "train", "two": "val"}
    clips = [real_frames.Clip(n, video(tmp_path / f"{n}.mp4"), "p==1", 0, 2, split) for n, split in parts.items()]
    options = types.SimpleNamespace(longest=160, moved=0.04)
    out = tmp_path / "set"
    said = real_frames.write_set(out, clips, Teacher(), Rules(), {"model": "a stand-in"}, options)
    assert said["train"]["people"] == 8 and said["val"]["videos"] == ["two"]
    for split, name in (("train", "one"), ("val", "two")):
        source = load_source("demo", SourceConfig(str(out), split=split, kind="real"))
        assert len(source) == 8 and source.weights[:, KNOWN].all() and not source.weights[:, 17:].any()
        assert not source.weights[:, list(SPINE_IDS)].any() and source.root is None
        assert judge(source) == ([], [])  # pictures decode at the size said, boxes lie inside
        data = json.loads((out / "annotations" / f"person_keypoints_{split}.json").read_text())
        assert data["info"]["labelled_by"]["model"] == "a stand-in"
        assert {i["video"] for i in data["images"]} == {name}
        assert np.all(source.boxes[:, 2] <= 50.01)  # halved with the picture
        assert (out / f"labels_{split}.jpg").is_file()
    with pytest.raises(DatasetError, match="nobody is left in the val part; videos there: none"):
        real_frames.write_set(tmp_path / "again", clips[:1], Teacher(), Rules(), {}, options)


def test_fetch_unpacks_only_what_is_wanted_and_only_once(tmp_path, monkeypatch):
    calls = []

    def download(command, check):
        calls.append(command)
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "p-1-py3-none-any.whl", "w") as wheel:
            wheel.writestr("p/demo/a.mp4", b"a")
            wheel.writestr("p/code.py", b"b")
        return types.SimpleNamespace(returncode=0)

    monkeypatch.setattr(demo_videos, "user_cache_dir", lambda name: str(tmp_path))
    monkeypatch.setattr(subprocess, "run", download)
    folder = demo_videos.fetch("p==1", ("p/demo/",))
    assert demo_videos.fetch("p==1", ("p/demo/",)) == folder and len(calls) == 1
    files = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    assert files == ["p/demo/a.mp4"] and (folder / files[0]).read_bytes() == b"a"
    with pytest.raises(DatasetError, match="p==1 holds no p/films/"):
        demo_videos.fetch("p==1", ("p/films/",))
    monkeypatch.setattr(subprocess, "run", lambda command, check: types.SimpleNamespace(returncode=1))
    with pytest.raises(DatasetError, match="pip could not download q==2"):
        demo_videos.fetch("q==2", ("q/",))
