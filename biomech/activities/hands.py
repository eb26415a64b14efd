"""Hands on the floor: cat, cow, plank, down-dog."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np

from biomech.activities.draft import Draft, arm_pose, arm_to, body_point, get, neck_turn, pelvis, put, trunk
from biomech.activities.floor import SIGN, hand_height, knee_height, kneel_leg, palm, settle_down, solve_for
from biomech.activities.ground import Plant, hip_width, place_feet
from biomech.activities.rig import frames_of


def cat(d: Draft) -> None:
    """On hands and knees with the back rounded up, head hanging."""
    amount = 0.35 + 0.65 * d.phase
    _all_fours(d, -38 * amount, -20 * amount, -26 * amount, d.vary(4, 4))


def cow(d: Draft) -> None:
    """On hands and knees with the back hollowed, head up."""
    amount = 0.2 + 0.8 * d.phase
    _all_fours(d, 19 * amount, 11 * amount, 12 + 22 * amount, d.vary(0, 4))


def _all_fours(d: Draft, lumbar: float, thoracic: float, neck: float, slope: float) -> None:
    r, leg = knee_height(d), d.rig.legs["r"]
    thigh = float(np.linalg.norm(leg.knee))
    trunk(d, (lumbar + d.vary(0, 2), d.vary(0, 1.5), 0), (thoracic + d.vary(0, 2), d.vary(0, 1.5), d.vary(0, 2)))
    neck_turn(d, neck + d.vary(0, 5), d.vary(0, 3), d.vary(0, 8))
    elbows, ahead = d.vary(10, 4, 4), d.vary(0.025, 0.02) * d.rig.stature
    height = hand_height(d) + d.rig.arms["r"].length * 0.985 * cos(radians(elbows / 2))
    d.q[3:6] = 0.0, r + thigh * cos(radians(slope)), 0.0
    for side in "rl":
        arm_pose(d, side, 85, 85, 0, 10)

    def gap(tilt: float) -> float:
        pelvis(d, tilt=tilt)
        frames = frames_of(d.rig, d.q)
        return float(sum(body_point(frames, f"humphant_{k}")[1] for k in "rl") / 2 - height)

    if solve_for(gap, -80.0, -3.0, -125.0, -45.0) is None:
        d.failure = "hands do not reach the floor"
        return
    half, tucked, wide = 0.5 * hip_width(d.rig), d.chance(0.35), d.between(0.9, 1.6)
    for side in "rl":
        knee = np.array([-thigh * sin(radians(slope)), r, SIGN[side] * half * wide])
        kneel_leg(d, side, knee, tucked)
    d.support = "hands_feet"
    settle_down(d)
    _hands_down(d, ahead, d.vary(16, 6))
    d.contacts = ("hand_r", "hand_l", "tibia_r", "tibia_l", "toes_r", "toes_l")


def plank(d: Draft) -> None:
    """High plank or the way down of a push-up: a straight body on the hands and the balls of the feet."""
    down = 0.8 * d.phase * d.between(0.0, 1.0)
    trunk(d, (d.vary(-2, 4), 0, 0), (d.vary(-2, 4), d.vary(0, 1), d.vary(0, 1)))
    neck_turn(d, d.vary(8, 8), 0, d.vary(0, 6))
    hip, knee, ankle, apart = d.vary(4, 5), d.vary(7, 2, 4), d.vary(15, 4), d.vary(-2, 2)
    for side in "rl":  # both legs alike: the balls of both feet are to meet one floor
        put(d, **{
            f"hip_flexion_{side}": hip, f"knee_angle_{side}": knee, f"ankle_angle_{side}": ankle,
            f"hip_adduction_{side}": apart, f"mtp_angle_{side}": 55.0,
        })  # fmt: skip
        arm_pose(d, side, 80, 75, 0, 20)
    height = hand_height(d) + d.rig.arms["r"].length * (0.98 - 0.42 * down)

    def gap(tilt: float) -> float:
        pelvis(d, tilt=tilt)
        frames = frames_of(d.rig, d.q)
        shoulder = sum(body_point(frames, f"humphant_{k}")[1] for k in "rl") / 2
        toe = sum(body_point(frames, f"toes_{k}")[1] for k in "rl") / 2
        return float(shoulder - toe - (height - d.rig.soles["r"].ball_height))

    if solve_for(gap, -72.0, -3.0, -100.0, -45.0) is None:
        d.failure = "no plank with these limbs"
        return
    _on_balls(d)
    # the lower, the farther back the hands stand below the chest, so that the forearms stay upright
    _hands_down(d, (d.vary(0.01, 0.015) - 0.09 * down) * d.rig.stature, d.vary(16 + 24 * down, 5))
    d.support, d.contacts = "hands_feet", ("hand_r", "hand_l", "toes_r", "toes_l")


def down_dog(d: Draft) -> None:
    """Hips high between hands and feet, back long, heels up or nearly down."""
    trunk(d, (d.vary(-6, 5), 0, 0), (d.vary(0, 4), d.vary(0, 1), d.vary(0, 1)))
    neck_turn(d, d.vary(-2, 8), 0, d.vary(0, 5))
    knee, hip, lift = d.vary(13, 4, 8), d.vary(88, 6), d.vary(150, 6, 0, 165)
    ankle, apart = d.vary(15, 4), d.vary(-3, 2)
    for side in "rl":
        put(d, **{
            f"hip_flexion_{side}": hip, f"knee_angle_{side}": knee, f"ankle_angle_{side}": ankle,
            f"hip_adduction_{side}": apart,
        })  # fmt: skip
        arm_pose(d, side, 60, lift, -25, 8)

    def gap(tilt: float) -> float:
        pelvis(d, tilt=tilt)
        frames = frames_of(d.rig, d.q)
        wrist = sum(body_point(frames, f"hand_{k}")[1] for k in "rl") / 2 - hand_height(d)
        toe = sum(body_point(frames, f"toes_{k}")[1] for k in "rl") / 2 - d.rig.soles["r"].ball_height
        return float(wrist - toe)

    if solve_for(gap, -122.0, -3.0, -160.0, -80.0) is None:
        d.failure = "no down-dog with these limbs"
        return
    _on_balls(d)
    frames = frames_of(d.rig, d.q)
    for side in "rl":
        wrist = body_point(frames, f"hand_{side}").copy()
        wrist[1:] = hand_height(d), SIGN[side] * d.vary(0.115, 0.012) * d.rig.stature
        hint = np.array([-0.3, -0.4, SIGN[side]])
        arm_to(d, side, wrist, hint, palm(np.array([1.0, 0.0, 0.0])), frames=frames)
    d.support, d.contacts = "hands_feet", ("hand_r", "hand_l", "toes_r", "toes_l")


def _on_balls(d: Draft) -> None:
    """Drop the body onto the balls of its feet and plant them at the pitch they have."""
    frames = frames_of(d.rig, d.q)
    toe = sum(body_point(frames, f"toes_{k}")[1] for k in "rl") / 2
    d.q[4] += d.rig.soles["r"].ball_height - float(toe)
    plants = []
    for side in "rl":
        frame = frames[d.rig.rows[f"calcn_{side}"]]
        pitch = float(np.degrees(np.arctan2(frame[1, 0], np.hypot(frame[0, 0], frame[2, 0]))))
        # the plant is named by the ankle of the flat foot; the toe joint is what stays
        mtp = body_point(frames, f"toes_{side}")
        sole = d.rig.soles[side]
        flat = sole.flat @ sole.mtp
        plants.append(Plant(side, float(mtp[0] - flat[0]), float(mtp[2] - flat[2]), 2.0, min(pitch, -1.0)))
    place_feet(d, plants)


def _hands_down(d: Draft, ahead: float, flare: float) -> None:
    """Both palms on the floor below the shoulders, `ahead` m in front of them.

    `flare` deg: how far the elbows point outwards from straight back. The fingers turn inwards by nearly as much, which
    keeps the wrist out of deviation.
    """
    frames = frames_of(d.rig, d.q)
    inward = radians(flare - d.vary(6, 3))
    for side, g in SIGN.items():
        start = body_point(frames, f"humphant_{side}")
        wrist = np.array([start[0] + ahead, hand_height(d), start[2] + g * 0.01 * d.rig.stature])
        fingers = np.array([cos(inward), 0.0, -g * sin(inward)])
        hint = np.array([-cos(radians(flare)), 0.0, g * sin(radians(flare))])
        arm_to(d, side, wrist, hint, palm(fingers), frames=frames)
        if get(d, f"wrist_flex_{side}") < -88.0:
            d.failure = "wrist bent too far back"
