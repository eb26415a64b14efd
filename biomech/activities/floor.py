"""Knees on the floor: kneel, half-kneel, child's pose."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, radians, sin

import numpy as np

from biomech.activities.draft import (
    Draft,
    arm_along,
    arm_to,
    arms_hang,
    body_point,
    direction,
    gaze,
    neck_turn,
    pelvis,
    put,
    radius,
    set_angle,
    trunk,
)
from biomech.activities.ground import Plant, capsule_bottoms, hip_width, lowest, place_feet
from biomech.activities.rig import frames_of, pelvis_of
from biomech.activities.upright import hand_on_hip, hand_on_thigh
from biomech.inverse_legs import solve_thigh

SIGN = {"r": 1.0, "l": -1.0}


def solve_for(target: Callable[[float], float], start: float, step: float, low: float, high: float) -> float | None:
    """Root of `target` near `start` by secant steps held in [low, high]; None where it does not get within 0.2 mm."""
    a, fa = start, target(start)
    b = min(max(start + step, low), high)
    for _ in range(14):
        fb = target(b)
        if abs(fb) < 2e-4:
            return b
        slope = (fb - fa) / (b - a) if abs(b - a) > 1e-9 else 0.0
        if abs(slope) < 1e-9:
            return None
        a, fa = b, fb
        b = min(max(b - min(max(fb / slope, -25.0), 25.0), low), high)
    return None


def knee_height(d: Draft) -> float:
    """Height of the knee centre when the knee is on the floor, m."""
    return max(radius(d, "tibia_r"), radius(d, "femur_r"))


def kneel_leg(d: Draft, side: str, knee: np.ndarray, tucked: bool, splay: float = 0.0) -> None:
    """Put a knee at a world point with the shank back along the floor; toes tucked under, or the instep down."""
    leg, top = d.rig.legs[side], pelvis_of(d.q)
    shank = float(np.linalg.norm(leg.ankle))
    g = SIGN[side]
    back = np.array([-cos(radians(splay)), 0.0, g * sin(radians(splay))])
    if tucked:
        put(d, **{f"ankle_angle_{side}": 12.0, f"subtalar_angle_{side}": 0.0, f"mtp_angle_{side}": 62.0})
    else:
        put(d, **{f"ankle_angle_{side}": -56.0, f"subtalar_angle_{side}": 4.0, f"mtp_angle_{side}": -6.0})

    def gap(rise: float) -> float:
        ankle = knee + shank * (back * cos(radians(rise)) + np.array([0.0, sin(radians(rise)), 0.0]))
        for name, value in solve_thigh(leg, top, knee, ankle).items():
            set_angle(d, name, value)
        return lowest(d.rig, frames_of(d.rig, d.q), (f"calcn_{side}", f"toes_{side}"))

    if solve_for(gap, 6.0, 3.0, -8.0, 40.0) is None:
        d.failure = "kneeling foot does not reach the floor"


def kneel(d: Draft) -> None:
    """Kneeling on both knees, upright or sitting back on the heels."""
    s, r = d.rig.stature, knee_height(d)
    leg = d.rig.legs["r"]
    thigh = float(np.linalg.norm(leg.knee))
    sitting = d.chance(0.45)
    tucked = d.chance(0.4) and not sitting
    slope = d.between(53, 61) if sitting else d.vary(4, 6)  # thigh from vertical, knees in front of the hips
    lumbar = d.vary(-9 if sitting else -1, 4)
    thoracic = d.vary(-3, 4)
    pelvis(d, tilt=-0.55 * lumbar + d.vary(-2, 3), lean=d.vary(0, 1.5), turn=d.vary(0, 3))
    trunk(d, (lumbar, d.vary(0, 2), d.vary(0, 1)), (thoracic, d.vary(0, 2), d.vary(0, 4)))
    gaze(d, d.vary(-6, 8), d.vary(0, 14), d.vary(0, 3), 0.1)
    d.q[3:6] = 0.0, r + thigh * cos(radians(slope)), 0.0
    wide = d.between(0.9, 1.5 if sitting else 2.2)
    for side in "rl":
        z = SIGN[side] * 0.5 * hip_width(d.rig) * wide
        across = z - SIGN[side] * 0.5 * hip_width(d.rig)
        ahead = float(np.sqrt(max(thigh**2 - (d.q[4] - r) ** 2 - across**2, 0.0)))
        kneel_leg(d, side, np.array([ahead, r, z]), tucked, splay=-d.vary(5, 2) if sitting else d.vary(0, 3))
    d.support, d.contacts = "kneeling", ("tibia_r", "tibia_l", "toes_r", "toes_l")
    settle_down(d)
    _resting_arms(d, on_thighs=sitting or d.chance(0.25), s=s)


def half_kneel(d: Draft) -> None:
    """One knee on the floor, the other foot flat in front."""
    down, up = d.side()
    r, leg = knee_height(d), d.rig.legs["r"]
    thigh, shank = float(np.linalg.norm(leg.knee)), float(np.linalg.norm(leg.ankle))
    slope = d.vary(2, 5)
    lumbar = d.vary(0, 4)
    pelvis(d, tilt=-0.5 * lumbar - d.vary(4, 4), lean=d.vary(0, 2), turn=d.vary(0, 4))
    trunk(d, (lumbar - 3, d.vary(0, 2), 0), (d.vary(-4, 4), d.vary(0, 2), d.vary(0, 5)))
    gaze(d, d.vary(-7, 8), d.vary(0, 12), 0, 0.1)
    d.q[3:6] = 0.0, r + thigh * cos(radians(slope)), 0.0
    half = 0.5 * hip_width(d.rig)
    tucked = d.chance(0.5)
    kneel_leg(d, down, np.array([thigh * sin(radians(slope)), r, SIGN[down] * half]), tucked)
    height = settle_down(d)
    reach = float(np.sqrt(max(thigh**2 - (height - shank - d.rig.soles["r"].height) ** 2, 0.01)))
    contacts = (f"tibia_{down}", f"toes_{down}")
    place_feet(d, [Plant(up, reach + d.vary(0.0, 0.03), SIGN[up] * half * d.between(0.9, 1.6), d.vary(5, 4))])
    d.support, d.contacts = "kneeling", (*contacts, *d.contacts)
    arms_hang(d)
    if d.chance(0.5):
        hand_on_thigh(d, up, d.vary(0.7, 0.06))
    if d.chance(0.3):
        hand_on_hip(d, down)


def childs_pose(d: Draft) -> None:
    """Sitting on the heels folded over the thighs, forehead on or near the floor, arms ahead or alongside."""
    r, leg = knee_height(d), d.rig.legs["r"]
    thigh = float(np.linalg.norm(leg.knee))
    slope = d.between(54, 61)
    trunk(d, (d.vary(-40, 4), d.vary(0, 1), 0), (d.vary(-17, 3), d.vary(0, 1), d.vary(0, 2)))
    d.q[3:6] = 0.0, r + thigh * cos(radians(slope)), 0.0
    neck_turn(d, d.vary(-8, 6), 0, d.vary(0, 4))

    def gap(tilt: float) -> float:
        pelvis(d, tilt=tilt)
        return lowest(d.rig, frames_of(d.rig, d.q), ("skull",)) - 0.012

    if solve_for(gap, -45.0, -4.0, -80.0, -10.0) is None:
        d.failure = "forehead does not reach the floor"
        return
    wide = d.between(1.3, 2.6)
    for side in "rl":
        z = SIGN[side] * 0.5 * hip_width(d.rig) * wide
        across = z - SIGN[side] * 0.5 * hip_width(d.rig)
        ahead = float(np.sqrt(max(thigh**2 - (d.q[4] - r) ** 2 - across**2, 0.0)))
        kneel_leg(d, side, np.array([ahead, r, z]), False, splay=-d.vary(6 * wide, 2))
    settle_down(d)
    d.support = "kneeling"
    d.contacts = ("tibia_r", "tibia_l", "toes_r", "toes_l", "skull", "hand_r", "hand_l")
    frames, s = frames_of(d.rig, d.q), d.rig.stature
    alongside = d.chance(0.3)
    for side, g in SIGN.items():
        start = body_point(frames, f"humphant_{side}")
        if alongside:
            wrist = np.array([start[0] - 0.26 * s, hand_height(d), g * 0.19 * s])
            arm_to(d, side, wrist, np.array([0.1, 0.0, g]), palm(np.array([-1.0, 0.0, 0.0]), up=True), frames=frames)
        else:
            far = d.rig.arms[side].length * d.between(0.82, 0.92)
            drop = start[1] - hand_height(d)
            wrist = np.array(
                [start[0] + float(np.sqrt(max(far**2 - drop**2, 0.01))), hand_height(d) + 0.012, g * 0.15 * s]
            )
            arm_to(d, side, wrist, np.array([0.0, 0.3, g]), palm(np.array([1.0, 0.0, -0.25 * g])), frames=frames)


def settle_down(d: Draft) -> float:
    """Lower or lift the body so that its lowest leg capsule touches the floor; the new pelvis height, m."""
    names = tuple(f"{b}_{s}" for b in ("femur", "tibia", "calcn", "toes") for s in "rl")
    if d.plants:
        return float(d.q[4])
    bottoms = capsule_bottoms(d.rig, frames_of(d.rig, d.q), names)
    d.q[4] -= float(bottoms.min()) if bottoms.min() > -0.05 else 0.0
    return float(d.q[4])


def hand_height(d: Draft) -> float:
    return radius(d, "hand_r") + 0.002


def palm(fingers: np.ndarray, up: bool = False) -> np.ndarray:
    """World rotation (3, 3) of a hand lying on the floor with its fingers along a world direction."""
    y = -fingers / np.linalg.norm(fingers)
    x = np.array([0.0, 1.0 if up else -1.0, 0.0])
    return np.stack([x, y, np.cross(x, y)], axis=1)


def _resting_arms(d: Draft, on_thighs: bool, s: float) -> None:
    frames = frames_of(d.rig, d.q)
    along = d.vary(0.6, 0.08)
    for side, g in SIGN.items():
        if on_thighs:
            hand_on_thigh(d, side, along, frames)
        else:
            spread = d.vary(11, 3, 6)
            arm_along(d, side, direction(d.vary(2, 5), g * spread), direction(d.vary(16, 6), g * 5), frames=frames)
