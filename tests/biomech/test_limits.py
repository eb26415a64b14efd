"""Hard and typical ranges, and the regional caps."""

from __future__ import annotations

import numpy as np
import pytest

import biomech.limits as limits_module
from biomech.anatomy import COORDINATES, REGION_SLICES, coordinate_index, read_table
from biomech.errors import ModelError
from biomech.limits import REGION_AXES, load_limits


@pytest.fixture()
def limits():
    return load_limits()


def degrees(limits, name):
    return np.rad2deg(limits.hard[coordinate_index(name)])


def test_shapes_and_nesting(limits):
    assert limits.hard.shape == limits.typical.shape == (len(COORDINATES), 2)
    assert limits.regional_hard.shape == (9, 2)
    assert (limits.hard[:, 0] <= limits.typical[:, 0]).all() and (limits.typical[:, 1] <= limits.hard[:, 1]).all()
    assert (limits.hard[:, 0] <= 0).all() and (limits.hard[:, 1] > 0).all(), "the neutral pose lies in every range"


def test_flexion_is_negative_and_in_radians(limits):
    np.testing.assert_allclose(degrees(limits, "L4_L5_FE"), [-17.8, 3.2])
    np.testing.assert_allclose(degrees(limits, "C0_C1_FE"), [-6.2, 18.8])
    np.testing.assert_allclose(degrees(limits, "C1_C2_AR"), [-40, 40])
    np.testing.assert_allclose(limits.hard[coordinate_index("pelvis_ty")], [-10, 10])


def test_side_bending_and_rotation_are_symmetric(limits):
    spine = limits.spine_hard
    np.testing.assert_array_equal(spine[:, 1:, 0], -spine[:, 1:, 1])


def test_both_sides_share_their_row(limits):
    for name in COORDINATES:
        if name.endswith("_r"):
            left = coordinate_index(name[:-2] + "_l")
            np.testing.assert_array_equal(limits.hard[coordinate_index(name)], limits.hard[left])


def test_levels_together_can_reach_every_cap(limits):
    """Otherwise the cap would be idle and a target inside it unreachable."""
    for r, part in enumerate(REGION_SLICES.values()):
        for axis in range(3):
            total = limits.spine_hard[part, axis].sum(axis=0)
            low, high = limits.regional_hard[3 * r + axis]
            assert total[0] <= low + 1e-12 and total[1] >= high - 1e-12, (REGION_AXES[3 * r + axis], np.rad2deg(total))


def test_thoracic_cap_halves_what_the_levels_allow(limits):
    total = limits.spine_hard[REGION_SLICES["thoracic"]].sum(axis=0)
    flexion_extension = np.ptp(limits.regional_hard[REGION_AXES.index("thoracic_FE")]) / np.ptp(total[0])
    assert flexion_extension < 0.5


def test_arrays_cannot_be_changed_by_accident(limits):
    with pytest.raises(ValueError, match="read-only"):
        limits.hard[0, 0] = 1.0


def test_unknown_profile_names_the_known():
    with pytest.raises(ModelError, match="adult"):
        load_limits("giraffe")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[1:], "no row for L5_S1_FE"),
        (lambda rows: [*rows, rows[0]], "twice"),
        (lambda rows: [{**rows[0], "coordinate": "tail_FE"}, *rows], "tail_FE"),
        (lambda rows: [{**rows[0], "typical_upper": "90"}, *rows[1:]], "hard_lower <="),
        (
            lambda rows: [
                {**rows[0], **dict.fromkeys(("hard_lower", "hard_upper", "typical_lower", "typical_upper"), "0")},
                *rows[1:],
            ],
            "hard_lower <=",
        ),
        (lambda rows: [{**rows[0], "unit": "grad"}, *rows[1:]], "deg or m"),
    ],
)
def test_a_broken_table_is_refused(monkeypatch, change, message):
    rows = read_table("limits")
    monkeypatch.setattr(limits_module, "read_table", lambda name: change(rows))
    with pytest.raises(ModelError, match=message):
        load_limits.__wrapped__("adult")
