"""OpenSim's frames against an independent numpy reference, signs of every coordinate, and the speed promised."""

from __future__ import annotations

import time

import numpy as np
import pytest

from biomech.anatomy import BODIES, COORDINATES, JOINTS, LEVELS, body_index, coordinate_index
from biomech.errors import ModelError
from biomech.geometry import invert
from biomech.kinematics import forward_kinematics, landmarks_world
from biomech.kinematics_numpy import axis_rotation, forward_kinematics_numpy
from biomech.model import build_model, default_geometry


@pytest.fixture(scope="module")
def model():
    return build_model(default_geometry())


@pytest.fixture(scope="module")
def random_q(model):
    rng = np.random.default_rng(7)
    q = rng.uniform(model.hard[:, 0], model.hard[:, 1], (64, len(COORDINATES)))
    q[:, 3:6] *= 0.01
    return q


def posed(model, **degrees):
    q = np.zeros((1, len(COORDINATES)))
    for name, value in degrees.items():
        q[0, coordinate_index(name)] = np.deg2rad(value)
    return forward_kinematics(model, q)


def test_agrees_with_the_numpy_reference(model, random_q):
    opensim = forward_kinematics(model, random_q).world_from_body
    reference = forward_kinematics_numpy(model.geometry, random_q)
    np.testing.assert_allclose(opensim, reference, atol=1e-9)


def test_reference_can_give_a_few_bodies_only(model, random_q):
    some = forward_kinematics_numpy(model.geometry, random_q, ("toes_l", "hand_r"))
    every = forward_kinematics_numpy(model.geometry, random_q)
    np.testing.assert_array_equal(some, every[:, [body_index("toes_l"), body_index("hand_r")]])


def test_zero_coordinates_are_the_neutral_frames(model):
    np.testing.assert_allclose(posed(model).world_from_body[0], model.geometry.neutral_frames(), atol=1e-10)


