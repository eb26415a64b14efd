"""The outside judge: an expert that agrees scores one, one that errs is caught, and the report says so."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spinepose_material
from people_on_disk import edit, write_set
from typer.testing import CliRunner

from biomech.errors import AssetError, DatasetError
from synthgen.keypoints import BODY_IDS, spinetrack

pytest.importorskip("torch", reason="torch is not installed")

from synthgen.spinepose import judge_groups, judge_report
from synthgen.spinepose.judge import (
    SHARED,
    concerns,
    figures,
    judge,
    reference_source,
    rendered_source,
)
from synthgen.spinepose.judge_misses import KINDS
from synthgen.spinepose.judge_upright import ask_upright, lean
from synthgen.spinepose.offsets import per_keypoint
from synthgen.spinepose.sources import SourceConfig, load_source


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return load_source("people", SourceConfig(str(write_set(tmp_path_factory.mktemp("set"), 8))))


class Knows:
    """Gives the labels of whom it is shown, changed by `change(points, number)`; NaN where BlazePose has no point."""

    name, digest = "oracle", "0"

    def __init__(self, source, change=lambda points, number: points, person=0.9, apart=0.01):
        self.source, self.change, self.person, self.apart, self.shown = source, change, person, apart, []

    def __call__(self, image, box):
        assert image.dtype == np.uint8 and image.flags["C_CONTIGUOUS"]
        number = int(np.flatnonzero((self.source.boxes == box).all(1))[0])
        self.shown.append(number)
        known = np.isin(np.arange(37), SHARED)
        points = self.change(self.source.keypoints[number, :, :2].astype(float).copy(), number)
        return SimpleNamespace(
            points=np.where(known[:, None], points, np.nan),
            apart=np.where(known, self.apart, np.nan),
            presence=np.where(known, 0.9, 0.0),
            person=self.person,
        )


def test_who_agrees_scores_one_and_misses_nothing(source):
    found = judge(source, Knows(source))
    for name in ("oks", "oks_seen", "oks_upright", "oks_feet", "oks_shared"):
        np.testing.assert_allclose(getattr(found, name), 1)
    data = figures(found)
    assert set(data["misses"]) == set(KINDS) and not any(data["misses"].values())
    assert data["open_people"] == 8 and data["oks_open"] == pytest.approx(1) and concerns(data) == []
    assert len(data["keypoints"]) == 21 and {row["error"] for row in data["keypoints"]} == {0}


def test_the_expert_sees_the_picture_as_opencv_reads_it(source):
    class Looks(Knows):
        def __call__(self, image, box):
            said = super().__call__(image, box)
            theirs = cv2.imread(source.images[self.shown[-1]])
            assert np.abs(image.astype(int) - theirs).mean() < 1
            return said

    assert len(judge(source, Looks(source)).rows) == 8


def upside_down(points, number):
    middle = points.mean(0)
    return 2 * middle - points


def far(points, number):
    return points + (60, 0)


def swapped(points, number):
    return points[spinetrack().flip] * (1, 1)


@pytest.mark.parametrize(
    ("change", "given", "kind"),
    [
        (far, {"person": 0.2}, "nobody seen"),
        (far, {"apart": 0.2}, "unsure in the mirror"),
        (far, {}, "elsewhere"),
        (upside_down, {}, "upside down"),
    ],
)
def test_kinds_of_miss(source, change, given, kind):
    found = judge(source, Knows(source, change, **given))
    assert (found.oks < 0.5).all() and set(found.miss.tolist()) == {kind}


def test_sides_taken_for_each_other(source):
    wide = source.keypoints.copy()
    wide[..., 0] = 80 + 3 * (wide[..., 0] - 80)  # stick people are narrow
    object.__setattr__(copy := load_source("people", source.config), "keypoints", wide)
    found = judge(copy, Knows(copy, swapped))
    assert (found.miss == "sides swapped").sum() >= 6 and found.oks.mean() < 0.5


def test_somebody_else_in_the_picture(tmp_path):
    path = write_set(tmp_path, 2)

    def together(data):
        left, right = data["annotations"]
        right["image_id"] = left["image_id"]
        right["keypoints"][::3] = [x + 60 for x in right["keypoints"][::3]]
        right["bbox"][0] += 60

    pair = load_source("pair", SourceConfig(str(edit(path, together))))
    found = judge(pair, Knows(pair, lambda points, number: pair.keypoints[1, :, :2].astype(float)))
    assert found.miss.tolist() == ["somebody else", ""]


def test_hidden_points_count_apart(tmp_path):
    path = write_set(tmp_path, 4)

    def hide(data):
        for a in data["annotations"][:2]:
            for k in BODY_IDS[5:11]:  # the arms
                a["keypoints"][3 * k + 2] = 1

    people = load_source("people", SourceConfig(str(edit(path, hide))))

    def arms_off(points, number):
        points[list(BODY_IDS[5:11])] += 50
        return points

    found = judge(people, Knows(people, arms_off))
    assert (found.oks < 0.7).all()
    np.testing.assert_allclose(found.oks_seen[:2], 1)
    assert (found.oks_seen[2:] < 0.7).all() and found.open.tolist() == [False, False, True, True]
    data = figures(found)
    assert data["labels"]["hidden"] == pytest.approx(6 / 17 / 2) and data["labels"]["none"] == 0
    rows = {row["name"]: row for row in data["keypoints"]}
    assert rows["left_wrist"]["count"] == 2 and rows["nose"]["count"] == 4


@pytest.mark.parametrize("turn", [60, 100, 180, -90])
def test_who_lies_is_shown_upright_and_the_answer_comes_back(source, turn):
    angle = np.radians(turn)
    labels = source.keypoints[0].astype(float)
    labels[:, :2] = (labels[:, :2] - (75, 95)) @ np.array(
        [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    )
    labels[:, :2] += 120
    x, y = labels[0, :2]
    rows, columns = np.mgrid[:240, :240]
    dot = np.hypot(columns - x, rows - y) < 4  # where the nose is
    picture = np.repeat(np.where(dot, 255, 0).astype(np.uint8)[..., None], 3, -1)

    def finds(image, box):
        seen = np.argwhere(image[..., 0] > 100)[:, ::-1].mean(0)
        assert seen[1] < box[1] + box[3] / 4 and abs(seen[0] - box[0] - box[2] / 2) < 15  # the head is on top
        return SimpleNamespace(points=np.tile(seen, (37, 1)))

    assert np.degrees(lean(labels)) == pytest.approx(turn, abs=5) or abs(turn) == 180
    np.testing.assert_allclose(ask_upright(finds, picture, labels)[0], (x, y), atol=0.5)
    labels[5, 2] = 0
    assert lean(labels) == 0


def test_turning_counts_only_for_who_leans(tmp_path):
    path = write_set(tmp_path, 3)

    def lay(data):
        flat = data["annotations"][1]["keypoints"]
        flat[::3], flat[1::3] = [y - 10 for y in flat[1::3]], [100 + x / 3 for x in flat[::3]]

    people = load_source("people", SourceConfig(str(edit(path, lay))))

    class Upright(Knows):
        def __call__(self, image, box):
            if (self.source.boxes == box).all(1).any():
                return super().__call__(image, box)
            return SimpleNamespace(points=np.zeros((37, 2)))

    found = judge(people, Upright(people))
    np.testing.assert_allclose(found.oks, 1)
    assert found.oks_upright[[0, 2]].tolist() == [1, 1] and found.oks_upright[1] < 0.5


def test_offsets_of_feet_have_a_side(source):
    """The 21 shared points are not in the order of COCO's: each must find its own counterpart."""
    ids, labels = list(SHARED), source.keypoints[:, list(SHARED)]
    points = labels[..., :2].astype(float)
    at = ids.index(spinetrack().id_of("left_big_toe"))
    points[:, at, 0] += 5  # the left is on the picture's right
    row = per_keypoint(points, labels, source.boxes, source.areas, SHARED)[at]
    assert row["name"] == "left_big_toe" and row["out"] * source.boxes[:, 2:].max(1).mean() == pytest.approx(5, abs=0.3)


