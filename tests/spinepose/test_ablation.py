"""The tables of comparisons: refused before anything is trained, like for like, and honest about missing labels."""

import types

import numpy as np
import pytest
from people_on_disk import edit, write_set

from biomech.errors import ConfigError

pytest.importorskip("torch", reason="torch is not installed")

import ablation

from synthgen.spinepose.sources import SourceConfig, load_source


def settings(tmp_path, real: int = 4) -> list[str]:
    made = write_set(tmp_path / "made", 10)
    seen = write_set(tmp_path / "seen", real, keypoints=17, seed=1)
    return [
        f"data.sources={{made: {{annotations: {made}}}, seen: {{annotations: {seen}, map: coco17, kind: real}}}}",
        f"data.val={{made: {{annotations: {made}}}, seen: {{annotations: {seen}, map: coco17, kind: real}}}}",
    ]


def test_the_three_rows_differ_in_their_data_only(tmp_path):
    plan = ablation.plan("data", None, settings(tmp_path), tmp_path / "out")
    assert list(plan) == ["generated only", "real only", "mixture"]
    assert {c.schedule.epoch_size for c in plan.values()} == {14}  # the steps of the mixture, for all of them
    assert {n: list(c.training_sources()) for n, c in plan.items()} == {
        "generated only": ["made"], "real only": ["seen"], "mixture": ["made", "seen"],
    }  # fmt: skip
    given = ablation.plan("data", None, [*settings(tmp_path), "schedule.epoch_size=8"], tmp_path / "out")
    assert {c.schedule.epoch_size for c in given.values()} == {8}


def test_a_table_that_cannot_be_filled_is_refused_before_training(tmp_path):
    made, val = settings(tmp_path)
    only_made = made.split(", seen")[0] + "}"
    with pytest.raises(ConfigError, match="'data.use' is real but no source of that kind"):
        ablation.plan("data", None, [only_made, val], tmp_path / "out")
    with pytest.raises(ConfigError, match="data.val holds generated: add data.val.NAME"):
        ablation.plan("data", None, [made, val.split(", seen")[0] + "}"], tmp_path / "out")
    with pytest.raises(ConfigError, match="no teacher; add teacher.backend=blazepose"):
        ablation.plan("losses", None, [made, val], tmp_path / "out")


def test_rows_say_what_they_stand_on(tmp_path):
    settings(tmp_path)
    made = load_source("made", SourceConfig(str(tmp_path / "made" / "people.json")))
    path = edit(tmp_path / "seen" / "people.json", lambda d: d["annotations"][0].update(image_id=1))
    seen = load_source("seen", SourceConfig(str(path), map="coco17", kind="real"))
    stands = ablation.stands_on([made, seen])
    assert stands["pictures"] == 13 and stands["learnt_people"] == 14 and stands["learnt_spines"] == 10
    assert stands["learnt_from"] == "made (generated): 10 pictures, 10 people; seen (real): 3 pictures, 4 people"
    assert ablation.stands_on([seen])["learnt_spines"] == 0


def test_what_has_no_labels_has_no_figure(tmp_path):
    settings(tmp_path)
    seen = load_source("seen", SourceConfig(str(tmp_path / "seen" / "people.json"), map="coco17", kind="real"))
    found = types.SimpleNamespace(
        rows=np.arange(4),
        count=4,
        ap={"body": {"AP": 0.5}, "feet": {"AP": None}, "spine": {"AP": None}, "all": {"AP": 0.0}},
        figures={"spine": float("nan"), "error": 0.25},
        mean_pose={"spine": float("nan")},
    )
    text = ablation.as_text(ablation.line_of("mixture", {}, seen, found))
    assert text["body_AP"] == "0.5000" and text["all_AP"] == "0.0000" and text["error"] == "0.2500"
    assert {text[k] for k in ("feet_AP", "spine_AP", "spine", "mean_pose_spine")} == {"no labels"}
    assert text["measured_on"] == "seen (real)" and text["measured_pictures"] == "4"
