"""Going down on the legs: squat, hinge (deadlift), lunge."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import (
    Draft,
    arm_along,
    arm_pose,
    arm_to,
    arms_hang,
    body_point,
    direction,
    gaze,
    get,
    neck_turn,
    pelvis,
    trunk,
)
from biomech.activities.ground import Plant, hip_width, settle, stance
from biomech.activities.rig import frames_of
from biomech.activities.upright import hand_on_hip, hand_on_thigh

_DORSIFLEXION = 33.0  # deg; flat-footed squatters lean forward rather than go beyond


def squat(d: Draft) -> None:
    """Squat from a quarter to full depth: shins forward, hips back, the trunk leaning to stay over the feet."""
    style = d.rng.choice(["front", "clasp", "thighs", "bar", "down"], p=[0.35, 0.2, 0.15, 0.15, 0.15])
    depth = 0.15 + (0.45 if style == "thighs" else 0.85) * d.phase  # hands leave the thighs of a deep squatter
    knee = 35 + 90 * depth + d.vary(0, 4)
    lean = 14 + 30 * depth + d.vary(0, 5)
    wide = d.between(1.3, 2.5)
    plants = stance(d, hip_width(d.rig) * wide, d.vary(0, 0.015), d.vary(11 + 7 * wide, 4), spread=2.5)
    lumbar = -2 - 16 * max(0, depth - 0.45) + d.vary(0, 4)
    thoracic = d.vary(-4, 4)
    side, turn = d.vary(0, 1.5), d.vary(0, 2)
    lift, apart, elbows = d.vary(72, 10), d.vary(72, 8), d.vary(15, 7, 3)
    look_up, look_side = d.vary(-8, 7), d.vary(0, 7)

    def arms() -> None:
        if style == "thighs":
            hand_on_thigh(d, "r", 0.75)
            hand_on_thigh(d, "l", 0.75)
        elif style == "down":
            frames = frames_of(d.rig, d.q)
            for s, sign in (("r", 1.0), ("l", -1.0)):
                arm_along(d, s, direction(14, sign * 10), direction(30, sign * 4), frames=frames)
        elif style == "clasp":
            frames = frames_of(d.rig, d.q)
            front = body_point(frames, "T4", np.array([0.19, -0.02, 0.0]) * d.rig.stature)
            for s, sign in (("r", 1.0), ("l", -1.0)):
                arm_to(d, s, front + np.array([0, 0, 0.035 * sign]), np.array([-0.1, -0.9, 0.6 * sign]), frames=frames)

    for _ in range(7):
        pelvis(d, tilt=-lean - lumbar - thoracic, lean=side, turn=turn)
        trunk(d, (lumbar, -0.6 * side, 0), (thoracic, 0, -0.5 * turn))
        gaze(d, look_up, look_side, 0, 0.25)
        if style == "bar":  # hands at a bar on the shoulders
            for s in "rl":
                arm_pose(d, s, -28, 42, -40, 128, 60)
        elif style == "front":
            for s in "rl":
                arm_pose(d, s, apart, lift + 0.4 * lean, 12, elbows)
        settle(d, plants, knee, arms=arms, sway=0.015)
        excess = max(get(d, "ankle_angle_r"), get(d, "ankle_angle_l")) - _DORSIFLEXION
        if excess <= 0:
            return
        lean += 0.8 * excess + 1.5
        knee -= 0.4 * excess
    d.failure = "squat needs more dorsiflexion"


def deadlift(d: Draft) -> None:
    """Hip hinge as in lifting from the floor: hips back, flat back, knees bent a little to well, hands by the shins."""
    depth = 0.2 + 0.8 * d.phase
    knee = 12 + 48 * depth * d.between(0.55, 1.1)
    lean = 12 + 58 * depth + d.vary(0, 4)
    lumbar = d.vary(-3 - 10 * depth, 5)
    thoracic = d.vary(-4, 4)
    pelvis(d, tilt=-lean - lumbar - thoracic, turn=d.vary(0, 1.5))
    trunk(d, (lumbar, d.vary(0, 1), 0), (thoracic, d.vary(0, 1), d.vary(0, 1.5)))
    neck_turn(d, d.vary(6 + 14 * depth, 7), d.vary(0, 2), d.vary(0, 5))
    plants = stance(d, hip_width(d.rig) * d.between(1.0, 1.7), d.vary(0, 0.01), d.vary(10, 4))
    grip, elbows = d.vary(7, 3), d.vary(5, 2, 1)

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        for s, sign in (("r", 1.0), ("l", -1.0)):
            upper = direction(grip - 4, sign * 8)
            arm_along(d, s, upper, direction(grip - 4 + elbows, sign * 5), pronation=125, frames=frames)

    settle(d, plants, knee, arms=arms)


def lunge(d: Draft) -> None:
    """A stride with the front foot flat and the rear heel up, from a split stance to the rear knee near the floor."""
    front, rear = d.side()
    depth = 0.15 + 0.85 * d.phase
    s = d.rig.stature
    sign = 1.0 if front == "r" else -1.0
    stride = (0.36 + 0.16 * depth + d.vary(0, 0.02)) * s
    half = 0.5 * hip_width(d.rig) * d.between(0.7, 1.4)
    plants = [
        Plant(front, 0.55 * stride, sign * half, d.vary(4, 3)),
        Plant(rear, -0.45 * stride, -sign * half, d.vary(2, 3), pitch=-d.vary(38 + 14 * depth, 3)),
    ]
    lean = d.vary(6 + 10 * depth, 5)
    lumbar = d.vary(2, 4)
    pelvis(d, tilt=-lean - lumbar, lean=d.vary(0, 1.5), turn=d.vary(0, 4))
    trunk(d, (lumbar, d.vary(0, 2), 0), (d.vary(-3, 3), d.vary(0, 2), d.vary(0, 5)))
    gaze(d, d.vary(-6, 7), d.vary(0, 10), 0, 0.2)
    style = d.rng.choice(["hips", "hang", "thigh", "front"], p=[0.3, 0.3, 0.25, 0.15])
    arms_hang(d)
    if style == "front":
        for k in "rl":
            arm_pose(d, k, d.vary(75, 8), d.vary(75, 10), 15, d.vary(20, 8))

    def arms() -> None:
        if style == "hips":
            hand_on_hip(d, "r")
            hand_on_hip(d, "l")
        elif style == "thigh":
            hand_on_thigh(d, front, 0.68)

    knees = {front: 22 + 68 * depth + d.vary(0, 4), rear: 18 + 22 * depth}
    settle(d, plants, knees, {front: 0.56, rear: 0.44}, arms)