def test_a_limit_spreads_and_the_small_are_left_out(tmp_path, source):
    assert judge(source, Knows(source), limit=3).rows.tolist() == [0, 4, 7]
    path = write_set(tmp_path, 4)

    def shrink(data):
        data["annotations"][1]["bbox"][2:] = [20.0, 59.0]
        data["annotations"][2]["keypoints"] = [0.0] * 3 * 13 + data["annotations"][2]["keypoints"][39:]

    people = load_source("people", SourceConfig(str(edit(path, shrink))))
    found = judge(people, Knows(people))
    assert found.rows.tolist() == [0, 3] and found.left_out == 2

    def all_small(data):
        for a in data["annotations"]:
            a["bbox"][2:] = [20.0, 50.0]

    nobody = load_source("people", SourceConfig(str(edit(path, all_small))))
    with pytest.raises(DatasetError, match="has nobody to judge: of its 4 people none"):
        judge(nobody, Knows(nobody))


def test_marks_that_are_missed_are_named(source):
    found = judge(source, Knows(source, far))
    object.__setattr__(found, "slices", {"view": np.array(["back"] * 6 + ["front"] * 2)})
    said = concerns(figures(found), people=5)
    assert len(said) == 2 and said[0].startswith("OKS of unoccluded people") and "wanted 0.80 (8 people)" in said[0]
    assert said[1].startswith("view 'back': OKS 0.") and "(6 people, too few to count)" in said[1]
    assert concerns(figures(found)) == said[:1]


