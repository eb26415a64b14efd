"""Sitting on a chair, stool or box: thighs about level, feet on the floor, pelvis rolled back by habit."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import (
    Draft,
    arm_along,
    arm_pose,
    arm_to,
    body_point,
    direction,
    gaze,
    neck_turn,
    pelvis,
    radius,
    trunk,
)
from biomech.activities.ground import Plant, capsule_bottoms, hip_width, place_feet
from biomech.activities.rig import frames_of
from biomech.activities.upright import hand_on_thigh


def sit(d: Draft) -> None:
    """Sitting upright, slouched, leaning on the knees, at a desk, twisting or reaching; props give the seat height."""
    s = d.rig.stature
    style = d.rng.choice(["upright", "slouch", "lean", "desk", "twist", "reach"], p=[0.25, 0.22, 0.14, 0.2, 0.1, 0.09])
    seat = d.between(0.232, 0.275) * s
    roll, lumbar, thoracic, lean = {
        "upright": (d.vary(9, 4), d.vary(-10, 5), d.vary(-3, 4), 0),
        "slouch": (d.vary(21, 5), d.vary(-26, 6), d.vary(-12, 4), 0),
        "lean": (d.vary(-16, 6), d.vary(-22, 5), d.vary(-12, 4), 0),
        "desk": (d.vary(6, 5), d.vary(-14, 6), d.vary(-8, 4), 0),
        "twist": (d.vary(7, 3), d.vary(-9, 4), d.vary(-3, 3), 0),
        "reach": (d.vary(-6, 5), d.vary(-14, 5), d.vary(-6, 4), 0),
    }[style]
    sign = 1.0 if d.chance(0.5) else -1.0
    turn = sign * (0.35 + 0.65 * d.phase) if style == "twist" else d.vary(0, 0.08)
    side_lean = d.vary(0, 3)
    pelvis(d, tilt=roll + lean, lean=d.vary(0, 1.5), turn=d.vary(0, 3))
    trunk(
        d,
        (lumbar, 0.6 * side_lean, 5.5 * turn),
        (thoracic, 0.4 * side_lean, 26 * turn),
    )
    if style == "lean":
        neck_turn(d, d.vary(16, 9), d.vary(0, 3), d.vary(0, 10))
    else:
        gaze(d, d.vary(-22 if style == "desk" else -6, 8), 40 * turn + d.vary(0, 12), d.vary(0, 3), 0.1)
    _seat(d, seat)
    _feet(d, seat, wide=style == "lean")
    d.support = "seated"
    d.props["seat_height"] = seat
    d.contacts = ("pelvis", *d.contacts)
    _arms(d, style, sign)


def _seat(d: Draft, seat: float) -> None:
    """Lower the pelvis until its capsule rests on the seat."""
    d.q[3:6] = 0.0
    bottom = float(capsule_bottoms(d.rig, frames_of(d.rig, d.q), ("pelvis",)).min())
    d.q[4] = seat - bottom - 0.006  # flesh gives a little


def _feet(d: Draft, seat: float, wide: bool) -> None:
    leg = d.rig.legs["r"]
    thigh, s = -float(leg.knee[1]), d.rig.stature
    hip_y = d.q[4]
    shank = -float(leg.ankle[1])
    drop = min(max((hip_y - shank - d.rig.soles["r"].height) / thigh, -0.25), 0.25)  # sine of the thigh's slope
    knee_x = thigh * float(np.sqrt(1 - drop * drop))
    tuck = d.vary(0.02, 0.045, -0.09, 0.10) * s  # ankles in front of (+) or behind the knees
    width = hip_width(d.rig) * (d.between(1.4, 2.4) if wide else d.between(0.7, 1.9))
    plants = []
    for side, sign in (("r", 1.0), ("l", -1.0)):
        x = knee_x + tuck + d.vary(0, 0.02) * s
        heel_up = tuck < -0.05 * s
        plants.append(
            Plant(
                side,
                x,
                sign * 0.5 * width + d.vary(0, 0.01),
                d.vary(7 + 40 * (width - 0.17), 4),
                -25.0 if heel_up else 0,
            )
        )
    place_feet(d, plants)


def _arms(d: Draft, style: str, sign: float) -> None:
    s = d.rig.stature
    lead = "r" if sign > 0 else "l"
    if style == "lean":
        frames = frames_of(d.rig, d.q)
        for k, g in (("r", 1.0), ("l", -1.0)):  # forearms on the thighs, hands between the knees
            knee, up = body_point(frames, f"tibia_{k}"), frames[d.rig.rows[f"femur_{k}"], :3, 0]
            lift = radius(d, f"femur_{k}") + radius(d, f"radius_{k}")
            wrist = knee + lift * up + np.array([0.0, 0.0, -0.025 * g * s])
            arm_to(d, k, wrist, np.array([-0.6, -0.6, 0.55 * g]), frames=frames)
            d.q[d.rig.index[f"pro_sup_{k}"]] = np.radians(d.vary(90, 12))
        return
    if style == "desk":
        for k in "rl":
            arm_pose(d, k, d.vary(66, 8), d.vary(34, 7), d.vary(14, 7), d.vary(80, 9), d.vary(135, 8))
        return
    frames = frames_of(d.rig, d.q)
    for k, g in (("r", 1.0), ("l", -1.0)):
        if style == "reach" and k == lead:
            rise, out = d.vary(5, 18), d.vary(12, 12)
            upper = direction(85 + rise, g * out)
            arm_along(d, k, upper, direction(95 + rise, g * out * 0.5), frames=frames)
        elif style in ("upright", "slouch") and d.chance(0.15):
            upper = direction(d.vary(4, 5), g * d.vary(10, 3))
            arm_along(d, k, upper, direction(d.vary(35, 10), g * 4), frames=frames)
        else:
            hand_on_thigh(d, k, d.vary(0.66, 0.1, 0.45, 0.85), frames)
