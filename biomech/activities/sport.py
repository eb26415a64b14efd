"""Kick, throw, swing: key poses with the phase running from back-swing to follow-through; either side leads."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import Draft, arm_pose, arm_to, body_point, gaze, pelvis, put, trunk
from biomech.activities.gait import _FOOT_BODIES, least_bend
from biomech.activities.ground import Plant, hip_width, lowest, settle
from biomech.activities.keys import path
from biomech.activities.rig import frames_of


def kick(d: Draft) -> None:
    """A ball kick on one planted foot, from back-swing through contact to the leg high in front."""
    leg, standing = d.side()
    sign = 1.0 if leg == "r" else -1.0
    power = d.vary(0.9, 0.15, 0.6, 1.1)
    hip, knee, ankle, tilt, turn, thorax = path(
        d.phase,
        (0.0, (-14, 62, -25, -6, -10, 14)),
        (0.22, (-20, 98, -28, -8, -16, 20)),
        (0.5, (24, 48, -34, 2, 2, -2)),
        (0.75, (62, 16, -32, 10, 12, -14)),
        (1.0, (84, 14, -22, 14, 16, -18)),
    )
    pelvis(d, tilt=power * tilt + d.vary(0, 3), lean=-sign * d.vary(5, 2), turn=sign * power * turn + d.vary(0, 3))
    trunk(
        d,
        (-0.6 * power * max(tilt, 0) + d.vary(0, 3), sign * d.vary(-4, 2), sign * 0.25 * power * thorax),
        (-0.5 * power * max(tilt, 0) + d.vary(-2, 3), sign * d.vary(-2, 2), sign * power * thorax),
    )
    gaze(d, d.vary(-24, 8), d.vary(0, 7), 0, 0.15)
    put(d, **{
        f"hip_flexion_{leg}": power * hip + d.vary(0, 4), f"knee_angle_{leg}": max(6, power * knee + d.vary(0, 5)),
        f"ankle_angle_{leg}": ankle, f"hip_adduction_{leg}": d.vary(-12, 4), f"hip_rotation_{leg}": d.vary(-8, 5),
    })  # fmt: skip
    # the opposite arm swings out and forward against the leg
    arm_pose(d, standing, d.vary(28 + 50 * d.phase, 8), d.vary(62, 10), d.vary(5, 10), d.vary(25, 9, 5), d.vary(85, 15))
    arm_pose(d, leg, d.vary(-22, 10), d.vary(34, 8), d.vary(10, 8), d.vary(28, 9, 5), d.vary(85, 15))
    settle(d, [Plant(standing, 0.0, 0.0, d.vary(8, 4))], d.vary(17, 5, 8), sway=0.03)
    d.support = "one_foot"
    _keep_clear(d, leg)


def throw(d: Draft) -> None:
    """An overhand throw from the cocked arm to the follow-through, stepping onto the other foot."""
    arm, front = d.side()
    sign = 1.0 if arm == "r" else -1.0
    effort = d.vary(0.9, 0.12, 0.6, 1.05)
    s = d.rig.stature
    t = d.phase
    tilt, turn, lumbar_ar, thoracic_ar, bend = path(
        t,
        (0.0, (4, -42, -4, -22, 7)),
        (0.35, (2, -22, -5, -26, 10)),
        (0.6, (-10, 12, 2, 4, -4)),
        (1.0, (-30, 34, 6, 22, -9)),
    )
    pelvis(d, tilt=effort * tilt + d.vary(0, 3), turn=sign * effort * turn + d.vary(0, 3))
    flexion = path(t, (0.0, (4,)), (0.4, (9,)), (0.7, (-10,)), (1.0, (-26,)))[0]
    trunk(
        d,
        (0.6 * flexion + d.vary(0, 3), sign * effort * 0.5 * bend, sign * effort * lumbar_ar),
        (0.35 * flexion + d.vary(-2, 3), sign * effort * 0.5 * bend, sign * effort * thoracic_ar),
    )
    gaze(d, d.vary(0, 6), d.vary(0, 6), 0, 0.1)
    plane, raise_, twist, elbow = path(
        t,
        (0.0, (-12, 70, -20, 95)),
        (0.35, (-8, 92, -78, 92)),
        (0.6, (18, 104, -52, 48)),
        (0.75, (58, 92, 4, 22)),
        (1.0, (88, 62, 30, 26)),
    )
    arm_pose(d, arm, plane + d.vary(0, 5), raise_ + d.vary(0, 5), twist, max(elbow + d.vary(0, 6), 5), d.vary(100, 15))
    plane, raise_, elbow = path(t, (0.0, (55, 82, 22)), (0.45, (45, 70, 40)), (1.0, (20, 30, 95)))
    arm_pose(d, front, plane + d.vary(0, 6), raise_ + d.vary(0, 6), d.vary(18, 8), elbow + d.vary(0, 8), d.vary(85, 15))
    stride = path(t, (0.0, (0.2,)), (0.4, (0.38,)), (1.0, (0.4,)))[0] * s
    half = 0.5 * hip_width(d.rig)
    rear_pitch = -path(t, (0.0, (0,)), (0.3, (0,)), (0.6, (26,)), (1.0, (45,)))[0]
    rear_out = path(t, (0.0, (58,)), (0.4, (42,)), (1.0, (12,)))[0]
    share = path(t, (0.0, (0.32,)), (0.5, (0.6,)), (1.0, (0.78,)))[0]
    plants = [
        Plant(front, 0.55 * stride, -sign * half * 0.9, d.vary(8, 4)),
        Plant(arm, -0.45 * stride, sign * half * 0.9, d.vary(rear_out, 5), pitch=rear_pitch),
    ]
    knees = {front: 14 + 30 * t + d.vary(0, 4), arm: 20 + 10 * t + d.vary(0, 4)}
    settle(d, plants, knees, {front: share, arm: 1 - share}, sway=0.02)


def swing(d: Draft) -> None:
    """A two-handed swing (bat, club, racket) from behind one shoulder round to the other; both hands together."""
    lead, trail = d.side()  # the hands finish over the lead shoulder
    sign = 1.0 if trail == "r" else -1.0
    s, t = d.rig.stature, d.phase
    low = d.chance(0.5)  # club: down to the floor; bat: level
    effort = d.vary(0.9, 0.1, 0.65, 1.05)
    turn, thorax, lean = path(t, (0.0, (-26, -32, 14)), (0.3, (-14, -28, 18)), (0.55, (14, -2, 22)), (1.0, (46, 24, 8)))
    forward = lean + (12 if low else 0)
    side_bend = path(t, (0.0, (-3,)), (0.55, (9,)), (1.0, (4,)))[0]
    pelvis(d, tilt=-0.7 * forward + d.vary(0, 2), turn=sign * effort * turn)
    trunk(
        d,
        (-0.2 * forward + d.vary(0, 3), sign * side_bend * 0.5, sign * effort * 0.2 * thorax),
        (-0.1 * forward + d.vary(-2, 3), sign * side_bend * 0.5, sign * effort * 0.85 * thorax),
    )
    gaze(d, d.vary(-30 if low else -10, 6), sign * (20 * t - 8) + d.vary(0, 5), 0, 0.1)
    # the hands in the thorax's frame: along x (front), y (up), z (towards the trailing side), in statures
    hands = path(
        t,
        (0.0, (0.15, 0.06, 0.14)),
        (0.3, (0.22, -0.1, 0.1)),
        (0.55, (0.27, -0.24 if low else -0.13, -0.01)),
        (0.75, (0.24, -0.06, -0.13)),
        (1.0, (0.15, 0.07, -0.14)),
    )
    point = np.array([hands[0], hands[1], sign * hands[2]]) * s + np.array([d.vary(0, 0.02) for _ in range(3)])
    heel = path(t, (0.0, (0.0,)), (0.6, (8.0,)), (1.0, (38.0,)))[0]
    plants = [
        Plant(lead, 0.0, -sign * hip_width(d.rig) * d.between(0.9, 1.2), d.vary(14, 5)),
        Plant(trail, 0.0, sign * hip_width(d.rig) * d.between(0.9, 1.2), d.vary(6, 4), -heel),
    ]

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        chest = frames[d.rig.rows["T4"]]
        level = chest[:3, :3]
        middle = body_point(frames, "T4") + level @ point
        for k, z in ((trail, 1.0), (lead, -1.0)):
            g = 1.0 if k == "r" else -1.0
            wrist = middle + level @ np.array([0.0, 0.0, sign * z * 0.022 * s])
            arm_to(d, k, wrist, level @ np.array([-0.25, -0.8, 0.6 * g]), frames=frames)
            put(d, **{f"pro_sup_{k}": d.vary(85, 5), f"wrist_flex_{k}": -10, f"wrist_dev_{k}": 8})

    share = path(t, (0.0, (0.4,)), (0.5, (0.55,)), (1.0, (0.75,)))[0]
    settle(d, plants, {lead: 14 + d.vary(0, 3), trail: 16 + d.vary(0, 3)}, {lead: share, trail: 1 - share}, arms, 0.015)


def _keep_clear(d: Draft, side: str) -> None:
    """Bend the free leg until its foot is off the floor; the draw fails where it will not come free."""
    i, j = d.rig.index[f"knee_angle_{side}"], d.rig.index[f"hip_flexion_{side}"]
    knee, hip = d.q[i], d.q[j]

    def clears(extra: float) -> bool:
        d.q[i], d.q[j] = knee + np.radians(extra), hip + np.radians(0.4 * extra)
        return lowest(d.rig, frames_of(d.rig, d.q), _FOOT_BODIES[side]) > 0.008

    if not least_bend(clears, 40.0):
        d.failure = "free foot drags on the floor"
