"""Fingers: the mesh's own hand at rest, mirrored sides, and which way each joint goes."""

import numpy as np
import pytest

from biomech.anatomy import BODIES
from scenes.hands import HandPose, Hands, busy_with, curled, draw_hands, flat, grip, pointing, relaxed
from scenes.rig import _FINGER_ROWS, DRIVERS, skin, skin_transforms
from scenes.subject import build_subject
from tests.scenes.people import PLAIN, random_spec


@pytest.fixture(scope="module")
def subject(body):
    return build_subject(body, PLAIN)


def tips(subject, hands: Hands | float) -> dict[str, np.ndarray]:
    """Mean of the skin that follows the outermost bone of each finger, side -> (5, 3) m in the frame of the hand."""
    rest = subject.skeleton.rest_world_from_body
    posed = skin(subject.rig.weights, subject.vertices, skin_transforms(subject.rig, rest, hands))
    found = {}
    for side in "rl":
        frame = np.linalg.inv(rest[BODIES.index(f"hand_{side}")])
        means = []
        for finger in range(1, 6):
            share = subject.rig.weights[:, DRIVERS.index(f"finger{finger}-3_{side}")].toarray().ravel()
            means.append(share @ posed / share.sum())
        found[side] = np.array(means) @ frame[:3, :3].T + frame[:3, 3]
    return found


def test_a_hand_at_rest_is_the_mesh(subject):
    rest = subject.skeleton.rest_world_from_body
    for hands in (Hands(), 0.0, curled(0.0)):
        posed = skin(subject.rig.weights, subject.vertices, skin_transforms(subject.rig, rest, hands))
        assert np.abs(posed - subject.vertices).max() < 1e-9


def test_one_number_still_bends_every_joint_of_the_four_fingers(subject):
    rest = subject.skeleton.rest_world_from_body
    one, many = (skin_transforms(subject.rig, rest, f) for f in (0.4, Hands(*[HandPose(flexion=(0.4,) * 12)] * 2)))
    np.testing.assert_array_equal(one, many)
    moved = np.abs(one - skin_transforms(subject.rig, rest)).max((1, 2)) > 1e-9
    assert {DRIVERS[k].split("-")[0] for k in np.flatnonzero(moved)} == {f"finger{k}" for k in range(2, 6)}


def test_flexion_goes_to_the_palm_and_both_hands_mirror(subject):
    bent = HandPose(flexion=(0.6, 0.0, 0.0) * 4)
    before, after, closed = (tips(subject, Hands(hand, hand)) for hand in (HandPose(), bent, grip(0.7)))
    for side in "rl":
        assert (after[side][1:, 0] > before[side][1:, 0] + 0.015).all()  # x leaves the palm
        assert (closed[side][1:, 1] > before[side][1:, 1] + 0.03).all()  # y points to the wrist
        np.testing.assert_allclose(closed["r"], closed["l"] * [1, 1, -1], atol=4e-3)


def test_the_thumb_opposes_across_the_palm_and_spread_parts_the_fingers(subject):
    before = tips(subject, Hands())
    opposed = tips(subject, Hands(HandPose(opposition=0.6), HandPose(opposition=0.6)))
    spread = tips(subject, Hands(HandPose(spread=0.15), HandPose(spread=0.15)))
    for side in "rl":
        assert opposed[side][0, 0] > before[side][0, 0] + 0.01  # before the palm
        wide, rest = (np.linalg.norm(t[side][1] - t[side][4]) for t in (spread, before))
        assert wide > rest + 0.01


def test_each_hand_does_its_own_and_people_of_other_hands_move_theirs(subject, body):
    """Fingers are kept for a pose that comes again; it is the same person's, and the same side's."""
    bent, straight = HandPose(flexion=(0.7,) * 12), HandPose(flexion=(0.1,) * 12)
    other = build_subject(body, random_spec(np.random.default_rng(4)))

    def fingers(who, hands, side):
        rows = [k for k, name in enumerate(DRIVERS) if name.startswith("finger") and name.endswith(f"_{side}")]
        return skin_transforms(who.rig, who.skeleton.rest_world_from_body, hands)[rows]

    for who in (subject, other):
        for side, mixed in (("r", Hands(bent, straight)), ("l", Hands(straight, bent))):
            np.testing.assert_array_equal(fingers(who, mixed, side), fingers(who, Hands(bent, bent), side))
            away = "l" if side == "r" else "r"
            np.testing.assert_array_equal(fingers(who, mixed, away), fingers(who, Hands(straight, straight), away))
    # a joint stays where it is while it bends, so each person's bend about his own
    for who in (subject, other):
        for side in "rl":
            rows = [DRIVERS.index(f"finger{finger}-1_{side}") for finger in range(1, 6)]
            moved = skin_transforms(who.rig, who.skeleton.rest_world_from_body, Hands(bent, bent))[rows]
            joints = who.rig.finger_joints[_FINGER_ROWS[side]].reshape(5, 3, 3)[:, 0]
            stay = np.einsum("kij,kj->ki", moved[:, :3, :3], joints) + moved[:, :3, 3]
            np.testing.assert_allclose(stay, joints, atol=1e-9)


def test_pointing_leaves_only_the_index_straight():
    hand = pointing(0.9)
    assert max(hand.flexion[:3]) < 0.1 and min(hand.flexion[3:]) > 0.5
    assert max(flat(0.0).flexion) < 0.05 < min(relaxed(0.5).flexion)


def test_the_draw_is_pure_and_follows_what_the_hands_are_busy_with():
    for activity, support in (("stand", "feet"), ("golf", "feet"), ("plank", "hands_feet"), ("punch", "feet")):
        draws = [draw_hands(np.random.default_rng(n), activity, support) for n in range(40)]
        assert draws == [draw_hands(np.random.default_rng(n), activity, support) for n in range(40)]
    names = {draw_hands(np.random.default_rng(n), "stand", "feet").right.name for n in range(80)}
    assert names == {"relaxed", "grip", "flat", "pointing"}
    assert {draw_hands(np.random.default_rng(n), "plank").left.name for n in range(20)} == {"flat"}
    held = draw_hands(np.random.default_rng(0), "lie_supine", holding=("l",))
    assert held.left.name == "grip" and min(held.left.flexion) > 0.3
    assert busy_with("stand", "hands_feet") == "flat" and busy_with("no such activity") == ""
