"""The verdict on a dataset: clean on plausible angles, and naming exactly the angle that was corrupted."""

import json

import fake_source
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biomech.errors import DatasetError
from synthgen.config import Config, with_values
from synthgen.dataset import read_dataset
from synthgen.render import render_dataset
from synthgen.review import pose_batch, review, summary_of


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
    assert verdict.hard_violations == 0 and verdict.first == "" and verdict.report.is_file()
    written = json.loads(verdict.report.with_suffix(".json").read_text())
    assert written["dataset"]["digest"] == read_dataset(root).info["digest"]
    assert {r["name"] for r in written["report"]["residuals"]} == {"spine", "limbs"}
    assert len(written["report"]["provenance"]["model_digest"]) == 2


def test_a_corrupted_angle_is_named(root, tmp_path):
    import shutil

    copy = shutil.copytree(root, tmp_path / "copy")
    corrupt(copy, "L4_L5_FE", 3, 1.0)
    verdict = review(copy)
    assert verdict.hard_violations >= 1
    assert verdict.first.startswith("L4_L5_FE 57.3 deg, limit ")
    hard = json.loads(verdict.report.with_suffix(".json").read_text())["report"]["hard"]
    assert [(v["coordinate"], v["count"], v["pose"]) for v in hard] == [("L4_L5_FE", 1, 3)]


def test_batch_and_summary(root):
    dataset = read_dataset(root)
    batch = pose_batch(dataset)
    assert len(batch) == 8 and [p["image_id"] for p in batch.provenance] == list(range(8))
    np.testing.assert_array_equal(batch.q, dataset.table()["q"])
    assert sum(summary_of(dataset)["keypoints"].values()) == 8 * 37


def test_no_dataset(tmp_path):
    with pytest.raises(DatasetError):
        review(tmp_path)
