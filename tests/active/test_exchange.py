"""Labels leave and come back as they were, by name, whatever the order; files of other tools are understood."""

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from annotation_project import SIZE, first_person, person, pictures, project_with_people

from synthgen.active.errors import ProjectError
from synthgen.active.exchange import FORMATS, export_labels, import_labels, reader
from synthgen.active.select import select_batch
from synthgen.active.store import create_project, open_project
from synthgen.keypoints import spinetrack

SUFFIX = {"coco": ".json", "cvat-coco": ".zip", "cvat-xml": ".xml", "label-studio": ".json"}
TOOLS = Path(__file__).parent / "data"


def everybody(project):
    return {q.person_id: project.person(q.person_id) for q in project.queue("x")}


def submitted(path, name):
    """What Label Studio does when somebody accepts a prediction: it becomes an annotation."""
    if name == "label-studio":
        tasks = json.loads(path.read_text())
        for task in tasks:
            task["annotations"] = [{"result": p["result"]} for p in task["predictions"]]
        path.write_text(json.dumps(tasks))


@pytest.mark.parametrize("name", FORMATS)
def test_there_and_back(tmp_path, name):
    project = project_with_people(tmp_path, 4, each=2)
    select_batch(project, 8)
    people = everybody(project)
    number = next(iter(people))
    points = person(50)
    points[4] = (33.123456, 44.6543, 1, 0.4)
    points[9, 2] = 0
    project.save(number, points, "anna", 0, 'hat & "scarf" <red>', status="queued")
    path = tmp_path / f"labels{SUFFIX[name]}"
    assert export_labels(project, path, name) == 8
    submitted(path, name)
    done = import_labels(project, path, name, "ben")
    assert (done.people, done.new, done.left_out) == (8, 0, ())
    back = project.person(number)
    assert (back.status, back.comment.strip()) == ("corrected", 'hat & "scarf" <red>')
    seen = points[:, 2] > 0
    assert np.array_equal(back.corrected[:, 2], points[:, 2])
    assert np.abs(back.corrected[seen, :2] - points[seen, :2]).max() < 1e-3  # px: sub-pixel places survive
    for other in set(people) - {number}:
        assert np.abs(project.person(other).corrected[:, :2] - people[other].model[:, :2]).max() < 1e-3
    assert [r.kind for r in project.history(number)] == ["model", "teacher", "corrected", "imported"]


def test_the_interface_of_label_studio_overwrites_nothing(tmp_path):
    project = project_with_people(tmp_path, 2)
    select_batch(project, 2)
    export_labels(project, tmp_path / "queue.xml", "cvat-xml")
    export_labels(project, tmp_path / "queue.json", "label-studio")
    assert len(reader("cvat-xml")(tmp_path / "queue.xml")) == 2
    assert 'value="spine_03" model_index="28"' in (tmp_path / "queue.label_config.xml").read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_a_part_of_a_file_touches_only_that_part(tmp_path, name):
    project = project_with_people(tmp_path, 4)
    select_batch(project, 2)
    path = tmp_path / f"labels{SUFFIX[name]}"
    export_labels(project, path, name)
    submitted(path, name)
    import_labels(project, path, name, "ben")
    assert project.progress()["status"]["corrected"] == 2 and project.progress()["status"]["proposed"] == 2


def test_names_decide_not_the_order(tmp_path):
    project = project_with_people(tmp_path, 2)
    select_batch(project, 2)
    export_labels(project, tmp_path / "a.json", "coco")
    data = json.loads((tmp_path / "a.json").read_text())
    names = data["categories"][0]["keypoints"]
    turned = [*range(10, 37), *range(10)]
    data["categories"][0]["keypoints"] = [names[i].replace("_", " ").title() for i in turned] + ["tail"]
    for a in data["annotations"]:
        rows = np.array(a["keypoints"]).reshape(-1, 3)[turned]
        a["keypoints"] = [*rows.reshape(-1).tolist(), 1.0, 2.0, 2]
        del a["synthgen_person"], a["keypoint_scores"]  # as a tool leaves it: people found by their boxes
    (tmp_path / "b.json").write_text(json.dumps(data))
    done = import_labels(project, tmp_path / "b.json", "coco", "ben")
    assert (done.people, done.new) == (2, 0)
    for view in everybody(project).values():
        assert np.abs(view.corrected[:, :2] - view.model[:, :2]).max() < 1e-3


def test_seventeen_points_leave_the_spine_to_the_model(tmp_path):
    project = project_with_people(tmp_path, 1)
    number = first_person(project)
    select_batch(project, 1)
    export_labels(project, tmp_path / "a.json", "coco")
    data = json.loads((tmp_path / "a.json").read_text())
    data["categories"][0]["keypoints"] = data["categories"][0]["keypoints"][:17]
    for a in data["annotations"]:
        a["keypoints"] = [v + (5 if i % 3 == 0 else 0) for i, v in enumerate(a["keypoints"][:51])]
        del a["keypoint_scores"]
    (tmp_path / "b.json").write_text(json.dumps(data))
    import_labels(project, tmp_path / "b.json", "coco", "ben", status="queued")
    view = project.person(number)
    assert (view.corrected[17:, 2] == 0).all() and (view.corrected[:17, 2] == 2).all()
    assert np.array_equal(view.start[17:], view.model[17:])
    assert np.abs(view.start[:17, 0] - view.model[:17, 0] - 5).max() < 1e-3