def test_frames_are_rigid(model, random_q):
    frames = forward_kinematics(model, random_q).world_from_body
    np.testing.assert_allclose(invert(frames) @ frames, np.broadcast_to(np.eye(4), frames.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(frames[..., :3, :3]), 1.0, atol=1e-9)


def test_bone_lengths_do_not_depend_on_the_pose(model, random_q):
    frames = forward_kinematics(model, random_q)
    thigh = np.linalg.norm(frames.of("tibia_r")[:, :3, 3] - frames.of("femur_r")[:, :3, 3], axis=1)
    np.testing.assert_allclose(thigh, 0.2425 * model.geometry.stature, atol=1e-9)


def test_moving_the_pelvis_moves_everything_rigidly(model, random_q):
    still = random_q.copy()
    still[:, :6] = 0.0
    frames, moved = (forward_kinematics(model, q).world_from_body for q in (still, random_q))
    np.testing.assert_allclose(moved, moved[:, :1] @ frames, atol=1e-9)


def test_equal_values_left_and_right_give_the_mirrored_pose(model, random_q):
    q = random_q.copy()
    q[:, :6] = 0.0
    for i, name in enumerate(COORDINATES):
        if name.endswith(("_LB", "_AR")):
            q[:, i] = 0.0
        if name.endswith("_l"):
            q[:, i] = q[:, coordinate_index(name[:-2] + "_r")]
    frames = forward_kinematics(model, q)
    mirror = np.diag([1.0, 1.0, -1.0, 1.0])
    for body in BODIES:
        if body.endswith("_l"):
            continue
        other = body[:-2] + "_l" if body.endswith("_r") else body
        np.testing.assert_allclose(frames.of(other), mirror @ frames.of(body) @ mirror, atol=1e-9, err_msg=body)


def test_spine_mirrors_when_bending_and_rotation_change_sign(model, random_q):
    q = random_q.copy()
    q[:, :6] = 0.0
    flip = np.array([-1.0 if name.endswith(("_LB", "_AR")) else 1.0 for name in COORDINATES])
    mirror = np.diag([1.0, 1.0, -1.0, 1.0])
    right, left = (forward_kinematics(model, poses).of("skull") for poses in (q, q * flip))
    np.testing.assert_allclose(left, mirror @ right @ mirror, atol=1e-9)


# coordinate, degrees, body whose origin moves, axis of the move in world, sign
SIGNS = [
    ("hip_flexion_r", 30, "tibia_r", "x", 1), ("hip_flexion_l", 30, "tibia_l", "x", 1),
    ("hip_adduction_r", 20, "tibia_r", "z", -1), ("hip_adduction_l", 20, "tibia_l", "z", 1),
    ("hip_rotation_r", 30, "toes_r", "z", -1), ("hip_rotation_l", 30, "toes_l", "z", 1),
    ("knee_angle_r", 60, "talus_r", "x", -1), ("ankle_angle_l", 15, "toes_l", "y", 1),
    ("clav_prot_r", 20, "humerus_r", "x", 1), ("clav_prot_l", 20, "humerus_l", "x", 1),
    ("clav_elev_r", 20, "humerus_r", "y", 1), ("clav_elev_l", 20, "humerus_l", "y", 1),
    ("shoulder_elv_r", 60, "ulna_r", "z", 1), ("shoulder_elv_l", 60, "ulna_l", "z", -1),
    ("elbow_flexion_r", 60, "hand_r", "x", 1), ("elbow_flexion_l", 60, "hand_l", "x", 1),
    ("L3_L4_FE", 5, "skull", "x", -1), ("L3_L4_LB", 5, "skull", "z", 1), ("C4_C5_FE", -10, "skull", "x", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "body", "axis", "sign"), SIGNS)
def test_positive_means_what_the_name_says(model, name, value, body, axis, sign):
    k = "xyz".index(axis)
    before = model.geometry.neutral_frames()[body_index(body), k, 3]
    after = posed(model, **{name: value}).of(body)[0, k, 3]
    assert sign * (after - before) > 0.004


# coordinate, degrees, body, its local direction, world direction it should turn to, at least this cosine share
TURNS = [
    ("L3_L4_AR", 10, "skull", (1, 0, 0), (0, 0, -1)), ("pro_sup_r", 90, "hand_r", (0, 0, 1), (1, 0, 0)),
    ("pro_sup_l", 90, "hand_l", (0, 0, -1), (1, 0, 0)), ("shoulder_rot_r", 60, "ulna_r", (1, 0, 0), (0, 0, -1)),
    ("shoulder_rot_l", 60, "ulna_l", (1, 0, 0), (0, 0, 1)), ("wrist_flex_r", 60, "hand_r", (0, -1, 0), (1, 0, 0)),
    ("wrist_dev_r", 25, "hand_r", (0, -1, 0), (0, 0, -1)), ("wrist_dev_l", 25, "hand_l", (0, -1, 0), (0, 0, 1)),
    ("mtp_angle_r", 30, "toes_r", (1, 0, 0), (0, 1, 0)), ("subtalar_angle_r", 20, "calcn_r", (0, -1, 0), (0, 0, -1)),
    ("subtalar_angle_l", 20, "calcn_l", (0, -1, 0), (0, 0, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "body", "local", "world"), TURNS)
def test_positive_turns_the_right_way(model, name, value, body, local, world):
    rotation = posed(model, **{name: value}).of(body)[0, :3, :3]
    assert (rotation @ np.array(local)) @ np.array(world) > 0.5 * np.sin(np.deg2rad(value))


def test_shoulder_swing_does_not_twist(model):
    """elv_angle chooses the plane only: the arm swings about a horizontal axis, whatever the plane."""
    for plane in (-60, 0, 45, 90):
        rotation = posed(model, elv_angle_r=plane, shoulder_elv_r=80).of("humerus_r")[0, :3, :3]
        azimuth = np.deg2rad(plane)
        axis = (-np.cos(azimuth), 0.0, np.sin(azimuth))
        np.testing.assert_allclose(rotation, axis_rotation(axis, np.array(np.deg2rad(80.0))), atol=1e-4)
    hanging = posed(model, elv_angle_r=77, shoulder_elv_r=0).of("humerus_r")[0, :3, :3]
    np.testing.assert_allclose(hanging, np.eye(3), atol=1e-4)


def test_forward_and_sideways_arms(model):
    forward = posed(model, elv_angle_r=90, shoulder_elv_r=90)
    arm = forward.of("ulna_r")[0, :3, 3] - forward.of("humerus_r")[0, :3, 3]
    np.testing.assert_allclose(arm / np.linalg.norm(arm), [1, 0, 0], atol=1e-4)
    sideways = posed(model, shoulder_elv_l=90)
    arm = sideways.of("ulna_l")[0, :3, 3] - sideways.of("humerus_l")[0, :3, 3]
    np.testing.assert_allclose(arm / np.linalg.norm(arm), [0, 0, -1], atol=1e-4)


def test_level_order_is_z_then_x_then_y(model):
    values = {"L2_L3_FE": -10, "L2_L3_LB": 7, "L2_L3_AR": 3}
    frames = posed(model, **values)
    relative = invert(frames.of("L3"))[0, :3, :3] @ frames.of("L2")[0, :3, :3]
    neutral = model.geometry.parent_from_joint[body_index("L2"), :3, :3]
    z, x, y = (np.array(np.deg2rad(float(v))) for v in values.values())
    turned = axis_rotation((0, 0, 1), z) @ axis_rotation((1, 0, 0), x) @ axis_rotation((0, 1, 0), y)
    np.testing.assert_allclose(relative, neutral @ turned, atol=1e-9)


def test_each_coordinate_moves_its_own_subtree_only(model):
    neutral = model.geometry.neutral_frames()
    parents = {joint.body: joint.parent for joint in JOINTS}
    for level, child in zip(LEVELS, BODIES[2:27], strict=True):
        frames = posed(model, **{f"{level}_AR": 1.0}).world_from_body[0]
        for i, body in enumerate(BODIES):
            above = body
            while above not in (child, "ground"):
                above = parents[above]
            moved = np.abs(frames[i] - neutral[i]).max() > 1e-6
            assert moved == (above == child), (level, body)


def test_one_pose_equals_the_same_pose_in_a_batch(model, random_q):
    batch = forward_kinematics(model, random_q[:5]).world_from_body
    for k in range(5):
        np.testing.assert_array_equal(forward_kinematics(model, random_q[k : k + 1]).world_from_body[0], batch[k])


def test_landmarks_follow_their_bodies(model, random_q):
    frames = forward_kinematics(model, random_q[:3])
    points = landmarks_world(model, frames)
    assert points.shape == (3, len(model.geometry.landmarks), 3)
    names = [landmark.name for landmark in model.geometry.landmarks]
    np.testing.assert_allclose(points[:, names.index("T7_centre")], frames.of("T7")[:, :3, 3], atol=1e-12)


def test_an_empty_batch_is_no_error(model):
    assert forward_kinematics(model, np.zeros((0, len(COORDINATES)))).world_from_body.shape == (0, len(BODIES), 4, 4)


@pytest.mark.parametrize("shape", [(113,), (2, 112), (2, 2, 113)])
def test_wrong_shapes_are_refused(model, shape):
    with pytest.raises(ModelError, match=r"\(B, 113\)"):
        forward_kinematics(model, np.zeros(shape))


def test_a_nan_is_refused_by_row_and_column(model):
    q = np.zeros((3, len(COORDINATES)))
    q[2, 40] = np.nan
    with pytest.raises(ModelError, match="column 40 of pose 2"):
        forward_kinematics(model, q)


def test_unknown_body_names_the_known(model):
    with pytest.raises(ModelError, match="known ones"):
        posed(model).of("tail")


def test_is_fast_enough(model, random_q):
    """2,000 poses a second on a free core; a quarter of it here, because test machines are busy."""
    q = np.tile(random_q, (4, 1))
    forward_kinematics(model, q[:8])
    start = time.process_time()
    forward_kinematics(model, q)
    assert len(q) / (time.process_time() - start) > 500.0
