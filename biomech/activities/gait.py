"""Walking, running, jumping: joint curves of the gait cycle; the stance foot put flat, on its heel or on its ball."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, degrees, pi, sin

import numpy as np

from biomech.activities.draft import Draft, arm_pose, gaze, get, pelvis, put, trunk
from biomech.activities.ground import Plant, lowest, pelvis_height, place_feet
from biomech.activities.keys import gait_angles
from biomech.activities.rig import frames_of

_FOOT_BODIES = {s: (f"calcn_{s}", f"toes_{s}") for s in "rl"}


def walk(d: Draft) -> None:
    """Walking at any phase of the stride; slow to brisk."""
    pace = d.vary(1.0, 0.13, 0.72, 1.25)
    c, s = cos(2 * pi * d.phase), sin(2 * pi * d.phase)
    turn, drop = d.vary(5, 1.5) * pace * c, -d.vary(3.5, 1.2) * pace * s
    pelvis(d, tilt=d.vary(-2, 2) - 2 * pace, lean=drop, turn=turn)
    trunk(
        d,
        (d.vary(0, 3), -0.7 * drop, -0.35 * turn),
        (d.vary(-3, 3), -0.3 * drop, -1.1 * turn + d.vary(0, 1)),
    )
    gaze(d, d.vary(-8, 8), d.vary(0, 12), d.vary(0, 2), 0.1)
    _legs(d, "walk", pace)
    for side, sign in (("r", -1.0), ("l", 1.0)):
        swing = (d.vary(19, 3) * sign * c) * pace + d.vary(3, 3)
        _arm_swing(d, side, swing, d.vary(16, 5) + 0.45 * max(swing, 0) * pace)
    out = {side: d.vary(7, 3) for side in "rl"}
    windows = ((0.0, 0.08, "heel"), (0.08, 0.34, "flat"), (0.34, 0.6, "ball"))
    feet = {side: _stance(d, side, windows, out[side]) for side in "rl"}
    _put_down(d, [p for p in feet.values() if p], least=3.0)


def run(d: Draft) -> None:
    """Running: stance on a flat foot or the ball, or in flight between."""
    pace = d.vary(1.0, 0.12, 0.75, 1.2)
    c, s = cos(2 * pi * d.phase), sin(2 * pi * d.phase)
    turn, drop = d.vary(7, 2) * pace * c, -d.vary(4, 1.5) * s
    pelvis(d, tilt=-d.vary(9, 2.5) * pace, lean=drop, turn=turn)
    trunk(d, (d.vary(1, 3), -0.8 * drop, -0.4 * turn), (d.vary(-3, 3), -0.3 * drop, -1.7 * turn))
    gaze(d, d.vary(-5, 6), d.vary(0, 8), 0, 0.1)
    _legs(d, "run", pace)
    elbow = d.vary(88, 10)
    for side, sign in (("r", -1.0), ("l", 1.0)):
        _arm_swing(d, side, d.vary(30, 5) * sign * c * pace - 8, elbow + 14 * sign * c, inward=6)
    out = {side: d.vary(7, 3) for side in "rl"}
    feet = {side: _stance(d, side, ((0.02, 0.2, "flat"), (0.2, 0.36, "ball")), out[side]) for side in "rl"}
    _put_down(d, [p for p in feet.values() if p], least=10.0)
    if not d.plants:
        _air(d, d.between(0.015, 0.07) * pace)


def jump(d: Draft) -> None:
    """In the air: a straight, tucked, split or star jump, from just off the floor to the top."""
    style = d.rng.choice(["straight", "tuck", "split", "star"], p=[0.4, 0.22, 0.2, 0.18])
    top = 4 * d.phase * (1 - d.phase)
    amount = 0.35 + 0.65 * top
    side, other = d.side()
    pelvis(d, tilt=-d.vary(5, 4) + (12 * amount if style == "tuck" else 0), lean=d.vary(0, 2), turn=d.vary(0, 8))
    flex = {"straight": 0, "tuck": -22, "split": -4, "star": 4}[style] * amount
    trunk(d, (flex + d.vary(0, 3), d.vary(0, 2), 0), (0.4 * flex + d.vary(-2, 3), d.vary(0, 2), d.vary(0, 6)))
    gaze(d, d.vary(-2, 8), d.vary(0, 10), 0, 0.3)
    hips = {"straight": (4, 4), "tuck": (92, 92), "split": (62, -14), "star": (6, 6)}[style]
    knees = {"straight": (12, 12), "tuck": (105, 105), "split": (30, 38), "star": (8, 8)}[style]
    for k, (hip, knee) in zip((side, other), zip(hips, knees, strict=True), strict=True):
        spread = {"star": 24 * amount}.get(style, 3)
        put(d, **{
            f"hip_flexion_{k}": amount * hip + d.vary(3, 4),
            f"knee_angle_{k}": max(5.0, amount * knee + d.vary(6, 4)),
            f"hip_adduction_{k}": -spread + d.vary(0, 2), f"hip_rotation_{k}": d.vary(-5, 4),
            f"ankle_angle_{k}": d.vary(-28, 8), f"subtalar_angle_{k}": d.vary(4, 3), f"mtp_angle_{k}": d.vary(2, 5),
        })  # fmt: skip
    raise_ = {"straight": 140, "tuck": 70, "split": 80, "star": 125}[style]
    for k in "rl":
        plane = d.vary({"straight": 48, "tuck": 70, "split": 25, "star": 8}[style], 10)
        lift = min(amount * raise_ + d.vary(8, 10), 165)
        arm_pose(d, k, plane, lift, d.vary(5, 12), d.vary(28, 12, 5), d.vary(85, 15))
    _air(d, 0.03 + 0.32 * top * d.between(0.6, 1.2))


def _legs(d: Draft, gait: str, pace: float) -> None:
    for side, offset in (("r", 0.0), ("l", 0.5)):
        hip, knee, ankle = gait_angles(gait, d.phase + offset)
        tilt = float(np.degrees(d.q[0]))
        put(d, **{
            f"hip_flexion_{side}": (hip - 8) * pace + 8 - 0.3 * tilt + d.vary(0, 1.5),
            f"knee_angle_{side}": max(3.0, knee * (0.5 + 0.5 * pace) + d.vary(0, 2)),
            f"ankle_angle_{side}": ankle * pace + d.vary(0, 1.5),
            f"hip_adduction_{side}": d.vary(-1, 1.5), f"hip_rotation_{side}": d.vary(-4, 2),
            f"subtalar_angle_{side}": d.vary(1, 2),
            f"mtp_angle_{side}": d.vary(4, 3) + _toes_off(gait, d.phase + offset),
        })  # fmt: skip


def _toes_off(gait: str, phase: float) -> float:
    """How far the toes are still bent up just after they left the floor, deg."""
    since = (phase - {"walk": 0.6, "run": 0.36}[gait]) % 1.0
    return 46.0 * max(0.0, 1.0 - since / 0.14)


def _arm_swing(d: Draft, side: str, flexion: float, elbow: float, inward: float = 6.0) -> None:
    """Arm swung in the sagittal plane by `flexion` deg, hanging a little outwards."""
    out = d.vary(11, 2)
    vector = np.array([sin(flexion * pi / 180), 0.0, sin(out * pi / 180)])
    plane = degrees(np.arctan2(vector[0], vector[2]))
    raise_ = degrees(np.arcsin(min(1.0, float(np.hypot(vector[0], vector[2])))))
    arm_pose(d, side, plane, raise_, inward + d.vary(8, 4), max(elbow, 6.0), d.vary(82, 12))


def _stance(d: Draft, side: str, windows: tuple[tuple[float, float, str], ...], out: float) -> Plant | None:
    """Where the curves put the foot of `side`, as a plant, if it stands at this phase."""
    phase = (d.phase + (0.0 if side == "r" else 0.5)) % 1.0
    mode = next((m for a, b, m in windows if a <= phase < b), None)
    if mode is None:
        return None
    frame = frames_of(d.rig, d.q)[d.rig.rows[f"calcn_{side}"]]
    pitch = degrees(np.arctan2(frame[1, 0], np.hypot(frame[0, 0], frame[2, 0])))
    pitch = {"heel": max(pitch, 2.0), "flat": 0.0, "ball": min(pitch, -2.0)}[mode]
    return Plant(side, float(frame[0, 3]), float(frame[2, 3]), out, pitch)


def _put_down(d: Draft, plants: list[Plant], least: float) -> None:
    """Stand on the planted feet at the knees the curves ask for, then keep the swinging foot clear of the floor."""
    if not plants:
        return
    knees = {p.side: max(least, 0.9 * get(d, f"knee_angle_{p.side}")) for p in plants}
    d.q[4] = pelvis_height(d, plants, knees)
    place_feet(d, plants)
    swinging = [s for s in "rl" if s not in {p.side for p in plants}]
    for side in swinging:
        knee, hip, ankle = (get(d, f"{stem}_{side}") for stem in ("knee_angle", "hip_flexion", "ankle_angle"))

        def clears(extra: float, side: str = side, knee=knee, hip=hip, ankle=ankle) -> bool:
            up = min(0.75 * extra, max(12 - ankle, 0))
            put(d, **{
                f"knee_angle_{side}": knee + extra, f"hip_flexion_{side}": hip + 0.6 * extra,
                f"ankle_angle_{side}": ankle + up,
            })  # fmt: skip
            return lowest(d.rig, frames_of(d.rig, d.q), _FOOT_BODIES[side]) > 0.006

        least_bend(clears, 24.0)
    if len(plants) == 1:
        d.support = "one_foot"


def least_bend(clears: Callable[[float], bool], most: float) -> bool:
    """Leave `clears` at the least bend in [0, most] deg at which it holds; False where none does."""
    if clears(0.0):
        return True
    if not clears(most):
        return False
    low, high = 0.0, most
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (low, middle) if clears(middle) else (middle, high)
    return clears(high)


def _air(d: Draft, clearance: float) -> None:
    """Leave the floor: the lowest capsule at `clearance` m."""
    d.q[4] += clearance - lowest(d.rig, frames_of(d.rig, d.q))
    d.support, d.contacts, d.plants = "air", (), []
    d.props["clearance"] = clearance
