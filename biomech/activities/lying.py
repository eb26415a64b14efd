"""Lying on the floor: on the back, face down, on a side, and the cobra; the floor meets what carries the weight."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import (
    Draft,
    arm_along,
    arm_pose,
    arm_to,
    body_point,
    front,
    get,
    neck_turn,
    pelvis,
    put,
    radius,
    trunk,
)
from biomech.activities.floor import SIGN, hand_height, palm, solve_for
from biomech.activities.ground import Plant, capsule_bottoms, hip_width, lowest, place_feet
from biomech.activities.rig import frames_of

_CHEST = ("T4", "T8")


def lie_supine(d: Draft) -> None:
    """On the back: legs long, or knees up with the feet flat; arms beside, overhead, or a hand on the belly."""
    trunk(d, (d.vary(-4, 4), d.vary(0, 2), 0), (d.vary(4, 3), d.vary(0, 2), d.vary(0, 2)))
    neck_turn(d, 0, d.vary(0, 3), d.vary(0, 14))
    knees_up = d.chance(0.4)
    _level(d, 90.0, ("pelvis",), _CHEST)
    _head_down(d)
    _rest(d, ("pelvis", *_CHEST))
    if knees_up:
        bend = d.between(0.42, 0.6) * d.rig.legs["r"].length
        half = 0.5 * hip_width(d.rig) * d.between(0.9, 1.8)
        place_feet(d, [Plant(k, bend + d.vary(0, 0.03), g * half, d.vary(4, 4)) for k, g in SIGN.items()])
    else:
        for k in "rl":
            spread, roll = d.vary(-7, 4), d.vary(-24, 8)
            put(d, **{f"hip_adduction_{k}": spread, f"hip_rotation_{k}": roll, f"knee_angle_{k}": d.vary(6, 3, 2)})
            put(d, **{f"ankle_angle_{k}": d.vary(-22, 6)})
            _lower_leg(d, k, 2.0)
    legs = d.contacts if knees_up else ("calcn_r", "calcn_l")
    _lies_on(d, ("pelvis", "T4", "T8", "skull", *legs))
    style = d.rng.choice(["beside", "wide", "belly", "over"], p=[0.4, 0.25, 0.2, 0.15])
    frames, s = frames_of(d.rig, d.q), d.rig.stature
    for k, g in SIGN.items():
        start, arm = body_point(frames, f"humphant_{k}"), d.rig.arms[k]
        if style == "belly":
            rise = front(d, "L2") + radius(d, f"hand_{k}")
            belly = body_point(frames, "L2", np.array([rise, (0.01 + 0.015 * g) * s, 0.052 * g * s]))
            arm_to(d, k, belly, np.array([0.1, -0.5, g]), palm(np.array([0.25, 0.0, -g])), frames=frames)
            continue
        along, out = {"beside": (1.0, 0.35), "wide": (0.45, 0.9), "over": (-0.85, 0.5)}[style]
        ray = np.array([along, 0.0, g * (out + d.vary(0, 0.06))])  # the feet are at +x
        wrist = start + 0.982 * arm.length * ray / np.linalg.norm(ray)
        wrist[1] = hand_height(d) + 0.012
        # the elbow rests on the floor, its crook up; overhead it points outwards
        hint = np.array([0.0, -0.5, 0.8 * g]) if style != "over" else np.array([0.0, -0.3, g])
        arm_to(d, k, wrist, hint, frames=frames)
        put(d, **{f"pro_sup_{k}": d.vary(60 if style != "over" else 20, 25), f"wrist_flex_{k}": d.vary(0, 6)})


def lie_prone(d: Draft) -> None:
    """Face down: legs long, head turned to a side, arms beside the head or along the body."""
    g_head = 1.0 if d.chance(0.5) else -1.0
    trunk(d, (d.vary(-9, 3), d.vary(0, 2), 0), (d.vary(3, 3), d.vary(0, 2), d.vary(0, 2)))
    neck_turn(d, 0, d.vary(0, 4), g_head * d.vary(58, 7))
    for k in "rl":
        put(d, **{
            f"hip_flexion_{k}": -2.0, f"knee_angle_{k}": d.vary(4, 2, 1), f"ankle_angle_{k}": d.vary(-52, 4),
            f"hip_adduction_{k}": d.vary(-6, 4), f"hip_rotation_{k}": d.vary(4, 6), f"subtalar_angle_{k}": d.vary(6, 4),
        })  # fmt: skip
    _level(d, -90.0, ("pelvis",), _CHEST)
    _head_down(d)
    _rest(d, ("pelvis", "L2", *_CHEST))
    for k in "rl":
        _lower_leg(d, k, -2.0)
    _lies_on(d, ("pelvis", "L2", "T4", "T8", "skull", "tibia_r", "tibia_l", "toes_r", "toes_l"))
    _prone_arms(d, d.rng.choice(["head", "along", "mixed"], p=[0.5, 0.3, 0.2]))


def _prone_arms(d: Draft, style: str) -> None:
    frames, s = frames_of(d.rig, d.q), d.rig.stature
    for k, g in SIGN.items():
        start, arm = body_point(frames, f"humphant_{k}"), d.rig.arms[k]
        if style == "along" or (style == "mixed" and k == "l"):
            wrist = start + np.array([-0.93 * arm.length, 0, g * 0.06 * s])
            wrist[1] = hand_height(d) + 0.01
            arm_to(d, k, wrist, np.array([0.0, 0.3, g]), palm(np.array([-1.0, 0.0, 0.0]), up=True), frames=frames)
            continue
        wrist = np.array([start[0] + d.vary(0.13, 0.02) * s, hand_height(d), g * d.vary(0.19, 0.02) * s])
        fingers = np.array([1.0, 0.0, -0.35 * g])
        arm_to(d, k, wrist, np.array([-0.4, 0.1, g]), palm(fingers), frames=frames)


def lie_side(d: Draft) -> None:
    """On one side, hips and knees bent, the lower shoulder drawn forward, head low, hands in front."""
    down, upper = d.side()
    g = SIGN[down]
    s = d.rig.stature
    hips, knees = d.vary(48, 14, 15), d.vary(62, 16, 20)
    trunk(d, (d.vary(-12, 6), 0, 0), (d.vary(-8, 4), 0, 0))
    for k, more in ((down, 0.0), (upper, d.vary(8, 6, 0))):
        put(d, **{
            f"hip_flexion_{k}": hips + more, f"knee_angle_{k}": knees + more, f"ankle_angle_{k}": d.vary(-18, 6),
            f"hip_adduction_{k}": 0.0,
        })  # fmt: skip
    # nobody lies on the point of the shoulder: the arm goes forward and takes the girdle along
    arm_pose(d, down, d.vary(96, 4), d.vary(84, 6), d.vary(-62, 10), d.vary(88, 18), d.vary(95, 15))
    put(d, **{f"clav_prot_{down}": 28.0, f"clav_elev_{down}": 6.0})
    shoulder = (f"humerus_{down}", *_CHEST)
    _level(d, 90.0 * g, ("pelvis",), shoulder, axis=1)

    neck_turn(d, d.vary(-6, 4), g * d.vary(33, 5), d.vary(0, 6))  # the head sinks onto the arm
    _rest(d, ("pelvis", *shoulder))
    for k in (down, upper):
        # the legs come to rest on the floor and on each other
        want = 0.004 if k == down else 2 * radius(d, "tibia_r") - 0.012

        def sink(adduction: float, k: str = k, want: float = want) -> float:
            put(d, **{f"hip_adduction_{k}": adduction})
            return lowest(d.rig, frames_of(d.rig, d.q), (f"tibia_{k}", f"calcn_{k}")) - want

        if solve_for(sink, 0.0, 3.0, -40.0, 28.0) is None:
            d.failure = "legs do not come to rest"
            return
    _lies_on(d, ("pelvis", f"humerus_{down}", "T4", "T8", f"tibia_{down}"))
    frames = frames_of(d.rig, d.q)
    chest = frames[d.rig.rows["T4"]]
    wrist = body_point(frames, f"humphant_{down}") + (chest[:3, 0] * d.vary(0.10, 0.02) + chest[:3, 1] * 0.17) * s
    wrist[1] = hand_height(d) + 0.01
    arm_to(d, down, wrist, chest[:3, 0] - 0.3 * chest[:3, 1] + np.array([0.0, 0.15, 0.0]), frames=frames)
    put(d, **{f"clav_prot_{down}": 28.0, f"clav_elev_{down}": 6.0, f"pro_sup_{down}": d.vary(70, 12)})
    wrist = chest[:3, 3] + (chest[:3, 0] * d.vary(0.27, 0.02) - chest[:3, 1] * d.vary(0.1, 0.03)) * s
    wrist[1] = hand_height(d) + 0.01
    ahead = (wrist - body_point(frames, f"humphant_{upper}")) * (1, 0, 1)
    arm_to(d, upper, wrist, np.array([0.0, 0.5, 0.0]) - 0.8 * chest[:3, 1], palm(ahead), frames=frames)


def cobra(d: Draft) -> None:
    """Face down with the chest raised: the column extended, on the forearms or the hands."""
    amount = 0.45 + 0.55 * d.phase
    trunk(d, (20 * amount + d.vary(2, 1.5), 0, 0), (11 * amount + d.vary(1, 1.5), d.vary(0, 1), d.vary(0, 2)))
    neck_turn(d, 10 + 24 * amount + d.vary(0, 6), 0, d.vary(0, 6))
    for k in "rl":
        put(d, **{
            f"hip_flexion_{k}": -9 * amount, f"knee_angle_{k}": d.vary(5, 2, 2), f"ankle_angle_{k}": d.vary(-52, 4),
            f"hip_adduction_{k}": d.vary(-5, 3), f"hip_rotation_{k}": d.vary(0, 4),
        })  # fmt: skip
    pelvis(d, tilt=-90 + 14 * amount)
    _rest(d, ("pelvis",))
    for k in "rl":
        _lower_leg(d, k, -2.0)
    _lies_on(d, ("pelvis", "L2", "tibia_r", "tibia_l", "toes_r", "toes_l"))
    d.contacts = (*d.contacts, "hand_r", "hand_l")
    frames, s = frames_of(d.rig, d.q), d.rig.stature
    ahead, sphinx = d.vary(0.01, 0.02) * s, d.chance(0.4)
    for k, g in SIGN.items():
        start = body_point(frames, f"humphant_{k}")
        wrist = np.array([start[0] + ahead, hand_height(d), start[2] + 0.02 * g * s])
        if sphinx and _elbowdrop(d, k, start) < 1.02:  # elbows on the floor in front of the shoulders
            for _ in range(2):  # the girdle moves with the arm, so once more
                frames = frames_of(d.rig, d.q)
                drop = min(_elbowdrop(d, k, body_point(frames, f"humphant_{k}")), 0.995)
                upper = np.array([float(np.sqrt(1 - drop * drop)), -drop, 0.0])
                arm_along(d, k, upper, np.array([0.99, -0.06, -0.15 * g]), pronation=150, frames=frames)
            continue
        arm_to(d, k, wrist, np.array([-0.9, 0.5, 0.4 * g]), palm(np.array([1.0, 0.0, -0.25 * g])), frames=frames)
        if get(d, f"wrist_flex_{k}") < -88.0:
            put(d, **{f"wrist_flex_{k}": -85.0})


def _lies_on(d: Draft, candidates: tuple[str, ...]) -> None:
    """Of the bodies that could bear the weight, keep those that touch."""
    frames = frames_of(d.rig, d.q)
    d.support, d.contacts = "lying", tuple(b for b in candidates if lowest(d.rig, frames, (b,)) < 0.012)


def _elbowdrop(d: Draft, side: str, shoulder: np.ndarray) -> float:
    """Fraction of the upper arm's length by which an elbow on the floor lies below the shoulder."""
    return float(shoulder[1] - radius(d, f"humerus_{side}")) / float(np.linalg.norm(d.rig.arms[side].elbow))


