"""Adding people whom the detector missed: the project, the server, and the way into the merged file."""

import json

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from annotation_page import TOKEN
from annotation_project import SIZE, FakeProposer, person
from fastapi.testclient import TestClient

from biomech.errors import SynthgenError
from synthgen.active.access import Door
from synthgen.active.adding import SAME, Suggester, add_person, mean_pose, people_in, placed
from synthgen.active.errors import LeaseTaken, ProjectError
from synthgen.active.exchange import export_labels
from synthgen.active.merge import merge
from synthgen.active.propose import pending, propose
from synthgen.active.server import create_app
from synthgen.keypoints import SPINE_IDS, spinetrack

BASE = "http://127.0.0.1:8730"
BOX = np.array([60.0, 5.0, 30.0, 80.0])


def client_of(project, suggest=None) -> TestClient:
    client = TestClient(
        create_app(project, Door(name="anna", role="annotate", token=TOKEN), None, suggest), base_url=BASE
    )
    client.get("/", params={"token": TOKEN})
    client.headers["x-csrf-token"] = client.get("/api/project").json()["csrf"]
    return client


def no_model():
    raise SynthgenError("there is no model on this machine")


def test_without_a_model_the_mean_pose_is_put_into_the_box(project):
    item = add_person(project, 1, BOX, "anna", Suggester(no_model))
    view = project.person(item.person_id)
    assert (view.origin, view.status, view.image_id) == ("added", "queued", 1) and view.model is None
    assert np.array_equal(view.start, placed(BOX)) and (view.start[:, 3] < 0.5).all()
    inside = (view.start[:, :2] >= BOX[:2]).all() and (view.start[:, :2] <= BOX[:2] + BOX[2:]).all()
    assert inside and (np.diff(view.start[list(SPINE_IDS), 1]) < 0).all()  # upright, from the sacrum up
    flip = spinetrack().flip
    assert np.allclose(mean_pose()[flip] * [-1, 1] + [1, 0], mean_pose(), atol=0.002)
    assert [(r.kind, r.author) for r in project.history(item.person_id)] == [("added", "anna")]
    last = project.queue("anna")[-1]
    assert (last.person_id, last.leased_by) == (item.person_id, "anna") and "added by anna" in last.reasons[0]
    with pytest.raises(LeaseTaken):
        project.lease(item.person_id, "ben")


def test_a_model_proposes_where_one_runs_and_starts_once(project):
    started = []

    def make():
        started.append(1)
        return FakeProposer(1, "late")

    suggest = Suggester(make)
    assert not started
    first = add_person(project, 1, BOX, "anna", suggest)
    add_person(project, 2, BOX, "anna", suggest)
    view = project.person(first.person_id)
    assert len(started) == 1 and view.model is not None and np.array_equal(view.start, view.model)
    assert [(r.kind, r.author) for r in project.history(first.person_id)] == [
        ("added", "anna"), ("model", "fake late"), ("teacher", "fake teacher"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("box", "said"),
    [([0, 0, 5, 50], "8 or more each way"), ([500, 500, 50, 50], "within the picture"), ([5, 10, 40, 58], "person 1")],
)
def test_boxes_that_do_not_fit_are_refused(project, box, said):
    before = project.progress()["people"]
    with pytest.raises(ProjectError, match=said):
        add_person(project, 1, np.array(box, float), "anna")
    assert project.progress()["people"] == before and len(project.queue("anna")) == 4


def test_a_box_is_cut_to_the_picture_and_sent_twice_it_counts_once(project):
    item = add_person(project, 1, np.array([80.0, -20.0, 500.0, 70.0]), "anna")
    assert project.person(item.person_id).bbox.tolist() == [80.0, 0.0, SIZE[1] - 80.0, 50.0]
    with pytest.raises(ProjectError, match=f"person {item.person_id}, who is in the project"):
        add_person(project, 1, np.array([80.0, 0.0, 48.0, 50.0 * SAME + 1]), "ben")


def test_who_is_removed_is_kept_and_comes_back(project):
    number = add_person(project, 1, BOX, "anna").person_id
    view = project.person(number)
    removed = project.save(number, view.start, "anna", view.revision, status="removed")
    assert project.person(number).status == "removed" and len(project.history(number)) == 2
    assert project.next_for("anna", "annotate").person_id == 1  # not who was removed
    with project.reading() as connection:
        assert number not in [p["person"] for p in people_in(connection, 1)]
    again = add_person(project, 1, BOX, "anna")  # the place is free
    assert again.person_id != number
    project.save(number, view.start, "anna", removed, status="queued")
    assert project.person(number).status == "queued" and len(project.history(number)) == 3
    with pytest.raises(ProjectError, match="not added on the page"):
        project.save(1, person(1), "anna", 0, status="removed")


def test_added_people_are_merged_with_where_each_point_comes_from(project, tmp_path):
    number = add_person(project, 1, BOX, "anna").person_id
    gone = add_person(project, 2, BOX, "anna").person_id
    view = project.person(number)
    points = view.start.copy()
    points[9, :2] += 3
    points[10, 2] = 0
    project.save(number, points, "anna", view.revision)
    project.save(gone, view.start, "anna", project.person(gone).revision, status="removed")
    assert export_labels(project, tmp_path / "all.json", "coco", "all") == 5  # four of the project and one added
    merged = merge(project)
    people = json.loads(merged.files["train"].read_text())["annotations"]
    assert [p["id"] for p in people] == [number]
    kinds = people[0]["provenance"]["kinds"]
    assert (kinds[9], kinds[10], kinds[0]) == ("corrected", "none", "added")
    assert people[0]["provenance"]["authors"][0] == "anna"


def test_the_next_model_looks_at_who_was_added_and_not_at_who_was_removed(project):
    for number in range(1, 5):
        project.save(number, person(number), "anna", 0)
    added, gone = (add_person(project, image, BOX, "anna").person_id for image in (1, 2))
    project.save(gone, person(0), "anna", project.person(gone).revision, status="removed")
    assert pending(project, "second")[0] == [1]  # everybody else is corrected or removed
    propose(project, FakeProposer(1, "second"))
    assert project.person(added).model is not None and project.person(gone).model is None
    assert np.array_equal(project.person(added).start, placed(BOX))  # what a person placed is not thrown away


def test_the_route_adds_and_needs_what_every_change_needs(project):
    client = client_of(project)
    box = {"box": BOX.tolist()}
    assert client.post("/api/images/1/people", json=box, headers={"x-csrf-token": "guess"}).status_code == 403
    assert client.post("/api/images/99/people", json=box).status_code == 404
    for wrong in (None, [1, 2, 3], [1, 2, 3, "4"], [True, 2, 30, 40], [1, 2, 30, 1e9]):
        assert client.post("/api/images/1/people", json={"box": wrong}).status_code == 422, wrong
    answer = client.post("/api/images/1/people", json=box)
    assert answer.status_code == 200
    number = answer.json()["item"]["person"]
    assert client.get(f"/api/people/{number}").json()["origin"] == "added"
    assert number in [p["person"] for p in client.get("/api/images/1/people").json()["people"]]
    again = client.post("/api/images/1/people", json=box)
    assert again.status_code == 422 and f"person {number}" in again.json()["error"]


def test_a_picture_that_is_gone_tells_no_path(project, tmp_path):
    project.image(1).path.unlink()
    client = client_of(project, Suggester(lambda: FakeProposer()))
    answer = client.post("/api/images/1/people", json={"box": BOX.tolist()})
    assert answer.status_code == 422 and str(tmp_path) not in answer.text
