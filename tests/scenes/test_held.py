"""Things in hands: where the hands are, and in nobody's body."""

import numpy as np
import pytest

from biomech.activities import ACTIVITIES
from scenes import grips
from scenes.held import FIRST_ID, HOLDS, HeldSpec, build_held, draw_held, finger_curl, flesh_of
from scenes.objects import KINDS, make, shapes
from scenes.occluder import ObjectsConfig
from scenes.renderer import Material, MeshPart
from scenes.rig import PARTS

STATURE = 1.75
ALWAYS = ObjectsConfig(held=1.0)


def hand(at, out, fingers) -> np.ndarray:
    """(4, 4) of a hand body at a wrist, with its palm and fingers pointing so."""
    frame = np.eye(4)
    x, y = np.asarray(out, float), -np.asarray(fingers, float)
    frame[:3, 0], frame[:3, 1], frame[:3, 2], frame[:3, 3] = x, y, np.cross(x, y), at
    return frame


DOWN, BACK, AHEAD, UP = (0, -1, 0), (-1, 0, 0), (1, 0, 0), (0, 1, 0)
HANGING_BACK = {"r": hand((0.3, 0.85, 0.25), BACK, DOWN), "l": hand((0.3, 0.85, -0.25), BACK, DOWN)}
FACING = {"r": hand((0.3, 1.0, 0.2), (0, 0, -1), AHEAD), "l": hand((0.3, 1.0, -0.2), (0, 0, 1), AHEAD)}
AT_SIDES = {"r": hand((0, 0.8, 0.3), (0, 0, -1), DOWN), "l": hand((0, 0.8, -0.3), (0, 0, 1), DOWN)}


def body_part(centre, radius: float, part: str = "trunk") -> MeshPart:
    """A ball of flesh."""
    v, n, f, uv = shapes.ball(radius, 48, 32)
    ids = np.full(len(v), PARTS.index(part), np.uint8)
    points = (v + np.asarray(centre)).astype(np.float32)
    return MeshPart("body", points, n.astype(np.float32), f.astype(np.uint32), None, Material(), ids, 1)


def held(kind: str, hold: str, hands, body=(), which: str = "both", variant: int = 0):
    return build_held(HeldSpec(kind, variant, hold, which, 0.8), hands, STATURE, 207, "me", body)


def points_of(parts) -> np.ndarray:
    return np.concatenate([part.vertices for part in parts])


def test_every_activity_and_object_named_exists():
    assert set(HOLDS) <= set(ACTIVITIES)
    kinds = {kind for choices in HOLDS.values() for kind in choices}
    assert kinds <= set(KINDS) and kinds <= set(ALWAYS.held_kinds)


def test_draws_fit_the_activity_and_depend_on_the_stream_alone():
    for activity in ACTIVITIES:
        first = draw_held(ALWAYS, np.random.default_rng(3), activity)
        assert first == draw_held(ALWAYS, np.random.default_rng(3), activity)
        assert (first is None) == (activity not in HOLDS)
        assert first is None or (first.kind in HOLDS[activity] and first.hold == HOLDS[activity][first.kind][0])


def test_the_share_is_kept_and_a_weight_of_nothing_draws_nothing():
    rng = np.random.default_rng(0)
    share = np.mean([draw_held(ObjectsConfig(), rng, "golf") is not None for _ in range(2000)])
    assert share == pytest.approx(0.35, abs=0.04)
    only = ObjectsConfig(held=1.0, held_kinds={"phone": 1.0})
    assert {draw_held(only, rng, "walk").kind for _ in range(20)} == {"phone"}
    assert draw_held(only, rng, "golf") is None


def test_hands_close_less_round_thicker_things():
    curls = [finger_curl(kind, "handle") for kind in ("golf_club", "racket", "bottle", "basketball")]
    assert curls == sorted(curls, reverse=True) and 0.3 < curls[-1] < curls[0] < 1.2


def test_a_bar_lies_in_both_hands():
    points = points_of(held("barbell", "bar", HANGING_BACK))
    for side in "rl":
        centre = grips.grip_of(side, HANGING_BACK[side], STATURE).centre(0.014)
        near = points[np.abs(points[:, 2] - centre[2]) < 0.06]
        assert np.abs(near[:, :2] - centre[:2]).max() < 0.022
    assert np.ptp(points[:, 2]) > 1.9


def test_hands_that_do_not_share_a_line_hold_no_bar():
    assert held("barbell", "bar", FACING) == ()
    assert held("barbell", "bar", {**HANGING_BACK, "l": hand((0.3, 1.6, -0.25), BACK, DOWN)}) == ()


@pytest.mark.parametrize("side", ["r", "l"])
def test_a_racket_starts_in_the_hand_and_ends_on_the_thumbs_side(side):
    """Hanging hand, palm inward: the thumb points ahead, so does the racket; nothing of it is behind the hand."""
    points = points_of(held("racket", "handle", AT_SIDES, which=side))
    wrist = AT_SIDES[side][:3, 3]
    assert 0.55 < (points[:, 0] - wrist[0]).max() < 0.65 and (points[:, 0] - wrist[0]).min() > -0.12
    assert np.abs(points[:, 2] - wrist[2]).min() < 0.03


