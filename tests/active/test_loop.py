"""From pictures to a queue and to files to train on: sources, frames, proposals, selection, merge, rounds."""

import json
import shutil

import cv2
import numpy as np
import pytest
from annotation_project import (
    Clock,
    FakeProposer,
    first_person,
    person,
    pictures,
    project_with_people,
    reviewed_project,
    video,
)
from PIL import Image
from sqlalchemy import select

from synthgen.active import merge as merging
from synthgen.active import rounds, schema
from synthgen.active.errors import ProjectError
from synthgen.active.images import MOST_PIXELS, measure, read_image
from synthgen.active.propose import pending, propose
from synthgen.active.select import doubts, reasons, select_batch, spread_out
from synthgen.active.sources import split
from synthgen.active.store import create_project, open_project
from synthgen.active.tracks import match
from synthgen.active.video import Sampling, moving_frames
from synthgen.keypoints import spinetrack
from synthgen.spinepose.sources import SourceConfig, load_source

# --- pictures -----------------------------------------------------------------------------------------------------


def test_pictures_stay_where_they_are_and_are_taken_once(tmp_path):
    photos = pictures(tmp_path / "photos", 5)
    before = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in photos.iterdir()}
    project = create_project(tmp_path / "project", photos)
    assert project.image_count() == 5 and project.image(1).path == photos / "photo_00.png"
    assert {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in photos.iterdir()} == before
    assert [p.name for p in (tmp_path / "project").rglob("*.png")] == []
    pictures(photos, 7)
    again = create_project(tmp_path / "project", photos)
    assert again.image_count() == 7


def test_the_split_is_fixed_and_goes_by_group(tmp_path):
    project = create_project(tmp_path / "project", pictures(tmp_path / "photos", 10))
    first = {i.path.name: i.split for i in project.images()}
    assert sorted(first.values()).count("held") == 2
    pictures(tmp_path / "photos", 15)
    create_project(tmp_path / "project", tmp_path / "photos")
    later = {i.path.name: i.split for i in project.images()}
    assert {name: later[name] for name in first} == first
    assert split(["a", "b"], 0.01) in ({"a": "held", "b": "train"}, {"a": "train", "b": "held"})
    assert split(["a"], 0.5) == {"a": "train"} and set(split(["a", "b", "c"], 0).values()) == {"train"}
    with pytest.raises(ProjectError, match="0 to below 1"):
        split(["a"], 1.0)


def test_frames_follow_motion_and_neighbours_are_linked(tmp_path):
    still, moving = [0] * 10, [4] * 10
    clip = video(tmp_path / "clip.avi", [*still, *moving, *still])
    taken = moving_frames(clip, Sampling(moved=0.02, apart=1))
    assert taken[0] == 0 and 4 <= len(taken) <= 12 and all(10 <= t <= 21 for t in taken[1:])
    assert moving_frames(clip, Sampling(moved=0.02, apart=1, most=3))[0] == 0
    assert len(moving_frames(clip, Sampling(moved=0.02, apart=1, most=3))) == 3
    create_project(tmp_path / "project", clip, sampling=Sampling(moved=0.02, apart=1)).close()
    project = open_project(tmp_path / "project", Clock())
    assert {i.split for i in project.images()} == {"train"} and project.image(2).frame == taken[1]
    propose(project, FakeProposer(2))
    middle = project.person(project.people(2)[0])
    assert len(middle.neighbours) == 2  # before and after
    assert {project.person(n).image_id for n in middle.neighbours} == {1, 3}
    propose(project, FakeProposer(2, "second"))  # links are not doubled
    assert len(project.person(middle.person_id).neighbours) == 2


def test_a_correction_is_carried_to_the_next_frame(tmp_path):
    clip = video(tmp_path / "clip.avi", [6] * 12)
    create_project(tmp_path / "project", clip, sampling=Sampling(moved=0.02, apart=1)).close()
    project = open_project(tmp_path / "project", Clock())
    propose(project, FakeProposer(1))
    one, two = project.people(1)[0], project.people(2)[0]
    with pytest.raises(ProjectError, match="not been corrected"):
        project.propagate(one, two, "anna")
    points = project.person(one).model.copy()
    points[30] += (7.5, -2.25, -1, 0)
    project.save(one, points, "anna", 0)
    project.propagate(one, two, "anna")
    view = project.person(two)
    assert np.allclose(view.corrected[30, :2], view.model[30, :2] + (7.5, -2.25)) and view.corrected[30, 2] == 1
    rest = np.arange(37) != 30
    assert np.allclose(view.corrected[rest, :2], view.model[rest, :2])
    assert (view.status, project.history(two)[-1].kind) == ("queued", "propagated")
    assert project.queue("anna")[-1].person_id == two and "carried over" in view.reasons[0]
    with pytest.raises(ProjectError, match="no neighbour"):
        project.propagate(one, project.people(3)[0], "anna")


