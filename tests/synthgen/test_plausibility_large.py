"""A large dataset is judged in parts, and the parts say what the whole would have said."""

import collections

import fake_source
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import synthgen.table
from synthgen import plausibility_large, report_figures
from synthgen.config import Config, with_values
from synthgen.dataset import read_dataset
from synthgen.plausibility_large import broken_limits, spread_material
from synthgen.render import render_dataset
from synthgen.review import review


@pytest.fixture(autouse=True)
def plain_figures(monkeypatch):
    """Plots take seconds and are tested with the page."""
    monkeypatch.setattr(report_figures, "figures", lambda report: collections.defaultdict(str))


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Twelve poses in row groups of two, two of them beyond a limit."""
    config = with_values(Config(), poses=12, width=64, height=48, poses_per_subject=4)
    root = render_dataset(config, tmp_path / "d", workers=0, source=fake_source.SOURCE).root
    path = root / "kinematics.parquet"
    table = pq.read_table(path)
    values = table["L4_L5_FE"].to_numpy().copy()
    values[[5, 9]] = 2.0
    at = table.column_names.index("L4_L5_FE")
    pq.write_table(table.set_column(at, table.schema.field(at), pa.array(values)), path, row_group_size=2)
    monkeypatch.setattr(plausibility_large, "PART", 2)
    monkeypatch.setattr(plausibility_large, "ROW_GROUP", 2)
    return root


def test_parts_count_what_the_whole_counts(root, monkeypatch):
    whole = review(root)
    assert whole.hard_violations > 0
    count, violations = broken_limits(read_dataset(root))
    assert count == whole.hard_violations
    assert violations[0].coordinate == "L4_L5_FE" and violations[0].where == "picture 5"
    monkeypatch.setattr(plausibility_large, "MOST", 4)
    parts = review(root)
    assert parts.hard_violations == whole.hard_violations and parts.first.startswith("L4_L5_FE 114.6 deg")


def test_the_report_is_of_a_spread(root):
    material = spread_material(read_dataset(root), most=4)
    assert [record["image_id"] for record in material.poses.provenance] == [0, 1, 10, 11]
    assert material.summary["judged in full"] == "4 of 12 poses; limits: all"


def test_a_table_by_groups_is_the_table(root):
    whole = synthgen.table.read_table(root / "kinematics.parquet")
    some = synthgen.table.read_table(root / "kinematics.parquet", [1, 2])
    assert some["image_id"].tolist() == whole["image_id"].tolist()[2:6]
    assert (some["q"] == whole["q"][2:6]).all()