def test_a_carton_is_as_wide_as_the_hands_are_apart():
    points = points_of(held("carton", "between", FACING))
    palms = [grips.grip_of(k, FACING[k], STATURE).palm[2] for k in "lr"]
    assert points[:, 2].min() == pytest.approx(palms[0], abs=1e-3)
    assert points[:, 2].max() == pytest.approx(palms[1], abs=1e-3)


def test_both_palms_touch_a_ball():
    near = {"r": hand((0.3, 1.0, 0.13), (0, 0, -1), AHEAD), "l": hand((0.3, 1.0, -0.13), (0, 0, 1), AHEAD)}
    points = points_of(held("basketball", "ball", near))
    middle = (points.min(0) + points.max(0)) / 2
    for side in "rl":
        gap = np.linalg.norm(grips.grip_of(side, near[side], STATURE).palm - middle)
        assert gap == pytest.approx(0.12, abs=0.004)


def test_a_bag_hangs_upright_and_only_from_a_hanging_hand():
    points = points_of(held("shopping_bag", "hang", AT_SIDES, which="r"))
    assert points[:, 1].max() < 0.8 and points[:, 1].min() < 0.3
    assert held("shopping_bag", "hang", FACING, which="r") == ()


def test_a_crutch_reaches_the_floor():
    assert points_of(held("crutch", "crutch", AT_SIDES, which="r"))[:, 1].min() == pytest.approx(0.0, abs=0.005)


def test_a_club_is_shortened_rather_than_sunk():
    low = {"r": hand((0.4, 0.80, 0.03), (0, 0, -1), DOWN), "l": hand((0.4, 0.86, -0.03), (0, 0, 1), DOWN)}
    for frame in low.values():  # thumbs down and ahead, as at address
        tilt = np.array([[0.5, 0.866, 0], [-0.866, 0.5, 0], [0, 0, 1.0]])
        frame[:3, :3] = tilt @ frame[:3, :3]
    parts = held("golf_club", "stick", low)
    assert parts == () or points_of(parts)[:, 1].min() > -0.03


def test_nothing_passes_through_the_holder():
    """A belly in the way of a bar: left out; the same ball of flesh as an arm does not count."""
    assert held("barbell", "bar", HANGING_BACK, [body_part((0.3, 0.76, 0.0), 0.15)]) == ()
    assert held("barbell", "bar", HANGING_BACK, [body_part((0.3, 0.76, 0.0), 0.15, "arm_r")]) != ()
    assert held("barbell", "bar", HANGING_BACK, [body_part((0.0, 0.76, 0.0), 0.15)]) != ()


def test_nothing_sinks_into_the_floor():
    low = {k: v.copy() for k, v in HANGING_BACK.items()}
    for frame in low.values():
        frame[1, 3] = 0.2
    parts = held("barbell", "bar", low)  # large plates do not fit, small ones or none may
    assert parts == () or points_of(parts)[:, 1].min() > -0.02


def test_depth_in_a_ball_is_radius_less_distance():
    flesh = flesh_of([body_part((1.0, 1.0, 1.0), 0.2)])
    rng = np.random.default_rng(0)
    way = rng.standard_normal((50, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    for distance in (0.05, 0.12, 0.19):
        assert flesh.depth(1.0 + distance * way[:1]) == pytest.approx(0.2 - distance, abs=0.006)
    assert flesh.depth(1.0 + 0.21 * way) == 0.0
    assert flesh_of([]) is None


def test_ids_and_keys():
    parts = held("dumbbell", "pair", AT_SIDES)
    assert FIRST_ID == 200 and {p.instance_id for p in parts} == {207}
    assert len({p.key for p in parts}) == len(parts) == 2 * len(make("dumbbell", 0).groups)
    assert all((p.part_id == 0).all() for p in parts)


def test_the_hands_of_a_subject_close_round_what_they_hold(body):
    """On a mesh: a bar in the closed hand runs between palm and fingers, and cuts neither by more than a few mm."""
    from biomech.anatomy import BODIES
    from scenes.rig import DRIVERS, dominant_driver, skin, skin_transforms
    from scenes.subject import build_subject
    from tests.scenes.people import PLAIN

    subject = build_subject(body, PLAIN)
    frames = subject.rig.rest_world_from_body
    names = np.array(DRIVERS)[dominant_driver(subject.rig.weights)]
    for kind in ("barbell", "dumbbell"):
        solid = make(kind, 0)
        skinned = skin(
            subject.rig.weights, subject.vertices, skin_transforms(subject.rig, frames, finger_curl(kind, "handle"))
        )
        for side in "rl":
            grip = grips.grip_of(side, frames[BODIES.index(f"hand_{side}")], subject.geometry.stature)
            offset = skinned - grip.centre(solid.handle)
            along = offset @ grip.axis
            flat = offset - along[:, None] * grip.axis
            finger = np.isin(names, [f"finger{k}-{j}_{side}" for k in (2, 3, 4) for j in (2, 3)])
            palm = (names == f"hand_{side}") & (np.abs(along) < 0.02)
            assert np.linalg.norm(flat[palm], axis=1).min() > solid.handle - 0.008
            away = np.linalg.norm(flat[finger], axis=1)
            assert away.min() > solid.handle - 0.011 and np.median(away) < 0.045
            assert (flat[finger] @ grip.out).max() > solid.handle  # the fingers reach round it