def test_the_report_is_self_contained_and_the_same_every_time(source, tmp_path):
    def half(points, number):
        return far(points, number) if number in (2, 5) else points

    pages = []
    for name in ("a", "b"):
        found = judge(source, Knows(source, half))
        data = judge_report.report(found, judge(source, Knows(source)), ("oracle", "0"))
        page = judge_report.write_report(data, found, tmp_path / name)
        pages.append([(tmp_path / name / f).read_bytes() for f in ("judge.html", "judge.json", "judge_worst.jpg")])
        assert page == tmp_path / name / "judge.html"
    assert pages[0] == pages[1]
    html, data = pages[0][0].decode(), json.loads(pages[0][1])
    assert html.count("data:image/jpeg;base64,") == 8 and "http" not in html and 'src="judge' not in html
    assert {e["annotation_id"] for e in data["worst"][:2]} == {3, 6} and data["worst"][0]["miss"] == "elsewhere"
    assert data["photographs"]["oks"] == 1 and data["rendered"]["people"] == 8 and len(data["people"]) == 8
    text = judge_report.summary(data)
    assert "photographs" in text and "2 elsewhere" in text and "nan" not in text


def test_a_large_slice_below_the_floor_gets_a_sheet_of_its_worst(source, tmp_path, monkeypatch):
    def half(points, number):
        return far(points, number) if number < 5 else points

    monkeypatch.setattr("synthgen.spinepose.judge.FLOOR_PEOPLE", 5)
    found = judge(source, Knows(source, half))
    object.__setattr__(found, "slices", {"activity": np.array(["Long jump"] * 5 + ["front"] * 3)})
    data = judge_report.report(found)
    assert [(row["slice"], row["group"], row["people"]) for row in data["flagged"]] == [("activity", "Long jump", 5)]
    judge_report.write_report(data, found, tmp_path)
    sheet = cv2.imread(str(tmp_path / "judge_worst_activity-long-jump.jpg"))
    one = cv2.imread(str(tmp_path / "judge_worst.jpg"))
    assert sheet.shape == one.shape  # two rows of four, for five people and for eight
    assert "judge_worst_activity-long-jump.jpg" in judge_report.summary(data)
    assert "judge_worst_activity-long-jump.jpg" in (tmp_path / "judge.html").read_text()
    monkeypatch.setattr("synthgen.spinepose.judge.FLOOR_PEOPLE", 6)
    assert judge_report.report(found)["flagged"] == []


def test_a_face_turned_away_covers_nobody():
    labels = np.full((3, 37, 3), 2.0)
    labels[0, :5, 2] = 1  # from behind
    labels[1, list(judge_groups.JOINTS[:3]), 2] = 1
    labels[2, 0, 2] = 0  # cut off
    assert judge_groups.is_open(labels).tolist() == [True, False, False]