def test_somebody_new_and_a_picture_of_elsewhere(tmp_path):
    project = project_with_people(tmp_path, 2)
    names = list(spinetrack().names)
    far = person(3)[:, :3]
    far[:, :2] = far[:, :2] * 0.05 + (120, 88)
    data = {
        "images": [{"id": 7, "file_name": "photo_00.png"}, {"id": 8, "file_name": "unknown.png"}],
        "categories": [{"id": 5, "name": "person", "keypoints": names}],
        "annotations": [
            {"image_id": 7, "category_id": 5, "keypoints": far.reshape(-1).tolist()},
            {"image_id": 8, "category_id": 5, "keypoints": far.reshape(-1).tolist()},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(data))
    done = import_labels(project, tmp_path / "a.json", "coco", "ben")
    assert (done.people, done.new) == (1, 1) and "unknown.png" in done.left_out[0]
    assert project.progress()["people"] == 3


def test_a_picture_of_another_size_is_left_out(tmp_path):
    project = project_with_people(tmp_path, 1)
    select_batch(project, 1)
    export_labels(project, tmp_path / "a.json", "coco")
    text = (tmp_path / "a.json").read_text().replace(f'"width":{SIZE[1]}', '"width":640')
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(ProjectError, match="640 x 96 in the file"):
        import_labels(project, tmp_path / "b.json", "coco", "ben")


def test_bad_files_are_refused_in_a_sentence(tmp_path):
    bad = tmp_path / "bad"
    for name, content in (
        ("coco", "{}"),
        ("coco", '{"images": [], "annotations": [], "categories": [{"id": 1, "keypoints": ["wing"]}]}'),
        ("cvat-xml", "<annotations><image/></annotations>"),
        ("cvat-xml", '<!DOCTYPE x [<!ENTITY a "aaaa">]><annotations/>'),
        ("cvat-xml", "<other/>"),
        ("label-studio", '{"a": 1}'),
        ("label-studio", '[{"data": {"image": "a.png"}, "annotations": [{"result": [{"id": 1}]}]}]'),
    ):
        bad.write_text(content)
        with pytest.raises(ProjectError):
            reader(name)(bad)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    for name in ("cvat-coco", "cvat-xml"):
        with pytest.raises(ProjectError, match="holds no"):
            reader(name)(tmp_path / "empty.zip")
    with pytest.raises(ProjectError, match="allowed: coco"):
        reader("yolo")


def test_what_label_studio_does_with_files_is_understood(tmp_path):
    """Served local files, tasks that were cancelled, people without a box."""
    create_project(tmp_path / "project", pictures(tmp_path / "photos" / "a b", 1)).close()
    project = open_project(tmp_path / "project")
    size = {"original_width": SIZE[1], "original_height": SIZE[0]}
    point = {"type": "keypointlabels", "from_name": "point", "to_name": "image", **size}
    results = [
        point | {"id": "1", "value": {"x": 50.0, "y": 25.0, "width": 1, "keypointlabels": ["spine_03"]}},
        point | {"id": "2", "value": {"x": 10.5, "y": 75.0, "width": 1, "keypointlabels": ["nose"]}},
        {"id": "2", "type": "choices", "from_name": "visibility", "value": {"choices": ["hidden"]}},
    ]
    task = {"data": {"img": "/data/local-files/?d=photos/a%20b/photo_00.png"}}
    task["annotations"] = [{"result": results}, {"result": [], "was_cancelled": True}]
    (tmp_path / "a.json").write_text(json.dumps([task]))
    assert import_labels(project, tmp_path / "a.json", "label-studio", "ben").new == 1
    points = project.person(first_person(project)).corrected
    names = spinetrack().names
    assert points[names.index("spine_03")].tolist() == [64.0, 24.0, 2.0, 1.0]
    assert points[names.index("nose")].tolist() == [13.44, 72.0, 1.0, 1.0]


def tool_project(tmp_path):
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "tool_photo.png"), np.zeros((200, 300, 3), np.uint8))
    create_project(tmp_path / "project", tmp_path / "photos").close()
    return open_project(tmp_path / "project")


def test_a_file_written_by_datumaro(tmp_path):
    """CVAT's COCO Keypoints 1.0 is written by this library; see data/make_tool_files.py."""
    truth = np.load(TOOLS / "tool_people.npy")
    project = tool_project(tmp_path)
    done = import_labels(project, TOOLS / "datumaro_coco.json", "cvat-coco", "tool")
    assert (done.people, done.new) == (2, 2)
    found = sorted((project.person(i).corrected for i in project.people(1)), key=lambda p: p[0, 0])
    for said, true in zip(found, truth, strict=True):
        assert np.array_equal(said[:, 2], true[:, 2])
        assert np.abs(said[:, :2] - true[:, :2]).max() < 0.01


def test_a_file_written_by_label_studios_converter(tmp_path):
    """It rounds to whole pixels, knows no hidden points, and writes our own export of one person."""
    truth = np.load(TOOLS / "tool_people.npy")[0]
    project = tool_project(tmp_path)
    done = import_labels(project, TOOLS / "label_studio_coco.json", "coco", "tool")
    assert (done.people, done.new) == (1, 1)
    said = project.person(1).corrected
    assert np.array_equal(said[:, 2] > 0, truth[:, 2] > 0)
    assert np.abs(said[:, :2] - truth[:, :2]).max() <= 0.5
    assert import_labels(project, TOOLS / "tool_tasks.json", "label-studio", "tool").new == 0
    assert np.abs(project.person(1).corrected[:, :3] - truth).max() < 1e-3