def test_a_coco_file_brings_boxes_and_points(tmp_path):
    pictures(tmp_path / "photos", 2)
    flat = person(5)[:17, :3].reshape(-1).tolist()
    data = {
        "images": [{"id": 9, "file_name": "photo_00.png"}, {"id": 10, "file_name": "../outside.png"}],
        "categories": [{"id": 1, "keypoints": list(spinetrack().names[:17])}],
        "annotations": [{"image_id": 9, "bbox": [5, 6, 50, 60], "keypoints": flat}],
    }
    cv2.imwrite(str(tmp_path / "outside.png"), np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "boxes.json").write_text(json.dumps(data))
    said = []
    create_project(
        tmp_path / "project", tmp_path / "boxes.json", pictures=tmp_path / "photos", tell=said.append
    ).close()
    assert any("outside of the project" in line for line in said)
    project = open_project(tmp_path / "project", Clock())
    proposer = FakeProposer(3)
    propose(project, proposer)
    view = project.person(first_person(project))
    assert project.progress()["people"] == 1 and view.bbox.tolist() == [
        5,
        6,
        50,
        60,
    ]  # no detector where there are boxes
    assert np.array_equal(view.start[:17, :2], person(5)[:17, :2]) and np.array_equal(view.start[17:], view.model[17:])


def test_turned_photographs_get_a_plain_copy(tmp_path):
    (tmp_path / "photos").mkdir()
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:20] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(pixels).save(tmp_path / "photos" / "turned.jpg", exif=exif)
    project = create_project(tmp_path / "project", tmp_path / "photos")
    row = project.image(1)
    assert (row.width, row.height) == (40, 60) and row.path.is_relative_to(tmp_path / "project")
    image = read_image(row.path, project.roots())
    assert image.shape == (60, 40, 3) and image[:, 30:].mean() > 200 > 50 > image[:, :10].mean()
    assert create_project(tmp_path / "project", tmp_path / "photos").image_count() == 1


def test_pictures_from_elsewhere_bombs_and_wrong_types_are_refused(tmp_path):
    project = create_project(tmp_path / "project", pictures(tmp_path / "photos", 1))
    secret = tmp_path / "secret.png"
    cv2.imwrite(str(secret), np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "photos" / "link.png").symlink_to(secret)
    for path in (secret, tmp_path / "photos" / ".." / "secret.png", tmp_path / "photos" / "link.png"):
        with pytest.raises(ProjectError, match="outside"):
            read_image(path, project.roots())
    side = int(MOST_PIXELS**0.5) + 10
    Image.new("1", (side, side)).save(tmp_path / "bomb.png")
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"#!/bin/sh\n")
    (tmp_path / "page.svg").write_text("<svg/>")
    for path, said in ((tmp_path / "bomb.png", "million"), (fake, "not a picture"), (tmp_path / "page.svg", "allowed")):
        with pytest.raises(ProjectError, match=said):
            measure(path)
    with pytest.raises(ProjectError, match="nothing to label"):
        (tmp_path / "empty").mkdir()
        create_project(tmp_path / "other", tmp_path / "empty")
    assert not (tmp_path / "other").exists()


# --- proposals and selection --------------------------------------------------------------------------------------


def test_proposing_goes_on_where_it_was_and_again_with_another_model(tmp_path):
    create_project(tmp_path / "project", pictures(tmp_path / "photos", 5)).close()
    project = open_project(tmp_path / "project", Clock())
    proposer = FakeProposer(2)
    assert propose(project, proposer, limit=2).images == 2
    done = propose(project, proposer)
    assert (done.images, done.kept, proposer.looked) == (3, 2, 5)
    assert propose(project, proposer).images == 0
    number = first_person(project)
    project.save(number, person(3), "anna", 0)
    better = FakeProposer(1, "better")
    assert propose(project, better).images == 5 and project.progress()["people"] == 10
    view = project.person(number)
    assert view.status == "corrected" and np.array_equal(view.corrected, person(3))
    assert [r.author for r in project.history(number) if r.kind == "model"] == ["fake first", "fake better"]


