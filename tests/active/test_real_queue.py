"""What real videos taught: no bare limbs, cameras on a wall or sun flares in the queue, and whole videos held out."""

import json

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")

from annotation_project import Clock, FakeProposer, person, pictures, project_with_people, video
from sqlalchemy import select, update

from synthgen.active import schema
from synthgen.active.errors import ProjectError
from synthgen.active.propose import once, parts, propose
from synthgen.active.select import select_batch
from synthgen.active.store import create_project, open_project
from synthgen.active.video import Sampling
from synthgen.spinepose.estimator import Pose


def pose(points: np.ndarray, scores: np.ndarray) -> Pose:
    low, high = points.min(0), points.max(0)
    return Pose(points, scores, np.concatenate([low, high - low]))


def test_two_boxes_of_one_person_become_one():
    points = person(1)[:, :2]
    whole = pose(points, np.full(37, 0.9))
    astray = points.copy()
    astray[20:] += 300  # half of the body guessed elsewhere
    half = pose(astray, np.full(37, 0.7))
    assert once([half, whole]) == [whole]
    beside = pose(points + (25, 0), np.full(37, 0.8))  # somebody else, near
    assert once([whole, beside]) == [whole, beside]
    unsure = pose(points, np.where(np.arange(37) < 5, 0.9, 0.2))  # too little to tell
    assert once([whole, unsure]) == [whole, unsure]


def test_a_limb_is_a_part_and_a_child_in_front_is_not():
    boxes = np.array([[0, 0, 100, 200], [10, 100, 60, 90], [40, 120, 30, 60], [200, 0, 50, 90]], float)
    places = np.random.default_rng(1).uniform(0, 1, (4, 37, 2)) * boxes[:, None, 2:] + boxes[:, None, :2]
    scores = np.repeat([[0.95], [0.7], [0.93], [0.5]], 37, 1)
    people = [Pose(p, s, b) for p, s, b in zip(places, scores, boxes, strict=True)]
    assert parts(people) == [False, True, False, False] and parts([]) == []
    legs = places[2].copy()
    legs[:15] = places[0][:15] + 1  # as sure as he is, but his
    assert parts([*people[:2], Pose(legs, scores[2], boxes[2])]) == [False, True, True]


def test_what_is_hardly_a_person_waits_until_nobody_else_is_left(tmp_path):
    project = project_with_people(tmp_path, 8, hold_out=0.0)
    ids = [project.people(image.id)[0] for image in project.images()]
    with project.writing() as connection:
        table = schema.signals
        for number in ids[:5]:
            figures = json.loads(connection.scalar(select(table.c.figures).where(table.c.person_id == number)))
            figures |= {"there": 0.05, "spread": [0.9] * 37, "flip": [0.9] * 37, "scale": [0.9] * 37}
            connection.execute(update(table).where(table.c.person_id == number).values(figures=json.dumps(figures)))
    assert set(select_batch(project, 8)) == set(ids[5:])
    assert set(select_batch(project, 8, "random")) == set(ids[:5])


def test_reasons_say_so_when_hardly_a_person_is_left(tmp_path):
    project = project_with_people(tmp_path, 1, hold_out=0.0)
    with project.writing() as connection:
        figures = json.loads(connection.scalar(select(schema.signals.c.figures)))
        connection.execute(update(schema.signals).values(figures=json.dumps(figures | {"there": 0.0})))
    (number,) = select_batch(project, 1)
    assert project.person(number).reasons[0] == "perhaps nobody is there"


def test_of_several_videos_whole_ones_are_held_out(tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    for i in range(5):
        video(clips / f"clip_{i}.avi", [4] * (8 + i))
    often = Sampling(moved=0.0, apart=2)
    for source, folder in ((clips, "one"), (sorted(clips.iterdir()), "two")):
        create_project(tmp_path / folder, source, sampling=often).close()
        images = open_project(tmp_path / folder, Clock()).images()
        by_video = {}
        for image in images:
            by_video.setdefault(image.video, set()).add(image.split)
        assert len(by_video) == 5 and all(len(splits) == 1 for splits in by_video.values())
        assert sum(splits == {"held"} for splits in by_video.values()) == 1


def test_of_two_sources_named_at_once_none_is_taken_where_one_is_no_source(tmp_path):
    photos = pictures(tmp_path / "photos", 2)
    with pytest.raises(ProjectError, match="no folder, video or COCO"):
        create_project(tmp_path / "project", [photos, tmp_path / "nowhere"])
    assert not (tmp_path / "project" / schema.FILE).exists()


def test_a_reviewers_own_work_is_marked_as_such(tmp_path):
    project = project_with_people(tmp_path, 3, each=2, hold_out=0.0)
    first, second, _ = select_batch(project, 3)
    project.save(first, person(1), "anna", 0)
    project.save(second, person(1), "ben", 0)
    propose(project, FakeProposer(1, "the next round's"))  # says something of everybody, and takes nobody's work away
    seen = {item.person_id: item.mine for item in project.queue("anna")}
    assert seen[first] and not seen[second]
    item = project.next_for("anna", "review")
    assert item is not None and (item.person_id, item.mine, item.leased_by) == (second, False, "anna")
