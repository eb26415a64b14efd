"""Three rigid segments spread over 25 levels, and motion brought inside its limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from biomech.anatomy import COORDINATES, SPINE_SLICE, coordinate_index
from biomech.errors import MotionError
from biomech.geometry import default_geometry
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.limits import load_limits
from biomech.motion_clamp import clamp_motion
from biomech.rhythm import distribute, regional_angles
from biomech.trunk import THORAX, angle_between, fit_trunk, neutral_rotations

LIMITS = load_limits()
GEOMETRY = default_geometry()


def shown(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    q = np.zeros((len(targets), len(COORDINATES)))
    q[:, SPINE_SLICE] = distribute(targets, LIMITS)
    frames = forward_kinematics_numpy(GEOMETRY, q, (THORAX, "skull"))[..., :3, :3]
    rest = neutral_rotations(GEOMETRY)
    return frames[:, 0] @ rest[0].T, frames[:, 1] @ rest[1].T


def test_what_was_measured_is_shown_wherever_the_person_faces():
    rng = np.random.default_rng(0)
    cap = LIMITS.regional_hard
    thorax, head = shown(0.6 * rng.uniform(cap[:, 0], cap[:, 1], (40, 9)))
    pelvis = Rotation.random(40, random_state=1).as_matrix()
    found = fit_trunk(GEOMETRY, pelvis, pelvis @ thorax, pelvis @ head, LIMITS)
    assert np.rad2deg(found.thorax_error).max() < 0.5
    assert np.rad2deg(found.head_error).max() < 2.0
    hard = LIMITS.hard[SPINE_SLICE]
    assert ((found.q >= hard[:, 0] - 1e-9) & (found.q <= hard[:, 1] + 1e-9)).all()


def test_flexion_is_mostly_lumbar_and_twist_mostly_thoracic():
    turns = Rotation.from_euler("ZXY", [[-30, 0, 0], [0, 0, 20]], degrees=True).as_matrix()
    still = np.tile(np.eye(3), (2, 1, 1))
    found = np.rad2deg(fit_trunk(GEOMETRY, still, turns, turns, LIMITS).regions)
    assert found[0, 0] < 1.5 * found[0, 3] < 0.0
    assert found[1, 5] > 2.0 * found[1, 2] > 0.0


def test_a_full_region_hands_the_rest_to_the_other():
    turn = Rotation.from_euler("ZXY", [[0, 0, 38]], degrees=True).as_matrix()
    found = fit_trunk(GEOMETRY, np.eye(3)[None], turn, turn, LIMITS)
    lumbar, thoracic = np.rad2deg(found.regions[0, [2, 5]])
    cap = np.rad2deg(LIMITS.regional_hard[[2, 5], 1])
    assert lumbar + thoracic > 38.0 - 1.0 and lumbar <= cap[0] + 1.0 and thoracic <= cap[1] + 1.0
    far = Rotation.from_euler("ZXY", [[0, 0, 90]], degrees=True).as_matrix()
    lost = fit_trunk(GEOMETRY, np.eye(3)[None], far, far, LIMITS)
    assert 20.0 < np.rad2deg(lost.thorax_error[0]) < 60.0  # said, not hidden


def test_an_unknown_segment_is_named():
    still = np.tile(np.eye(3), (2, 1, 1))
    with pytest.raises(MotionError, match="head is unknown"):
        fit_trunk(GEOMETRY, still, still, np.full((2, 3, 3), np.nan), LIMITS)
    assert angle_between(np.eye(3), Rotation.from_euler("x", 0.3).as_matrix()) == pytest.approx(0.3)


def test_overflow_of_a_level_goes_to_its_region():
    q = np.zeros((3, len(COORDINATES)))
    column = coordinate_index("L4_L5_FE")
    q[1, column] = LIMITS.hard[column, 0] - np.deg2rad(8.0)
    found = clamp_motion(q, LIMITS)
    assert found.counts == {"L4_L5_FE": 1}
    assert ((found.q >= LIMITS.hard[:, 0] - 1e-9) & (found.q <= LIMITS.hard[:, 1] + 1e-9)).all()
    np.testing.assert_allclose(regional_angles(found.q[:, SPINE_SLICE]), regional_angles(q[:, SPINE_SLICE]), atol=1e-9)
    np.testing.assert_allclose(found.unmet, 0.0, atol=1e-9)


def test_what_no_level_can_take_is_reported():
    q = np.zeros((1, len(COORDINATES)))
    q[0, coordinate_index("L4_L5_FE")] = np.deg2rad(-150.0)
    found = clamp_motion(q, LIMITS)
    kept = regional_angles(found.q[:, SPINE_SLICE])[0, 0]
    assert kept + found.unmet[0, 0] == pytest.approx(np.deg2rad(-150.0)) and found.unmet[0, 0] < -0.5


def test_limbs_are_cut_and_the_pelvis_is_wrapped():
    q = np.zeros((1, len(COORDINATES)))
    q[0, coordinate_index("knee_angle_r")] = 4.0
    q[0, coordinate_index("pelvis_rotation")] = 4.0
    found = clamp_motion(q, LIMITS)
    assert found.q[0, coordinate_index("knee_angle_r")] == LIMITS.hard[coordinate_index("knee_angle_r"), 1]
    assert found.q[0, coordinate_index("pelvis_rotation")] == pytest.approx(4.0 - 2 * np.pi)
    assert found.share == pytest.approx(1 / len(COORDINATES))
