"""Skinning laws, and how well the skin follows its vertebrae."""

import numpy as np
import pytest
from measure_rig import EXTREMES, posture_residuals, spine_pose
from scipy.spatial.transform import Rotation

from biomech.anatomy import BODIES, coordinate_index
from biomech.kinematics import forward_kinematics
from biomech.model import build_model
from scenes.column import triangles
from scenes.rig import DRIVERS, skin, skin_transforms
from scenes.subject import build_subject
from synthgen.annotate import anchor_keypoints
from synthgen.keypoints import spinetrack
from tests.scenes.people import PLAIN, random_spec


@pytest.fixture(scope="module")
def subject(body):
    return build_subject(body, PLAIN)


@pytest.fixture(scope="module")
def model(subject):
    return build_model(subject.geometry)


def test_rest_is_the_identity(subject):
    posed = skin(subject.rig.weights, subject.vertices, skin_transforms(subject.rig, subject.rig.rest_world_from_body))
    assert np.abs(posed - subject.vertices).max() < 1e-6


def test_rigid_motion_of_the_skeleton_is_a_rigid_motion_of_the_skin(subject):
    rigid = np.eye(4)
    rigid[:3, :3] = Rotation.from_euler("xyz", [0.4, -1.2, 2.0]).as_matrix()
    rigid[:3, 3] = [0.3, -2.0, 5.0]
    transforms = skin_transforms(subject.rig, rigid @ subject.rig.rest_world_from_body)
    posed = skin(subject.rig.weights, subject.vertices, transforms)
    expected = subject.vertices @ rigid[:3, :3].T + rigid[:3, 3]
    assert np.abs(posed - expected).max() < 1e-6


def test_weights_are_a_partition_of_unity(subject):
    weights = subject.rig.weights
    np.testing.assert_allclose(np.asarray(weights.sum(1)), 1.0, atol=1e-9)
    assert weights.min() >= 0
    assert weights.shape[1] == len(DRIVERS)


def test_opensim_neutral_spine_is_the_mesh_at_rest(subject, model):
    """Zero coordinates: no translation is lost between OpenSim and the mesh along the whole trunk."""
    frames = forward_kinematics(model, np.zeros((1, len(model.coordinates)))).world_from_body[0]
    rest = subject.skeleton.rest_world_from_body
    trunk = [BODIES.index(name) for name in BODIES[:27]]
    relative = np.linalg.inv(rest[0]) @ rest[trunk]
    np.testing.assert_allclose(frames[trunk], relative, atol=1e-7)


def test_left_side_mirrors_the_right(subject):
    """The mesh is symmetric, so the seated skeleton is: mirror in the sagittal plane, frames included."""
    rest, mirror = subject.skeleton.rest_world_from_body, np.diag([1.0, 1.0, -1.0, 1.0])
    for row, name in enumerate(BODIES):
        if name.endswith("_r"):
            twin = rest[BODIES.index(f"{name[:-2]}_l")]
            np.testing.assert_allclose(mirror @ rest[row] @ mirror, twin, atol=2e-3, err_msg=name)


def test_limbs_keep_their_lengths(subject, model):
    q = np.zeros(len(model.coordinates))
    for name, degrees in (("shoulder_elv_r", 80), ("elv_angle_r", 40), ("elbow_flexion_r", 90), ("hip_flexion_l", 70)):
        q[coordinate_index(name)] = np.deg2rad(degrees)
    frames = forward_kinematics(model, q[None]).world_from_body[0]
    rest = subject.skeleton.rest_world_from_body
    for a, b in (("humerus_r", "ulna_r"), ("ulna_r", "hand_r"), ("femur_l", "tibia_l"), ("tibia_l", "talus_l")):
        i, j = BODIES.index(a), BODIES.index(b)
        length = np.linalg.norm(frames[i, :3, 3] - frames[j, :3, 3])
        assert length == pytest.approx(np.linalg.norm(rest[i, :3, 3] - rest[j, :3, 3]), abs=1e-6)


def test_flexion_turns_the_right_way(subject, model):
    """Elbow flexion brings the hand forward, hip flexion the knee, lumbar flexion the head."""

    def moved(coordinate: str, degrees: float, body: str) -> np.ndarray:
        q = np.zeros((2, len(model.coordinates)))
        q[1, coordinate_index(coordinate)] = np.deg2rad(degrees)
        frames = forward_kinematics(model, q).of(body)
        return frames[1, :3, 3] - frames[0, :3, 3]

    for side in "rl":
        assert moved(f"elbow_flexion_{side}", 60, f"hand_{side}")[0] > 0.1
        assert moved(f"hip_flexion_{side}", 60, f"tibia_{side}")[0] > 0.1
        assert moved(f"knee_angle_{side}", 60, f"talus_{side}")[0] < -0.1
    assert moved("L4_L5_FE", -10, "skull")[0] > 0.05
    assert moved("T6_T7_LB", 5, "skull")[2] > 0.01


def test_skin_follows_its_vertebra(body):
    """Posterior midline skin against the same point carried rigidly, at the extremes of each plane."""
    rng = np.random.default_rng(3)
    schema = spinetrack()
    found = []
    for spec in [PLAIN] + [random_spec(rng) for _ in range(5)]:
        subject = build_subject(body, spec)
        found += posture_residuals(subject, anchor_keypoints(subject, schema), tuple(EXTREMES.values()))
    assert max(row["skin_mean"] for row in found) < 1.5e-3
    assert max(row["skin_worst"] for row in found) < 8e-3
    assert max(row["marker_worst"] for row in found) < 2e-3


def test_extreme_flexion_keeps_the_trunk_whole(body, subject, model):
    frames = forward_kinematics(model, spine_pose(EXTREMES["flexion 50/25/30"])[None]).world_from_body[0]
    posed = skin(subject.rig.weights, subject.vertices, skin_transforms(subject.rig, frames))
    faces = triangles(body.quads)

    def volume(points: np.ndarray) -> float:
        a, b, c = (points[faces[:, k]] for k in range(3))
        return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)

    assert volume(posed) / volume(subject.vertices) == pytest.approx(1.0, abs=0.08)