def _level(d: Draft, turn: float, first: tuple[str, ...], second: tuple[str, ...], axis: int = 0) -> None:
    """Turn the pelvis about `turn` deg so that two parts of the trunk lie equally low."""
    d.q[3:6] = 0.0

    def gap(angle: float) -> float:
        d.q[axis] = np.radians(angle)
        frames = frames_of(d.rig, d.q)
        return lowest(d.rig, frames, first) - lowest(d.rig, frames, second)

    if solve_for(gap, turn, 3.0, turn - 30, turn + 30) is None:
        d.failure = "trunk does not lie level"


def _head_down(d: Draft) -> None:
    """Bend the neck until the head lies as low as the chest."""
    lb, ar = np.degrees(d.targets[7:])

    def gap(fe: float) -> float:
        neck_turn(d, fe, lb, ar)
        frames = frames_of(d.rig, d.q)
        return lowest(d.rig, frames, ("skull",)) - lowest(d.rig, frames, _CHEST)

    if solve_for(gap, 0.0, 4.0, -45.0, 50.0) is not None:
        return
    # a deep chest holds the head off the floor: as low as the neck comfortably goes
    best = min((-28.0, -14.0, 0.0, 14.0, 28.0), key=lambda fe: abs(gap(fe)))
    if abs(gap(best)) > 0.07:
        d.failure = "head does not reach the floor"


def _rest(d: Draft, bodies: tuple[str, ...]) -> None:
    d.q[4] -= lowest(d.rig, frames_of(d.rig, d.q), bodies)


def _lower_leg(d: Draft, side: str, step: float) -> None:
    """Move the hip until the leg touches the floor."""
    names = tuple(f"{b}_{side}" for b in ("tibia", "calcn", "toes"))

    def gap(flexion: float) -> float:
        put(d, **{f"hip_flexion_{side}": flexion})
        return float(capsule_bottoms(d.rig, frames_of(d.rig, d.q), names).min()) - 0.001

    if solve_for(gap, get(d, f"hip_flexion_{side}"), step, -28.0, 45.0) is None:
        d.failure = "leg does not reach the floor"