def rendered(folder, count=4):
    """A set as far as the judge reads one, with the truth's own part replaced."""
    write_set(folder / "images" / "val", count)
    (folder / "annotations").mkdir()
    (folder / "images" / "val" / "people.json").rename(folder / "annotations" / "person_keypoints_val.json")
    table = {"annotation_id": list(range(1, count + 1)), "spec_line": [n // 2 for n in range(count)]}
    pq.write_table(pa.table(table), folder / "kinematics.parquet")
    specs = [
        {"backdrop": {"kind": "room"}, "light": {"kind": "sky", "name": ""}, "camera": {"crop": "none"}},
        {"backdrop": {"kind": "hdri"}, "light": {"kind": "hdri", "name": "dawn"}, "camera": {"crop": "edge"}},
    ]
    (folder / "scenes.jsonl").write_text("".join(json.dumps({"spec": s}) + "\n" for s in specs))
    return folder


def test_people_are_grouped_by_the_scene_they_stand_in(tmp_path, monkeypatch):
    truth = SimpleNamespace(slices={"activity": np.array(["squat", "stand", "no longer known", "stand"])})
    monkeypatch.setattr(judge_groups, "load_truth", lambda source: truth)
    source = rendered_source(rendered(tmp_path / "set"), "val")
    found = judge_groups.groups(source, np.array([3, 1]))
    assert found["backdrop"].tolist() == ["hdri", "room"] and found["framing"].tolist() == ["edge", "whole"]
    assert found["light map"].tolist() == ["dawn", "none"] and found["camera"].tolist() == ["none", "none"]
    assert found["activity group"].tolist() == ["upright", "upright"]
    assert judge_groups.groups(source, np.array([2]))["activity group"].tolist() == ["other"]


def test_scenes_of_several_people_and_cameras(tmp_path, monkeypatch):
    truth = SimpleNamespace(slices={"activity": np.array(["squat"] * 4)})
    monkeypatch.setattr(judge_groups, "load_truth", lambda source: truth)
    folder = rendered(tmp_path / "set")
    cameras = [{"mount": "drone", "crop": "none"}, {"mount": "phone", "crop": "edge"}]
    both = {"actors": [{}, {"crowd": True}, {"crowd": False}], "cameras": cameras, "backdrop": {"kind": "gym"}}
    lines = [both | {"view": 1, "occluders": [{}]}, both | {"view": 0, "actors": [{}], "occluders": []}]
    (folder / "scenes.jsonl").write_text("".join(json.dumps({"spec": s}) + "\n" for s in lines))
    found = judge_groups.groups(rendered_source(folder, "val"), np.array([0, 3]))
    assert found["camera"].tolist() == ["phone", "drone"] and found["framing"].tolist() == ["edge", "whole"]
    assert found["company"].tolist() == ["two people", "alone"] and found["objects"].tolist() == ["occluders", "none"]
    assert found["backdrop"].tolist() == ["gym", "gym"] and found["light"].tolist() == ["none", "none"]


def test_folders_that_cannot_be_judged(tmp_path):
    with pytest.raises(DatasetError, match="there is no folder"):
        rendered_source(tmp_path / "nowhere", "val")
    with pytest.raises(DatasetError, match="no finished dataset"):
        rendered_source(tmp_path, "val")
    with pytest.raises(DatasetError, match="no split 'test' in .*; it has val"):
        rendered_source(rendered(tmp_path / "set"), "test")
    with pytest.raises(DatasetError, match="no labelled photographs"):
        reference_source(tmp_path)


def test_the_command_line_fails_in_one_sentence(tmp_path, monkeypatch):
    from synthgen.cli import app

    monkeypatch.setenv("SYNTHGEN_ASSETS", str(tmp_path / "bare"))
    run = CliRunner().invoke(app, ["judge", str(rendered(tmp_path / "set"))])
    assert run.exit_code == 2 and "synthgen assets install blazepose" in run.output
    run = CliRunner().invoke(app, ["judge", str(tmp_path / "nowhere")])
    assert run.exit_code == 2 and run.output.startswith("error: there is no folder") and "Traceback" not in run.output


def test_photographs_score_what_blazepose_is_known_to_reach(tmp_path):
    photos = spinepose_material.labelled_photos()
    from synthgen.spinepose.pseudo_labels import Labeller

    try:
        expert = Labeller("heavy")
    except AssetError as error:
        pytest.skip(str(error))
    found = judge(reference_source(photos), expert, limit=4)
    assert found.oks.mean() > 0.7 and found.person.min() > 0.9 and set(found.slices) == {"size", "occlusion"}
    assert np.isnan(found.oks_feet).all()