def test_what_is_missing_or_changed_is_named_and_left(tmp_path):
    photos = pictures(tmp_path / "photos", 3)
    create_project(tmp_path / "project", photos).close()
    project = open_project(tmp_path / "project", Clock())
    (photos / "photo_00.png").unlink()
    cv2.imwrite(str(photos / "photo_01.png"), np.zeros((50, 50, 3), np.uint8))
    done = propose(project, FakeProposer())
    assert done.images == 1 and "there is no picture" in done.failed[0] and "put the old picture back" in done.failed[1]
    assert len(pending(project, "first")[0]) == 2


def test_the_doubtful_come_first_and_no_near_copies():
    rng = np.random.default_rng(3)
    calm = [{n: rng.uniform(0, 0.02, 37).tolist() for n in ("spread", "flip", "scale", "teacher")} for _ in range(40)]
    figures = [f | {"unlikely": 0.0, "said": []} for f in calm]
    for i in range(10):  # ten near copies of one doubtful person
        figures[i] |= {n: (np.array(figures[i][n]) + 0.3).tolist() for n in ("spread", "flip", "scale")}
    places = rng.normal(size=(40, 4)) * 3
    places[:10] = places[0] + rng.normal(size=(10, 4)) * 0.01
    _, doubt = doubts(figures)
    assert set(np.argsort(-doubt)[:10]) == set(range(10))
    taken, _ = spread_out(doubt, places, np.zeros((0, 4)), 8)
    assert taken[0] in range(10) and sum(t in range(10) for t in taken) == 1
    taken, _ = spread_out(doubt, places, places[:1], 8)  # one of the copies is corrected already
    assert not any(t in range(10) for t in taken)


def test_reasons_are_sentences_about_points():
    figures = {n: np.full(37, 0.01) for n in ("spread", "flip", "scale", "teacher")}
    figures["flip"][28] = 0.25
    said = reasons(figures | {"unlikely": 0.0, "said": []}, {"flip": 0.9, "spread": 0.1}, 2.0)
    assert said[0].startswith("the mirrored picture puts spine 03 and") and "25%" in said[0]
    assert said[1] == "unlike anybody selected so far"


def test_select_holds_some_out_and_never_takes_anybody_twice(tmp_path):
    project = project_with_people(tmp_path, 10)
    held = {i.id for i in project.images() if i.split == "held"}
    first = select_batch(project, 5, held_share=0.4)
    second = select_batch(project, 99, "random")
    assert len(first) == 5 and len(first) + len(second) == 10 and not set(first) & set(second)
    assert sum(project.person(p).image_id in held for p in first) == 2
    for p in first:
        drawn = project.person(p).reasons[0].startswith("held out for measuring")
        assert drawn == (project.person(p).image_id in held)
    with pytest.raises(ProjectError, match="nobody is left"):
        select_batch(project, 1)
    with pytest.raises(ProjectError, match="uncertainty or random"):
        select_batch(project, 1, "best")


def test_boxes_are_matched_once():
    one = np.array([[0, 0, 10, 20], [30, 0, 10, 20]], float)
    assert match(one, one[::-1] + 1) == [(0, 1), (1, 0)] and match(one, one + 100) == []


# --- merge and rounds ---------------------------------------------------------------------------------------------


