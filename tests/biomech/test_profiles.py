"""Limits and posture follow age, sex and training; adults up to 45 have the table's."""

import numpy as np
import pytest

from biomech.activities import sample_pose
from biomech.anatomy import COORDINATES, SPINE_SLICE, coordinate_index
from biomech.cobb import cobb_angle
from biomech.curvature import neutral_vertebrae, with_rest
from biomech.errors import ModelError
from biomech.geometry import default_geometry
from biomech.limits import REGION_AXES, load_limits
from biomech.model import build_model
from biomech.profiles import limits_for, posture_age, posture_change, profiles
from biomech.rhythm import regional_angles


@pytest.mark.parametrize("age", [18, 30, 45])
@pytest.mark.parametrize("sex", ["m", "f"])
def test_adults_have_the_table(sex, age):
    mine, table = limits_for(sex, age), load_limits()
    for name in ("hard", "regional_hard", "regional_typical"):
        assert np.array_equal(getattr(mine, name), getattr(table, name))
    assert np.array_equal(mine.typical[SPINE_SLICE], table.typical[SPINE_SLICE])  # sex moves limbs alone
    for anyone in (5, 90):
        assert limits_for(sex, anyone, "adult") is table


def test_motion_shrinks_steadily_and_smoothly_with_age():
    ages = np.arange(18.0, 95.0, 0.5)
    width = np.array([np.ptp(limits_for("f", a).regional_hard, axis=1) for a in ages])
    steps = np.diff(width, axis=0)
    assert (steps <= 1e-12).all()
    assert np.abs(np.diff(steps, axis=0)).max() < np.deg2rad(0.15)  # no kink
    flexion = REGION_AXES.index("lumbar_FE")
    assert limits_for("m", 90).regional_hard[flexion, 0] == pytest.approx(0.55 * np.deg2rad(-60))  # Troke 40/73
    assert np.array_equal(limits_for("m", 80).regional_hard[2], load_limits().regional_hard[2])  # rotation stays


@pytest.mark.parametrize("profile", profiles())
@pytest.mark.parametrize("age", [0.0, 7.0, 13.0, 52.0, 71.0, 99.0])
def test_every_profile_is_whole(profile, age):
    for sex in "mf":
        mine = limits_for(sex, age, profile)
        assert (mine.hard[:, 0] <= mine.typical[:, 0]).all() and (mine.typical[:, 1] <= mine.hard[:, 1]).all()
        assert (mine.typical[:, 0] <= mine.typical[:, 1]).all()
        assert (mine.spine_hard[..., 0] < 0).all() and (mine.spine_hard[..., 1] > 0).all()
        room = regional_angles(mine.spine_hard[..., 1].reshape(-1))
        assert (mine.regional_hard[:, 1] <= room + np.deg2rad(15)).all()


def test_children_women_and_athletes_move_further():
    table, hip = load_limits(), coordinate_index("hip_rotation_r")
    assert (
        limits_for("m", 7).hard[coordinate_index("hip_flexion_l"), 0] < table.hard[coordinate_index("hip_flexion_l"), 0]
    )
    assert limits_for("f", 30).typical[hip, 1] > table.typical[hip, 1] > limits_for("m", 30).typical[hip, 1]
    athlete = limits_for("m", 25, "athlete")
    assert (np.ptp(athlete.hard, axis=1) >= np.ptp(table.hard, axis=1) - 1e-12).all()
    outward = coordinate_index("shoulder_rot_l")
    assert athlete.hard[outward, 0] == pytest.approx(np.deg2rad(-125))
    assert limits_for("m", 25, "elder").hard[coordinate_index("shoulder_elv_r"), 1] < np.deg2rad(175)


def test_poses_of_an_old_person_stay_in_his_own_limits():
    limits = limits_for("f", 82)
    model = build_model(default_geometry(1.6, "f", 82), limits)
    for k, name in enumerate(("bend_forward", "extend", "side_bend", "twist", "reach")):
        q = sample_pose(model, name, np.random.default_rng(k)).q
        assert (q >= limits.hard[:, 0] - 1e-9).all() and (q <= limits.hard[:, 1] + 1e-9).all()
        regional = regional_angles(q[SPINE_SLICE])
        assert (np.abs(regional) <= np.abs(limits.regional_hard).max(axis=1) + np.deg2rad(1)).all()
    assert len(q) == len(COORDINATES)


def test_the_back_rounds_with_age():
    geometry = default_geometry()

    def kyphosis(age, own=0.0):
        bent = with_rest(geometry, posture_change(geometry, age, own))
        return np.degrees(cobb_angle(neutral_vertebrae(bent), "T4", "T12", "sagittal"))

    assert not posture_change(geometry, 45.0).changes
    young = kyphosis(30)
    assert kyphosis(70) == pytest.approx(young + 11.0, abs=0.3)  # a study's means at 15-40 and 61-80
    assert young < kyphosis(55) < kyphosis(85)
    assert kyphosis(70, np.deg2rad(4.0)) == pytest.approx(young + 7.0, abs=0.3)
    assert kyphosis(70, np.deg2rad(30.0)) == pytest.approx(young, abs=0.3)
    assert posture_age(40, "elder") == 70 and posture_age(80, "adult") == 30 and posture_age(52, "auto") == 52


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: limits_for("x", 30), "wanted 'm' or 'f'"),
        (lambda: limits_for("m", -1), "wanted 0 to 120 years"),
        (lambda: limits_for("m", float("nan")), "age nan"),
        (lambda: limits_for("m", 30, "gymnast"), "known ones are auto, adult, child, elder, athlete"),
        (lambda: posture_change(default_geometry(), 200), "wanted 0 to 120 years"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(ModelError) as raised:
        call()
    assert said in str(raised.value)
