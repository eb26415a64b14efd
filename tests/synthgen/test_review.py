"""The verdict on a dataset: clean on plausible angles, and naming exactly the angle that was corrupted."""

import collections
import json
import shutil

import fake_source
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biomech.errors import DatasetError, ModelError
from biomech.geometry import default_geometry
from biomech.limits import load_limits
from biomech.osim_geometry import read_geometry
from biomech.osim_xml import write_osim
from biomech.plausibility import Person
from synthgen import report_figures
from synthgen.config import Config, with_values
from synthgen.dataset import read_dataset
from synthgen.plausibility_dataset import asked_of, dataset_material, limits_of, people_of, skeletons_of, summary_of
from synthgen.render import render_dataset
from synthgen.review import review


@pytest.fixture(autouse=True)
def plain_figures(monkeypatch):
    """Plots take seconds and are tested with the page."""
    monkeypatch.setattr(report_figures, "figures", lambda report: collections.defaultdict(str))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    config = with_values(Config(), poses=8, width=64, height=48, poses_per_subject=4)
    return render_dataset(config, tmp_path_factory.mktemp("data"), workers=0, source=fake_source.SOURCE).root


def corrupt(root, coordinate, row, value):
    path = root / "kinematics.parquet"
    table = pq.read_table(path)
    values = table[coordinate].to_numpy().copy()
    values[row] = value
    at = table.column_names.index(coordinate)
    pq.write_table(table.set_column(at, table.schema.field(at), pa.array(values)), path)


def test_plausible_angles_are_clean(root):
    verdict = review(root)
    assert (
        verdict.hard_violations == 0 and verdict.first == "" and verdict.report == root / "report" / "plausibility.html"
    )
    written = json.loads(verdict.report.with_suffix(".json").read_text())
    assert written["input"]["digest"] == read_dataset(root).info["digest"]
    assert {r["name"] for r in written["report"]["residuals"]} == {"spine", "limbs"}
    assert len(written["report"]["provenance"]["model_digest"]) == 2
    assert written["report"]["provenance"]["seed"] == 0 and not written["report"]["motion"]


def test_a_corrupted_angle_is_named(root, tmp_path):
    copy = shutil.copytree(root, tmp_path / "copy")
    corrupt(copy, "L4_L5_FE", 3, 1.0)
    verdict = review(copy)
    assert verdict.hard_violations >= 1
    assert verdict.first.startswith("L4_L5_FE 57.3 deg, limit ")
    hard = json.loads(verdict.report.with_suffix(".json").read_text())["report"]["hard"]
    assert [(v["coordinate"], v["count"], v["pose"]) for v in hard] == [("L4_L5_FE", 1, 3)]
    assert hard[0]["where"] == "picture 3, subject 0"


def test_material_and_summary(root):
    dataset = read_dataset(root)
    material = dataset_material(dataset)
    assert len(material.poses) == 8 and [p["image_id"] for p in material.poses.provenance] == list(range(8))
    np.testing.assert_array_equal(material.poses.q, dataset.table()["q"])
    assert sum(summary_of(dataset)["keypoints"].values()) == 8 * 37
    assert material.evidence.skeletons == () and material.evidence.where[5] == "picture 5, subject 1"


def test_people_their_limits_and_their_pathology():
    table = {"spec_line": np.array([0, 1]), "subject": np.array([4, 7]), "profile": np.array(["adult", "elder"])}
    table["instance_id"] = np.array([1, 2])
    who = {"sex": "f", "age": 80.0, "stature": 1.6, "bmi": 24.0}
    sick = {"kind": "scoliosis_main_thoracic", "severity": 30.0, "side": "right"}
    ill = {"actors": [{"person": {}}, {"person": {"subject": who, "pathology": sick}}]}
    people = people_of(table, [{"person": {"subject": who}}, ill])
    assert people[1] == Person(7, "f", 80.0, 1.6, 24.0, "elder")
    own, of = limits_of(people, "", [None, sick])
    assert of.tolist() == [0, 1] and own[0].hard is load_limits().hard
    assert own[1].profile == "elder with scoliosis_main_thoracic"
    assert (own[1].spine_hard <= own[0].spine_hard + 1e-12)[:, :, 1].all() and not np.allclose(own[1].hard, own[0].hard)
    assert limits_of((Person(1), Person(2)), "") == ((), None)
    assert [each.profile for each in limits_of((Person(1),), "child")[0]] == ["child"]
    with pytest.raises(ModelError, match="unknown profile 'giant'"):
        limits_of((Person(1),), "giant")
    nan = float("nan")
    table |= {"pathology": np.array(["", sick["kind"]]), "severity": np.array([nan, 30.0])}
    (asked,) = asked_of({**table, "severity_measured": np.array([nan, 29.0])})
    assert (asked.subject, asked.unit, asked.asked, asked.found) == (7, "deg", 30.0, 29.0)
    assert asked_of(table) == ()


def test_skeletons_are_read_back_from_the_models(tmp_path):
    geometry = default_geometry(1.62, "f", 70)
    text = write_osim(geometry, None, load_limits().hard)
    found = read_geometry(text, stature=1.62, sex="f", age=70)
    np.testing.assert_allclose(found.parent_from_joint, geometry.parent_from_joint, atol=1e-9)
    np.testing.assert_allclose(found.body_from_joint, geometry.body_from_joint, atol=1e-9)
    with pytest.raises(ModelError, match="lacks the frame"):
        read_geometry(text[: len(text) // 2], stature=1.62)
    with pytest.raises(ModelError, match="wanted three numbers"):
        read_geometry(
            text.replace("<translation>0 0 0</translation>", "<translation>0 0</translation>", 1), stature=1.6
        )
    (tmp_path / "subjects").mkdir()
    (tmp_path / "subjects" / "000004.osim").write_text(text)
    people = (Person(4, "f", 70.0, 1.62), Person(4, "f", 70.0, 1.62))
    skeletons, of = skeletons_of(tmp_path, people)
    assert len(skeletons) == 1 and of.tolist() == [0, 0]
    assert skeletons_of(tmp_path, (*people, Person(5, "f", 70.0, 1.62))) == ((), None)


def test_no_dataset(tmp_path):
    with pytest.raises(DatasetError):
        review(tmp_path)
