"""Standing on two feet: stand, bend, extend, side-bend, twist, reach."""

from __future__ import annotations

from math import tanh

import numpy as np

from biomech.activities.draft import (
    Draft,
    arm_along,
    arm_pose,
    arm_to,
    arms_hang,
    body_axes,
    body_point,
    direction,
    gaze,
    half_width,
    neck_turn,
    pelvis,
    radius,
    rotation,
    trunk,
)
from biomech.activities.ground import hip_width, settle, stance
from biomech.activities.rig import frames_of


def posture(d: Draft, spread: float = 1.0) -> None:
    """How somebody happens to hold the trunk: small deviations of each region, the pelvis making up for them."""
    lumbar = (d.vary(-1, 4 * spread), d.vary(0, 1.5 * spread), d.vary(0, 1.2 * spread))
    thoracic = (d.vary(-3, 3.5 * spread), d.vary(0, 1.5 * spread), d.vary(0, 2.5 * spread))
    pelvis(d, tilt=d.vary(0, 1.5) - 0.45 * (lumbar[0] + thoracic[0]), lean=d.vary(0, 1.2), turn=d.vary(0, 2))
    trunk(d, lumbar, thoracic)


def look(d: Draft, pitch: float = -4.0, yaw: float = 0.0, spread: float = 1.0, follow: float = 0.15) -> None:
    """Gaze to a world direction with the scatter of somebody who is not posing."""
    gaze(d, d.vary(pitch, 7 * spread), d.vary(yaw, 14 * spread), d.vary(0, 3 * spread), follow)


def hand_on_thigh(d: Draft, side: str, along: float, frames: np.ndarray | None = None) -> None:
    """Rest the palm on the front of the thigh, the wrist at `along` (0 hip, 1 knee) of its length."""
    frames = frames_of(d.rig, d.q) if frames is None else frames
    femur = body_axes(frames, f"femur_{side}")
    knee = body_point(frames, f"tibia_{side}")
    hip = body_point(frames, f"femur_{side}")
    lift = radius(d, f"femur_{side}") + radius(d, f"hand_{side}") + 0.006
    rest = hip + along * (knee - hip) + lift * femur[:, 0]
    hand = np.stack([-femur[:, 0], femur[:, 1], -femur[:, 2]], axis=1)
    # fingers a little inwards, as the forearm comes from outside
    inwards = (14 + d.wrist[1]) * (1 if side == "r" else -1)
    hand = _about(femur[:, 0], inwards) @ hand
    out = 0.75 if side == "r" else -0.75
    arm_to(d, side, rest, np.array([-0.8, -0.55, out]), hand, frames=frames)


def hand_on_hip(d: Draft, side: str) -> None:
    """Hand on the iliac crest, elbow out."""
    frames = frames_of(d.rig, d.q)
    out = 1.0 if side == "r" else -1.0
    s = d.rig.stature
    lateral = half_width(d, "pelvis") + 0.8 * radius(d, f"hand_{side}")
    wrist = body_point(frames, "pelvis", np.array([-0.005 * s, 0.072 * s, out * lateral]))
    arm_to(d, side, wrist, np.array([-0.45, 0.0, out]), frames=frames)
    top = body_axes(frames, "pelvis")
    fingers = top @ np.array([0.85, -0.35, -0.22 * out])
    fingers /= np.linalg.norm(fingers)
    palm = top @ np.array([-0.2, -0.75, -0.65 * out])
    palm -= fingers * (palm @ fingers)
    palm /= np.linalg.norm(palm)
    y = -fingers
    hand = np.stack([palm, y, np.cross(palm, y)], axis=1)
    arm_to(d, side, wrist, np.array([-0.45, 0.0, out]), hand)


def stand(d: Draft) -> None:
    """Quiet standing: even, on one leg more than the other, or staggered; arms hang, or hands on the hips."""
    posture(d)
    width = hip_width(d.rig) * d.between(0.75, 1.9)
    plants = stance(d, width, stagger=d.vary(0, 0.05, -0.12, 0.12), toe_out=d.vary(9, 4), spread=3)
    weight = {"r": 0.5, "l": 0.5}
    knees = {"r": d.vary(5, 2.5, 1.5), "l": d.vary(5, 2.5, 1.5)}
    if d.chance(0.35):  # contrapposto: weight on one leg, that hip up, the spine bends back over it
        loaded, free = d.side()
        weight = {loaded: d.between(0.65, 0.8)}
        weight[free] = 1 - weight[loaded]
        knees[free] += d.between(8, 22)
        drop = d.between(2, 6) * (1 if free == "r" else -1)
        pelvis(d, tilt=float(np.degrees(d.q[0])), lean=drop, turn=d.vary(0, 3))
        trunk(d, (d.vary(-1, 3), -0.75 * drop, 0), (d.vary(-3, 3), -0.4 * drop, d.vary(0, 2)))
    look(d)
    hips = d.chance(0.12)
    both = d.chance(0.6)

    def arms() -> None:
        if not hips:
            return
        for side in "rl" if both else "r":
            hand_on_hip(d, side)

    arms_hang(d)
    settle(d, plants, knees, weight, arms)


