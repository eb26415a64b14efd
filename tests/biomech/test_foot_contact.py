"""Feet that stand stay where they are; floors that move are found out."""

from __future__ import annotations

import numpy as np
import pytest

from biomech.anatomy import COORDINATES, coordinate_index
from biomech.floor import POINTS, floor_drift, lowest_point, sole_points
from biomech.foot_contact import hold_feet
from biomech.geometry import default_geometry
from biomech.limits import load_limits

GEOMETRY = default_geometry()
LIMITS = load_limits()
TIMES = np.arange(120) / 60.0


def standing(frames: int = 120) -> np.ndarray:
    q = np.zeros((frames, len(COORDINATES)))
    for side in "rl":
        q[:, coordinate_index(f"hip_flexion_{side}")] = 0.35
        q[:, coordinate_index(f"knee_angle_{side}")] = 0.70
        q[:, coordinate_index(f"ankle_angle_{side}")] = 0.35
    q[:, 4] = 0.3 - lowest_point(GEOMETRY, q)[0]  # 0.3 m above the floor
    return q


def test_a_motion_comes_down_to_the_floor():
    held = hold_feet(GEOMETRY, TIMES, standing(), LIMITS)
    assert held.contacts.all()
    assert np.abs(sole_points(GEOMETRY, held.q)[..., 1]).max() < 0.005
    assert held.drift == 0.0 and not held.belt.any()


def test_sliding_feet_are_held():
    q = standing()
    q[:, 3] += 0.01 * np.sin(2 * np.pi * 1.5 * TIMES)  # the whole body sways a centimetre
    held = hold_feet(GEOMETRY, TIMES, q, LIMITS)
    assert held.slide_before > 0.005
    assert held.slide_after < 0.2 * held.slide_before
    assert ((held.q[:, 6:] >= LIMITS.hard[6:, 0] - 1e-9) & (held.q[:, 6:] <= LIMITS.hard[6:, 1] + 1e-9)).all()


def test_toes_straighten_no_faster_than_toes_do():
    q = standing()
    push = np.clip((TIMES - 0.9) / 0.1, 0.0, 1.0)  # heel off within a tenth of a second, then the foot leaves
    for side in "rl":
        q[:, coordinate_index(f"ankle_angle_{side}")] -= 0.9 * push
    q[:, 4] += 0.12 * push + np.where(TIMES > 1.05, 0.3, 0.0)
    toes = hold_feet(GEOMETRY, TIMES, q, LIMITS).q[:, coordinate_index("mtp_angle_r")]
    assert np.rad2deg(toes.max()) > 15.0
    assert np.abs(np.diff(np.rad2deg(toes), n=2)).max() < 5.0


def test_a_jump_leaves_the_floor():
    q = standing()
    flight = np.clip(np.sin(np.pi * (TIMES - 0.8) / 0.4), 0.0, None) * ((TIMES > 0.8) & (TIMES < 1.2))
    q[:, 4] += 0.25 * flight
    held = hold_feet(GEOMETRY, TIMES, q, LIMITS)
    up = flight > 0.5
    assert not held.contacts[up].any() and held.contacts[:40].all() and held.contacts[-30:].all()
    assert lowest_point(GEOMETRY, held.q)[up].min() > 0.1
    assert held.drift == 0.0  # a jump is no drift


def test_a_treadmill_is_carried_over_ground():
    q = standing()
    step = (TIMES // 1.0).astype(int) % 2
    for side, k in (("r", 0), ("l", 1)):
        q[step == k, coordinate_index(f"knee_angle_{side}")] += 0.9  # the other foot is in the air
        q[step == k, coordinate_index(f"ankle_angle_{side}")] -= 0.2
    q[:, 3] -= 1.2 * (TIMES % 1.0)  # the belt takes the standing foot back, the step brings it forward
    held = hold_feet(GEOMETRY, TIMES, q, LIMITS)
    assert held.belt[0] == pytest.approx(-1.2, abs=0.1) and abs(held.belt[1]) < 0.05
    assert held.contacts.any(axis=1).mean() > 0.7
    assert held.slide_after < 0.02


def test_a_floor_that_climbs_is_levelled():
    times = np.arange(600) / 60.0
    q = standing(600)
    q[:, 4] += 0.3 * times / times[-1]
    held = hold_feet(GEOMETRY, times, q, LIMITS)
    assert held.drift == pytest.approx(0.3, abs=0.05)
    assert np.abs(lowest_point(GEOMETRY, held.q)).max() < 0.06
    assert not floor_drift(np.zeros(600), 60.0).any()


def test_points_are_landmarks_of_the_model():
    assert set(POINTS) <= {mark.name for mark in GEOMETRY.landmarks}