def test_merge_knows_where_each_point_comes_from(tmp_path):
    project = project_with_people(tmp_path, 10)
    with pytest.raises(ProjectError, match="nobody has been corrected"):
        merging.merge(project)
    held = {i.id for i in project.images() if i.split == "held"}
    ids = [project.people(i.id)[0] for i in project.images()]
    for number in ids[:6]:
        points = project.person(number).model.copy()
        points[26, :2] += 3.25
        points[27] = project.person(number).teacher[27]
        points[28, 2] = 0
        base = project.save(number, points, "anna", 0)
        points[30, :2] -= 1.5
        project.save(number, points, "ben", base)
    merged = merging.merge(project)
    assert sum(merged.people.values()) == 6
    data = {s: json.loads(f.read_text()) for s, f in merged.files.items()}
    assert {a["image_id"] for a in data["held"]["annotations"]} == held & {project.person(n).image_id for n in ids[:6]}
    a = data["train"]["annotations"][0]
    kinds, authors = a["provenance"]["kinds"], a["provenance"]["authors"]
    assert (kinds[26], authors[26]) == ("corrected", "anna") and (kinds[30], authors[30]) == ("corrected", "ben")
    assert (kinds[27], authors[27]) == ("accepted_teacher", "fake teacher") and kinds[28] == "none"
    assert (kinds[0], authors[0]) == ("accepted", "fake first")
    view = project.person(a["id"])
    assert np.allclose(np.array(a["keypoints"]).reshape(-1, 3)[26, :2], view.corrected[26, :2], atol=1e-4)
    source = load_source("x", SourceConfig(str(merged.files["train"]), str(merged.images), kind="real"))
    assert len(source) == merged.people["train"] and source.keypoints[0, 28, 2] == 0
    assert read_image(tmp_path / "photos" / source.images[0].rpartition("/")[2]).size


def test_a_second_batch_adds_to_the_first(tmp_path):
    project = project_with_people(tmp_path, 6)
    ids = [project.people(i.id)[0] for i in project.images()]
    counts = []
    for part in (ids[:2], ids[2:5]):
        for number in part:
            project.save(number, project.person(number).model, "anna", 0)
        counts.append(sum(merging.merge(project).people.values()))
    assert counts == [2, 5]
    with pytest.raises(ProjectError, match="nobody has been reviewed"):
        merging.merge(project, reviewed_only=True)


def test_a_round_trains_measures_and_goes_on(tmp_path, monkeypatch):
    """With a training that copies weights, on the shipped checkpoint's figures; the real one is in the evidence."""
    from synthgen.spinepose import train as training
    from synthgen.spinepose.estimator import default_weights

    project = reviewed_project(tmp_path, 8)
    runs = []

    def pretend(config, resume_run, tell):
        runs.append(config)
        from pathlib import Path

        Path(config.out).mkdir(parents=True, exist_ok=True)
        shutil.copy(default_weights(), Path(config.out) / "last.onnx")

    monkeypatch.setattr(training, "train", pretend)
    monkeypatch.setattr("synthgen.spinepose.train_state.LAST", "last.onnx")
    fresh = "model.arch=blaze-full"  # from no checkpoint; tests/active/test_reopen.py begins with the shipped one
    row = rounds.run_round(project, settings=["schedule.epochs=1", fresh])
    assert row["spine_ap"] == row["spine_ap_before"] is not None and row["people"] + row["held_people"] == 8
    real = runs[0].data.sources["corrected"]
    assert real.kind == "real" and runs[0].schedule.epochs == 1 and set(runs[0].data.val) == {"held"}
    rounds.run_round(project, settings=[fresh])
    table = (tmp_path / "project" / "rounds.csv").read_text().splitlines()
    assert len(table) == 3 and [r["round"] for r in rounds.rows(project)] == [1, 2]
    assert project.about(rounds.WEIGHTS).endswith("round_02/last.onnx")


def test_nothing_to_train_on_is_said(tmp_path):
    project = project_with_people(tmp_path, 6)
    held = next(i for i in project.images() if i.split == "held")
    number = project.people(held.id)[0]
    project.save(number, project.person(number).model, "anna", 0)
    with pytest.raises(ProjectError, match="held out"):
        rounds.run_round(project)
    with project.reading() as connection:
        assert connection.execute(select(schema.rounds)).all() == []


def test_a_video_that_cannot_be_read_opens_no_folder(tmp_path, monkeypatch):
    """A source is a permission to read below its root: none without pictures, least of all the working folder."""
    photos = pictures(tmp_path / "photos", 1)
    (photos / "broken.mp4").write_bytes(b"not a video")
    said = []
    project = create_project(tmp_path / "project", photos, tell=said.append)
    assert any("broken.mp4" in line for line in said) and project.image_count() == 1
    own = [tmp_path / "project" / name for name in ("frames", "upright")]
    assert project.roots() == [photos, *own]
