"""Names, order and tables of the skeleton."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from biomech.anatomy import (
    BODIES,
    COORDINATES,
    JOINTS,
    LEVELS,
    PARENTS,
    REGION_SLICES,
    REGIONS,
    SPINE_BODIES,
    SPINE_COORDINATES,
    SPINE_SLICE,
    TRANSLATIONS,
    VERTEBRAE,
    body_index,
    coordinate_index,
    level_of,
    load_anatomy,
    read_table,
    region_of,
)
from biomech.errors import ModelError, SynthgenError


def test_vertebrae_and_levels_run_caudal_to_cranial():
    assert len(VERTEBRAE) == 24 and VERTEBRAE[0] == "L5" and VERTEBRAE[-1] == "C1"
    assert len(LEVELS) == 25
    assert LEVELS[:2] == ("L5_S1", "L4_L5") and LEVELS[5] == "T12_L1" and LEVELS[-2:] == ("C1_C2", "C0_C1")


def test_regions_cover_the_levels_once_in_order():
    assert sum(REGIONS.values(), ()) == LEVELS
    for name, part in REGION_SLICES.items():
        assert LEVELS[part] == REGIONS[name]
    assert region_of("T12_L1") == "thoracic" and region_of("L1_L2") == "lumbar" and region_of("C7_T1") == "cervical"


def test_bodies_and_coordinates_count_and_are_unique():
    assert len(BODIES) == len(set(BODIES)) == 49
    assert len(COORDINATES) == len(set(COORDINATES)) == 6 + 75 + 2 * 16
    assert COORDINATES[SPINE_SLICE] == SPINE_COORDINATES
    assert len(SPINE_BODIES) == 26


def test_each_joint_hangs_its_body_below_an_earlier_one():
    assert tuple(joint.body for joint in JOINTS) == BODIES
    assert PARENTS[0] == -1
    assert all(parent < i for i, parent in enumerate(PARENTS))


def test_every_coordinate_belongs_to_one_joint():
    owners = [joint.name for joint in JOINTS for _ in joint.coordinates]
    assert len(owners) == len(COORDINATES)
    assert JOINTS[0].coordinates[3:] == TRANSLATIONS


def test_level_of_tells_spine_from_limbs():
    assert level_of("L4_L5_FE") == "L4_L5"
    assert level_of("knee_angle_r") is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda: level_of("L9_L8_FE"),
        lambda: body_index("tail"),
        lambda: coordinate_index("x"),
        lambda: region_of("S2_S3"),
    ],
)
def test_unknown_names_are_refused_with_the_known_ones(ask):
    with pytest.raises(ModelError, match="known ones are"):
        ask()
    assert issubclass(ModelError, SynthgenError)


def test_every_number_of_the_tables_has_unit_source_and_confidence():
    for path in sorted(files("biomech").joinpath("data").iterdir(), key=lambda p: p.name):
        if path.name not in {f"{t}.csv" for t in ("anatomy", "limits", "rhythm", "coupling", "norms", "landmarks",
                                                  "capsules")}:  # fmt: skip
            continue
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        assert rows, path.name
        for row in rows:
            assert all(row[k] and row[k].strip() for k in ("unit", "source", "confidence")), (path.name, row)
            assert None not in row and None not in row.values(), (path.name, row)


def test_anatomy_table_has_a_row_per_vertebra_and_level():
    facts = load_anatomy()
    for table in ("body_height", "spinous_back", "spinous_up"):
        assert tuple(facts[table]) == VERTEBRAE
    for table in ("disc_height", "wedge"):
        assert tuple(facts[table]) == LEVELS


def test_mass_fractions_make_a_whole_body():
    facts = load_anatomy()
    for sex in "mf":
        parts = {key: fact.value for key, fact in facts[f"mass_{sex}"].items()}
        trunk = sum(parts[k] for k in ("lower_trunk", "mid_trunk", "upper_trunk", "head_neck"))
        limbs = sum(parts[k] for k in ("thigh", "shank", "foot", "upper_arm", "forearm", "hand"))
        assert trunk + 2 * limbs == pytest.approx(1.0, abs=2e-3)


def test_unknown_table_is_not_silently_empty():
    with pytest.raises(FileNotFoundError):
        read_table("no_such_table")
