"""Gym and yoga on the feet: overhead press, windmill, triangle, side gate, circles of the whole column."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import (
    Draft,
    arm_along,
    arm_pose,
    arm_to,
    arms_hang,
    body_point,
    gaze,
    neck_turn,
    pelvis,
    trunk,
)
from biomech.activities.ground import settle
from biomech.activities.keys import course
from biomech.activities.perform import foot_at, set_hand
from biomech.activities.rig import frames_of
from biomech.activities.spine_use import table_trunk
from biomech.activities.upright import hand_on_hip


def overhead_press(d: Draft) -> None:
    """Pressing overhead: hands at the shoulders (0), arms straight above the head (1)."""
    t = d.phase
    table_trunk(d, "overhead_press")
    pelvis(d, tilt=d.vary(1, 1.5) + 3 * t, turn=d.vary(0, 2))
    gaze(d, d.vary(0, 5) + 8 * t, d.vary(0, 4), 0, 0.1)
    plane, twist = d.vary(34, 8), d.vary(-40, 6)
    raise_, elbow = course(t, (0.0, (46, 138)), (0.5, (104, 92)), (1.0, (162, 10)))
    for k in "rl":
        arm_pose(d, k, plane, raise_, twist * (1 - 0.7 * t), elbow, 110)
        set_hand(d, k, 118, -20, 3)
    out, wide, knee = d.vary(9, 4), d.between(0.07, 0.11), d.vary(6, 2, 3)
    settle(d, [foot_at(d, k, 0.0, wide, out) for k in "rl"], knee, sway=0.01)


def windmill(d: Draft) -> None:
    """Legs wide, bending and turning down to the opposite foot with one hand, the other arm up (depth)."""
    main, off = d.side()  # the leading hand goes down
    g, t = d.sign, d.phase
    table_trunk(d, "windmill")
    angles = np.degrees(d.targets)
    slope = (78 + d.vary(0, 5)) * t
    pelvis(d, tilt=-max(slope + 0.85 * (angles[0] + 0.6 * angles[3]), 0), lean=-g * 6 * t, turn=g * 16 * t)
    neck_turn(d, -6 + 14 * t, 0, -g * d.vary(14, 12) * t)
    wide = d.between(0.15, 0.2)
    plants = [foot_at(d, k, 0.0, wide, 18 + d.vary(0, 3)) for k in (main, off)]
    up = d.vary(0, 8)

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        start, toe = body_point(frames, f"humphant_{main}"), body_point(frames, f"toes_{off}")
        aim = toe * (1, 0, 1) + np.array([0.0, 0.085 * d.rig.stature, 0.0])
        level = frames[d.rig.rows["T4"], :3, :3]
        wide_arm = start + level @ np.array([0.05, -0.25 - 0.3 * t, g * 0.96]) * d.rig.arms[main].length
        share = course(t, (0.0, (0.0,)), (1.0, (1.0,)))[0]
        arm_to(d, main, wide_arm + share * (aim - wide_arm), level @ np.array([-0.6, 0.0, 0.6 * g]), frames=frames)
        set_hand(d, main, 85, -4, 3)
        upward = level @ np.array([0.1, np.sin(np.radians(up)), -g])
        arm_along(d, off, upward, upward, pronation=90, frames=frames)

    settle(d, plants, {main: 5 + 5 * t, off: 5 + 7 * t}, arms=arms, sway=0.012)


def triangle(d: Draft) -> None:
    """Yoga triangle: legs wide, hips tipped to one side, one hand to that shin, the other arm up (depth)."""
    main, off = d.side()  # bends to the leading side
    g, t = d.sign, 0.15 + 0.85 * d.phase
    table_trunk(d, "triangle")
    pelvis(d, tilt=d.vary(-4, 2), lean=g * d.vary(13, 2) * t, turn=-g * d.vary(10, 3) * t)
    neck_turn(d, d.vary(0, 4), g * 6 * t, -g * d.vary(24, 14) * t)
    plants = [
        foot_at(d, main, 0.0, d.between(0.17, 0.2), 38 + d.vary(0, 3)),
        foot_at(d, off, 0.0, d.between(0.17, 0.2), 8 + d.vary(0, 3)),
    ]

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        level = frames[d.rig.rows["T1"], :3, :3]
        down = np.array([0.1, -0.75 - 0.5 * t, g * (1 - 0.9 * t)])
        up = level @ np.array([0.0, 0.1, -g])
        up = up + np.array([0.0, 0.6, 0.0]) * t
        arm_along(d, main, down, down, pronation=90, frames=frames)
        arm_along(d, off, up, up, pronation=90, frames=frames)

    settle(d, plants, {main: 5.0, off: 5.0}, {main: 0.56, off: 0.44}, arms, sway=0.01)


def side_gate(d: Draft) -> None:
    """Standing crescent: both arms overhead, the whole column bent to one side (depth)."""
    main, off = d.side()
    g, t = d.sign, d.phase
    table_trunk(d, "side_gate")
    pelvis(d, tilt=d.vary(1, 2), lean=-g * d.vary(5, 2) * t, turn=g * d.vary(0, 4))
    neck_turn(d, d.vary(2, 4), g * 14 * t, g * d.vary(0, 12) * t)
    wide, out = d.between(0.04, 0.1), d.vary(7, 3)
    joined = d.chance(0.5)

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        level = frames[d.rig.rows["T1"], :3, :3]
        for k in (main, off):
            z = 1.0 if k == "r" else -1.0
            aim = level @ np.array([0.25, 0.95, (-0.16 if joined else 0.18) * z])
            arm_along(d, k, aim + 0.2 * z * level[:, 2], aim, pronation=90, frames=frames)

    settle(d, [foot_at(d, k, 0.0, wide, out) for k in (main, off)], 5.0, arms=arms, sway=0.008)


def spine_circles(d: Draft) -> None:
    """Mobility drill: the column led round a circle of bends while held in a twist, the neck on a circle of its own."""
    main, off = d.side()
    g = d.sign
    caps = d.limits.regional_hard
    targets = np.zeros(9)
    # any point of the physiological volume (biomech.coverage): a ball in units of the caps, filled out to its skin
    twists, shares, starts = (d.rng.random(3) for _ in range(3))
    if d.chance(0.6):  # chest and loins go the same way, which takes the trunk as a whole to its ends
        twists[1], shares[1], starts[1] = twists[0], shares[0], starts[0] + d.vary(0, 0.06)
    for k in range(3):
        twist = 1.92 * twists[k] - 0.96
        wide = 0.97 * float(np.sqrt((1 - twist**2) * (0.25 + 0.75 * shares[k])))
        angle = 2 * np.pi * (d.phase + starts[k])
        unit = np.array([wide * np.cos(angle), g * wide * np.sin(angle), g * twist])
        part = caps[3 * k : 3 * k + 3]
        targets[3 * k : 3 * k + 3] = np.where(unit < 0, unit * -part[:, 0], unit * part[:, 1])
    degrees = np.degrees(targets)
    bent = degrees[0] + 0.6 * degrees[3]
    sideways = degrees[1] + degrees[4]
    pelvis(d, tilt=float(np.clip(0.25 * bent, -14, 8)) + d.vary(0, 2), lean=-0.12 * sideways, turn=g * d.vary(0, 4))
    trunk(d, degrees[0:3], degrees[3:6], degrees[6:9])
    on_hips = d.chance(0.5)
    wide_stance, out = d.between(0.07, 0.12), d.vary(10, 4)

    def arms() -> None:
        for k in (main, off):
            if on_hips:
                hand_on_hip(d, k)

    arms_hang(d)
    plants = [foot_at(d, k, 0.0, wide_stance, out) for k in (main, off)]
    settle(d, plants, d.vary(8, 3, 4), arms=arms, sway=0.01)
