import numpy as np
import pytest

from biomech.anatomy import BODIES
from biomech.collision import (
    allowance,
    capsule_pairs,
    contact_rules,
    penetration,
    segment_distance,
    segment_of,
    self_penetration,
)
from biomech.errors import ModelError
from biomech.kinematics import BodyFrames
from biomech.model import Capsule, build_model, default_geometry


@pytest.fixture(scope="module")
def model():
    return build_model(default_geometry(1.75))


def rod(name, body, start, end, radius):
    return Capsule(name, body, np.array(start, float), np.array(end, float), radius)


def frames(count=1):
    return np.tile(np.eye(4), (count, len(BODIES), 1, 1))


def test_segment_distance_of_known_pairs():
    zero, x, y = np.zeros(3), np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    assert segment_distance(zero, x, y, y + x) == pytest.approx(1.0)  # parallel
    crossing = np.array([0.5, 0.3, -1]), np.array([0.5, 0.3, 1])
    assert segment_distance(zero, x, *crossing) == pytest.approx(0.3)
    assert segment_distance(zero, x, np.array([3.0, 0, 0]), np.array([4.0, 0, 0])) == pytest.approx(2.0)  # in line
    assert segment_distance(zero, zero, y, y) == pytest.approx(1.0)  # points


def test_segment_distance_agrees_with_brute_force():
    rng = np.random.default_rng(0)
    ends = rng.normal(size=(4, 200, 3))
    t = np.linspace(0, 1, 201)
    fast = segment_distance(*ends)
    for k in range(200):
        a = ends[0, k] + t[:, None] * (ends[1, k] - ends[0, k])
        b = ends[2, k] + t[:, None] * (ends[3, k] - ends[2, k])
        brute = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1)).min()
        assert fast[k] <= brute + 1e-9 and fast[k] == pytest.approx(brute, abs=0.02)


def test_known_overlap_and_known_miss():
    a = rod("arm", "radius_r", [0, 0, 0], [0, -0.2, 0], 0.05)
    through = rod("shin", "tibia_l", [-0.1, -0.1, 0.03], [0.1, -0.1, 0.03], 0.05)
    away = rod("shin", "tibia_l", [-0.1, -0.1, 0.2], [0.1, -0.1, 0.2], 0.05)
    pairs = capsule_pairs((a, through), BODIES)
    soft = allowance("radius_r", "tibia_l")
    assert penetration(pairs, frames())[0, 0] == pytest.approx(0.05 + 0.05 - 0.03 - soft)
    assert penetration(capsule_pairs((a, away), BODIES), frames())[0, 0] == 0.0


def test_depth_follows_the_frames():
    a, b = rod("a", "hand_r", [0, 0, 0], [0, 0, 0], 0.05), rod("b", "calcn_l", [0, 0, 0], [0, 0, 0], 0.05)
    batch = frames(2)
    batch[1, BODIES.index("hand_r"), :3, 3] = 1.0
    depth = penetration(capsule_pairs((a, b), BODIES), batch)[:, 0]
    assert depth[0] > 0 and depth[1] == 0


def test_neighbours_are_not_tested_and_strangers_are():
    assert allowance("femur_r", "tibia_r") == np.inf
    assert allowance("L4", "L2") == np.inf
    assert allowance("radius_r", "humerus_r") == np.inf
    assert np.isfinite(allowance("radius_r", "T8"))
    assert np.isfinite(allowance("femur_r", "femur_l"))
    assert allowance("hand_r", "hand_l") == allowance("hand_l", "hand_r")


def test_every_rule_names_segments_and_a_reason():
    known = {segment_of(body)[0] for body in BODIES}
    for rule in contact_rules():
        assert {rule.a, rule.b} <= known and rule.side in ("any", "same", "other")
        assert rule.reason and rule.allowance > 0


def test_unknown_bodies_are_refused():
    with pytest.raises(ModelError, match="tail"):
        segment_of("tail")
    with pytest.raises(ModelError, match="tail"):
        capsule_pairs((rod("t", "tail", [0, 0, 0], [0, 1, 0], 0.1),), BODIES)


def test_upright_body_is_clear_and_an_arm_through_the_chest_is_not(model):
    from biomech.kinematics import forward_kinematics

    q = np.zeros((2, len(model.coordinates)))
    at = model.coordinates.index
    q[:, at("shoulder_elv_r")] = q[:, at("shoulder_elv_l")] = np.radians(12)
    q[1, at("elbow_flexion_r")], q[1, at("shoulder_rot_r")] = np.radians(80), np.radians(88)
    found = self_penetration(model, forward_kinematics(model, q))
    assert found.worst()[0] == 0.0
    assert found.worst()[1] > 0.02
    first, second = found.pairs[int(found.depth[1].argmax())]
    assert "_r" in first + second


def test_self_penetration_takes_frames_by_name(model):
    bodies = tuple(reversed(BODIES))
    found = self_penetration(model, BodyFrames(frames(), bodies))
    assert found.depth.shape == (1, len(found.pairs))