def lumbopelvic(total: float, lumbar_max: float = 48.0, early: float = 0.62) -> tuple[float, float]:
    """Split forward bending `total` deg into lumbar and pelvic parts: the spine leads, the hips finish (C5)."""
    lumbar = lumbar_max * tanh(early * total / lumbar_max)
    return lumbar, total - lumbar


def bend_forward(d: Draft) -> None:
    """Stooping with straight or slightly bent knees; arms hang, reach for the toes, or rest on the thighs."""
    style = d.rng.choice(["hang", "reach", "rest"], p=[0.45, 0.3, 0.25])
    # hands find the thighs only in the middle of the way down
    total = (26 + 48 * d.phase if style == "rest" else 12 + 88 * d.phase) * d.between(0.9, 1.05)
    lumbar, tilt = lumbopelvic(total, d.vary(46, 5), d.vary(0.62, 0.07))
    turn = d.vary(0, 3)
    pelvis(d, tilt=-tilt, lean=d.vary(0, 1.5), turn=d.vary(0, 2))
    trunk(d, (-lumbar, d.vary(0, 2), turn * 0.2), (-min(0.2 * total, 18) + d.vary(0, 2), d.vary(0, 2), turn))
    neck_turn(d, d.vary(6 + 0.12 * total, 8), d.vary(0, 3), d.vary(0, 8))
    plants = stance(d, hip_width(d.rig) * d.between(0.8, 2.2), d.vary(0, 0.03), d.vary(9, 4))
    along, swing = d.between(0.62, 0.8), d.vary(0, 4)
    elbows, out = d.vary(12, 5, 4), d.vary(6, 3, 1)

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        for side, sign in (("r", 1.0), ("l", -1.0)):
            if style == "rest":
                hand_on_thigh(d, side, along, frames)
                continue
            forward = (22 if style == "reach" else 4) + swing
            upper = direction(forward=forward, out=sign * out)
            arm_along(d, side, upper, direction(forward + elbows, sign * (out - 4)), frames=frames)

    settle(d, plants, d.vary(6 + 0.06 * total, 3, 3), arms=arms)


def extend(d: Draft) -> None:
    """Leaning back: hips forward, the column extended, hands on the hips or arms hanging or raised."""
    amount = 0.25 + 0.75 * d.phase
    lumbar, thoracic = amount * d.vary(17, 3), amount * d.vary(9, 2)
    pelvis(d, tilt=amount * d.vary(9, 2.5), turn=d.vary(0, 2))
    trunk(d, (lumbar, d.vary(0, 1.5), d.vary(0, 1)), (thoracic, d.vary(0, 1.5), d.vary(0, 2)))
    neck_turn(d, amount * d.vary(22, 9), d.vary(0, 2), d.vary(0, 5))
    plants = stance(d, hip_width(d.rig) * d.between(0.9, 1.8), d.vary(0, 0.02), d.vary(9, 4))
    style = d.rng.choice(["hips", "hang", "up"], p=[0.5, 0.25, 0.25])
    if style == "up":
        for side in "rl":
            arm_pose(d, side, d.vary(42, 9), d.vary(150, 10, 0, 168), d.vary(-15, 12), d.vary(18, 7), d.vary(85, 15))
    else:
        arms_hang(d)

    def arms() -> None:
        if style == "hips":
            hand_on_hip(d, "r")
            hand_on_hip(d, "l")

    settle(d, plants, d.vary(7, 3, 2), arms=arms)


def side_bend(d: Draft) -> None:
    """Lateral bending: one hand slides down the thigh, the other hangs, goes to the hip, or reaches overhead."""
    side, other = d.side()
    sign = 1.0 if side == "r" else -1.0
    amount = 0.2 + 0.8 * d.phase
    lumbar, thoracic = sign * amount * d.vary(15, 3), sign * amount * d.vary(13, 3)
    pelvis(d, tilt=d.vary(0, 2), lean=-sign * amount * d.vary(4, 2), turn=d.vary(0, 3))
    trunk(d, (d.vary(-2, 3), lumbar, 0), (d.vary(-3, 3), thoracic, d.vary(0, 2)))
    neck_turn(d, d.vary(0, 4), sign * amount * d.vary(10, 5), d.vary(0, 6))
    plants = stance(d, hip_width(d.rig) * d.between(1.1, 2.6), d.vary(0, 0.02), d.vary(10, 4))
    arms_hang(d)
    style = d.rng.choice(["hang", "hip", "over"], p=[0.35, 0.3, 0.35])
    if style == "over":
        arm_pose(d, other, d.vary(15, 12), d.vary(150, 9, 0, 168), d.vary(-10, 15), d.vary(25, 12), d.vary(90, 20))

    def arms() -> None:
        if style == "hip":
            hand_on_hip(d, other)

    settle(d, plants, d.vary(5, 2, 2), arms=arms)


