"""Yoga-like holds on the feet: tree, airplane (warrior III), warrior."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import (
    Draft,
    arm_pose,
    arm_to,
    body_axes,
    body_point,
    gaze,
    neck_turn,
    pelvis,
    put,
    radius,
    trunk,
)
from biomech.activities.ground import Plant, foot_frame, hip_width, settle
from biomech.activities.rig import frames_of, pelvis_of
from biomech.activities.upright import hand_on_hip
from biomech.inverse_legs import solve_knee


def tree(d: Draft) -> None:
    """On one leg, the other sole against the inside of the shin or thigh; hands joined, on hips or overhead."""
    standing, free = d.side()
    g, s = (1.0 if free == "r" else -1.0), d.rig.stature
    pelvis(d, tilt=d.vary(-1, 2), lean=-g * d.vary(3, 2), turn=d.vary(0, 3))
    trunk(d, (d.vary(0, 3), g * d.vary(1, 2), 0), (d.vary(-1, 3), g * d.vary(1, 2), d.vary(0, 2)))
    gaze(d, d.vary(-4, 6), d.vary(0, 5), 0, 0.1)
    high = d.between(0.25, 1.0)  # of the way up from mid-shin to the groin
    style = d.rng.choice(["prayer", "hips", "over"], p=[0.4, 0.25, 0.35])
    if style == "over":
        for k in "rl":
            arm_pose(d, k, d.vary(28, 8), d.vary(158, 6, 0, 170), d.vary(0, 10), d.vary(22, 8), d.vary(85, 10))

    def limbs() -> None:
        frames = frames_of(d.rig, d.q)
        knee, ankle = body_point(frames, f"tibia_{standing}"), body_point(frames, f"talus_{standing}")
        hip = body_point(frames, f"femur_{standing}")
        spot = (
            ankle + (0.55 + 0.35 * high / 0.5) * (knee - ankle)
            if high < 0.5
            else knee + (high - 0.42) * 0.95 * (hip - knee)
        )
        apart = radius(d, f"femur_{standing}" if high >= 0.5 else f"tibia_{standing}") + 0.8 * radius(
            d, f"calcn_{free}"
        )
        target = spot + np.array([-0.012 * s, 0.03 * s, g * (apart + 0.008 * s)])
        for name, value in solve_knee(d.rig.legs[free], frames[0], target, np.array([0.95, 0.0, 0.85 * g])).items():
            d.q[d.rig.index[name]] = value
        put(d, **{f"ankle_angle_{free}": -30.0, f"subtalar_angle_{free}": 8.0})
        if style == "hips":
            hand_on_hip(d, "r")
            hand_on_hip(d, "l")
        elif style == "prayer":
            front = body_point(frames, "T6", np.array([0.14, -0.01, 0.0]) * s)
            for k, z in (("r", 1.0), ("l", -1.0)):
                up = body_axes(frames, "T4")
                hand = np.stack([np.array([0, 0, -z]), -up[:, 1], np.cross([0, 0, -z], -up[:, 1])], axis=1)
                wrist = front + np.array([0, 0, z * 0.021 * s])
                arm_to(d, k, wrist, np.array([-0.2, -0.75, z]), hand, frames=frames)

    settle(d, [Plant(standing, 0.0, 0.0, d.vary(5, 3))], d.vary(5, 2, 2), arms=limbs, sway=0.008)
    d.support = "one_foot"


def airplane(d: Draft) -> None:
    """Warrior III: balancing on one leg, trunk and free leg in one line, level or on the way there."""
    standing, free = d.side()
    g = 1.0 if free == "r" else -1.0
    amount = 0.4 + 0.6 * d.phase
    lean = 82 * amount
    pelvis(d, tilt=-lean, lean=0.0, turn=g * d.vary(4, 5))
    trunk(d, (d.vary(4, 4), 0, d.vary(0, 1)), (d.vary(2, 3), d.vary(0, 1), d.vary(0, 2)))
    neck_turn(d, d.vary(10 + 12 * amount, 8), 0, d.vary(0, 4))
    put(d, **{
        f"hip_flexion_{free}": d.vary(-8, 5), f"knee_angle_{free}": d.vary(8, 4, 3),
        f"ankle_angle_{free}": d.vary(-25, 8),
        f"hip_adduction_{free}": d.vary(0, 2), f"hip_rotation_{free}": d.vary(-5, 4),
    })  # fmt: skip
    style = d.rng.choice(["wide", "front", "back"], p=[0.5, 0.3, 0.2])
    for k in "rl":
        if style == "wide":
            arm_pose(d, k, d.vary(4, 6), d.vary(85, 6), 0, d.vary(10, 4, 4))
        elif style == "front":
            arm_pose(d, k, d.vary(75, 6), d.vary(148, 8, 0, 165), -20, d.vary(14, 5, 4))
        else:
            arm_pose(d, k, d.vary(-60, 8), d.vary(22, 6), 0, d.vary(8, 4, 4))
    settle(d, [Plant(standing, 0.0, 0.0, d.vary(5, 3))], d.vary(9, 4, 4), sway=0.008)
    d.support = "one_foot"


def warrior(d: Draft) -> None:
    """Warrior I or II: a long stance, front knee bent, both soles flat; arms overhead or out to the sides."""
    front, rear = d.side()
    g, s = (1.0 if front == "r" else -1.0), d.rig.stature
    second = d.chance(0.5)
    depth = 0.3 + 0.7 * d.phase
    stride = (0.40 + 0.14 * depth if second else 0.34 + 0.08 * depth) * s
    half = 0.5 * hip_width(d.rig)
    opening = g * (d.vary(42, 6) if second else d.vary(14, 5))  # the pelvis opens towards the rear side
    pelvis(d, tilt=d.vary(-6, 3), lean=d.vary(0, 2), turn=opening)
    if second:
        trunk(d, (d.vary(0, 3), d.vary(0, 2), -0.05 * opening), (d.vary(0, 3), d.vary(0, 2), -0.2 * opening))
        gaze(d, d.vary(-3, 5), d.vary(0, 6), 0, 0)
    else:
        trunk(d, (d.vary(5, 4), d.vary(0, 1), -0.2 * opening), (d.vary(3, 3), d.vary(0, 1), -0.6 * opening))
        gaze(d, d.vary(6, 10), d.vary(0, 6), 0, 0.1)
    for k in "rl":
        if second:
            arm_pose(d, k, d.vary(4, 5), d.vary(86, 5), d.vary(0, 8), d.vary(8, 3, 4), d.vary(150, 10))
        else:
            arm_pose(d, k, d.vary(45, 8), d.vary(156, 6, 0, 170), d.vary(-5, 8), d.vary(14, 6, 4), d.vary(85, 10))
    crescent = not second and d.chance(0.6)  # heel up, both feet forward
    if crescent:
        pelvis(d, tilt=d.vary(-15, 3), lean=d.vary(0, 2), turn=0.4 * opening)
    # a flat rear sole bears no more lean of the shank than the subtalar joint gives
    knees = {front: 20 + (40 if crescent else 12) * depth, rear: 5.0}
    out, rear_out = d.vary(2, 3), d.vary(33 if second else (4 if crescent else 28), 4)
    width, pitch = (0.2, 0.0) if second else (0.9, -d.vary(44, 4) if crescent else 0.0)
    back = -0.45 * stride
    for _ in range(6):  # the rear foot goes back until the rear leg is long
        plants = [
            Plant(front, 0.55 * stride, g * half * width, out),
            Plant(rear, back, -g * half * width, rear_out, pitch),
        ]
        settle(d, plants, knees, {front: 0.54, rear: 0.46}, sway=0.0, rounds=2)
        leg, top = d.rig.legs[rear], pelvis_of(d.q)
        hip = top[:3, 3] + top[:3, :3] @ (leg.hip * (1, 1, 1 if rear == "r" else -1))
        ankle = foot_frame(d.rig, plants[1])[0][:3, 3]
        room = (
            leg.reach(np.radians(22.0 if crescent else 8.0)) ** 2 - (hip[1] - ankle[1]) ** 2 - (hip[2] - ankle[2]) ** 2
        )
        back += 1.7 * float(hip[0] - np.sqrt(max(room, 0.01)) - ankle[0])