def twist(d: Draft) -> None:
    """Axial rotation of the trunk over planted feet, the head leading; arms hang, swing along or fold in front."""
    sign = 1.0 if d.chance(0.5) else -1.0
    amount = 0.2 + 0.8 * d.phase
    hips = sign * amount * d.vary(18, 8)
    pelvis(d, tilt=d.vary(-1, 2), turn=hips)
    trunk(d, (d.vary(-2, 3), 0, sign * amount * 6.5), (d.vary(-3, 3), 0, sign * amount * d.vary(26, 4)))
    neck_turn(d, d.vary(0, 5), d.vary(0, 2), sign * amount * d.vary(30, 14))
    plants = stance(d, hip_width(d.rig) * d.between(1.1, 2.4), d.vary(0, 0.03), d.vary(10, 4))
    style = d.rng.choice(["hang", "wide", "front"], p=[0.4, 0.3, 0.3])
    if style == "hang":
        arms_hang(d, slack=2.0)
    elif style == "wide":
        for side in "rl":
            arm_pose(d, side, d.vary(15, 10), d.vary(78, 9), d.vary(0, 15), d.vary(18, 8), d.vary(85, 15))
    else:
        for side in "rl":
            arm_pose(d, side, d.vary(68, 8), d.vary(52, 10), d.vary(38, 10), d.vary(95, 10), d.vary(85, 15))
    settle(d, plants, d.vary(6, 2, 2))


def reach(d: Draft) -> None:
    """Reaching with one or both hands: up, forward, across or out to the side, the trunk going along."""
    side, other = d.side()
    sign = 1.0 if side == "r" else -1.0
    where = d.rng.choice(["up", "forward", "side", "across", "low"], p=[0.28, 0.28, 0.16, 0.14, 0.14])
    far = 0.3 + 0.7 * d.phase
    both = where in ("up", "forward") and d.chance(0.5)
    aim = {  # where the hand goes: degrees above horizontal, degrees outwards from straight ahead
        "up": (d.vary(68, 8), d.vary(12, 10)), "forward": (d.vary(5, 14), d.vary(5, 10)),
        "side": (d.vary(8, 14), d.vary(78, 10)), "across": (d.vary(5, 12), d.vary(-32, 7)),
        "low": (d.vary(-38, 8), d.vary(10, 14)),
    }[where]  # fmt: skip
    lean = far * {"up": -4, "forward": 14, "side": 3, "across": 8, "low": 38}[where]
    bend = sign * far * {"up": -7, "forward": 0, "side": 9, "across": 0, "low": 2}[where] * (0.3 if both else 1)
    turn = -sign * far * {"up": -5, "forward": -9, "side": 12, "across": -22, "low": -8}[where] * (0 if both else 1)
    lumbar, tilt = lumbopelvic(max(lean, 0))
    pelvis(d, tilt=-tilt + (-lean * 0.5 if lean < 0 else 0), lean=0.2 * bend, turn=0.3 * turn)
    trunk(d, (-lumbar, 0.45 * bend, 0.12 * turn), (-0.2 * max(lean, 0) + d.vary(-1, 2), 0.5 * bend, 0.75 * turn))
    up, out = aim
    gaze(d, up * 0.55 + d.vary(0, 5), -sign * out * 0.5 + d.vary(0, 6), 0, 0.1)
    plants = stance(d, hip_width(d.rig) * d.between(0.9, 2.0), d.vary(0.02, 0.12, -0.25, 0.25) * sign, d.vary(9, 4))
    straight = 0.78 + 0.18 * far + d.vary(0, 0.02)
    spin = d.vary(85, 25)
    arms_hang(d)

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        for s in (side, other) if both else (side,):
            g = 1.0 if s == "r" else -1.0
            toward = rotation(up, "z", -g * out, "y") @ np.array([1.0, 0.0, 0.0])
            start = body_point(frames, f"humphant_{s}")
            arm_to(
                d, s, start + straight * d.rig.arms[s].length * toward, np.array([-0.3, -0.9, 0.45 * g]), frames=frames
            )
            d.q[d.rig.index[f"pro_sup_{s}"]] = np.radians(min(max(spin, 20), 150))
            d.q[d.rig.index[f"wrist_flex_{s}"]] = np.radians(-12.0)

    settle(d, plants, d.vary(6, 3, 2), arms=arms)


def _about(axis: np.ndarray, degrees: float) -> np.ndarray:
    a = axis / np.linalg.norm(axis)
    k = np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])
    t = np.radians(degrees)
    return np.eye(3) + np.sin(t) * k + (1 - np.cos(t)) * (k @ k)
