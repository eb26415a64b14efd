"""On a seat: at a desk, at the wheel, and getting up."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import Draft, arm_to, gaze, get, pelvis
from biomech.activities.floor import SIGN
from biomech.activities.ground import capsule_bottoms, hip_width, place_feet, settle
from biomech.activities.keys import course
from biomech.activities.perform import foot_at, set_hand
from biomech.activities.rig import frames_of
from biomech.activities.spine_use import table_trunk
from biomech.activities.upright import hand_on_thigh


def desk(d: Draft) -> None:
    """Working at a desk: hands at the keyboard, or one to the side for mouse or phone; leaning in or slumped back."""
    main, off = d.side()
    s = d.rig.stature
    table_trunk(d, "desk")
    lean = d.vary(2, 7)
    pelvis(d, tilt=lean - 0.45 * float(np.degrees(d.targets[0])), turn=d.sign * d.vary(0, 4))
    _sit(d, d.between(0.235, 0.265) * s)
    width = 0.5 * hip_width(d.rig) / s * d.between(0.8, 1.7)
    ahead = _knee_ahead(d) + d.vary(0.06, 0.035)
    for_tuck = ahead < _knee_ahead(d)
    place_feet(d, [foot_at(d, k, ahead, width, 8 + d.vary(0, 3), -18.0 if for_tuck else 0.0) for k in (main, off)])
    d.contacts = ("pelvis", *d.contacts)
    mouse = d.chance(0.4)
    height, near = d.between(0.385, 0.41) * s, d.between(0.19, 0.23)
    frames = frames_of(d.rig, d.q)
    chest = frames[d.rig.rows["T4"], :3, 3]
    for k, role in ((main, "main"), (off, "off")):
        z = SIGN[k]
        aside = 0.17 if mouse and role == "main" else 0.06
        wrist = np.array([chest[0] + near * s, height, z * aside * s])
        arm_to(d, k, wrist, np.array([-0.5, -0.5, 0.6 * z]), frames=frames)
        set_hand(d, k, 145, -8, 6)


def drive(d: Draft) -> None:
    """At the wheel: low seat, reclined, legs ahead, hands on a wheel that turns from side to side (cycle)."""
    main, off = d.side()
    g, s, t = d.sign, d.rig.stature, d.phase
    table_trunk(d, "drive")
    recline = d.vary(24, 3)
    pelvis(d, tilt=recline - 0.35 * float(np.degrees(d.targets[0])))
    steer = float(np.cos(2 * np.pi * t))
    gaze(d, d.vary(-3, 3), g * (24 * steer + d.vary(0, 4)), 0, 0.05)
    _sit(d, d.between(0.15, 0.18) * s)
    ahead = _knee_ahead(d) + d.between(0.15, 0.18)
    place_feet(
        d,
        [
            foot_at(d, main, ahead, 0.055, 6 + d.vary(0, 3), 18.0),
            foot_at(d, off, ahead - 0.03, 0.085, 10 + d.vary(0, 3), 14.0),
        ],
    )
    d.contacts = ("pelvis", *d.contacts)
    frames = frames_of(d.rig, d.q)
    chest = frames[d.rig.rows["T4"], :3, 3]
    hub = chest + np.array([d.between(0.24, 0.27), -0.05 + d.vary(0, 0.01), 0.0]) * s
    angle, reach = np.radians(g * 48 * steer), 0.105 * s
    for k, z in SIGN.items():
        # ten to two, turned with the wheel, which leans towards the driver
        a = np.radians(90 - 62 * z) + angle
        rim = np.array([0.35 * np.sin(a), 0.94 * np.sin(a), np.cos(a)]) * reach
        arm_to(d, k, hub + rim, np.array([-0.35, -0.8, 0.5 * z]), frames=frames)
        set_hand(d, k, 95, -12, 4)


def sit_to_stand(d: Draft) -> None:
    """Getting up from a seat: sitting (0), leaning forward, off the seat (.38), to standing (1)."""
    s, t = d.rig.stature, d.phase
    table_trunk(d, "sit_to_stand")
    seat = d.between(0.24, 0.27) * s
    lean = d.vary(1.0, 0.08, 0.85, 1.15)
    slope = course(t, (0.0, (2.0,)), (0.36, (46.0,)), (0.6, (40.0,)), (1.0, (0.0,)))[0] * lean
    angles = np.degrees(d.targets)
    pelvis(d, tilt=-(slope + 0.8 * (angles[0] + 0.6 * angles[3])))
    gaze(d, course(t, (0.0, (-6.0,)), (0.4, (-20.0,)), (1.0, (-3.0,)))[0] + d.vary(0, 4), d.vary(0, 5), 0, 0.25)
    width, out, tuck = d.between(0.065, 0.1), d.vary(9, 4), d.vary(-0.02, 0.012)
    on_thighs = d.chance(0.5)
    rest = d.vary(0.66, 0.06)
    left = 0.36  # the phase at which the seat is left

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        if on_thighs:  # sliding up the thighs as the trunk rises
            along = course(t, (0.0, (rest,)), (0.5, (rest,)), (1.0, (0.4,)))[0]
            for k in "rl":
                hand_on_thigh(d, k, along, frames)
        else:
            chest = frames[d.rig.rows["T4"]]
            reach = course(t, (0.0, (0.2,)), (0.4, (0.27,)), (1.0, (0.12,)))[0]
            drop = course(t, (0.0, (0.06,)), (0.3, (-0.04,)), (0.55, (-0.04,)), (1.0, (0.26,)))[0]
            for k, z in SIGN.items():
                wrist = chest[:3, 3] + chest[:3, :3] @ np.array([reach, -drop, z * 0.1]) * s
                arm_to(d, k, wrist, np.array([-0.5, -0.5, 0.7 * z]), frames=frames)
                set_hand(d, k, 85, -6, 3)

    _sit(d, seat)
    start = _knee_ahead(d) + 0.01 + tuck  # of the balls of the feet, when the seat is left
    calf = 0.055 * s  # who gets up sits near the edge: so far behind his ankles, m
    d.props["seat_front"] = foot_at(d, "r", start, width, out).x - calf
    if t < left:
        ahead = start + 0.05 * (1 - t / left)
        place_feet(d, [foot_at(d, k, ahead, width, out) for k in "rl"])
        d.contacts = ("pelvis", *d.contacts)
        arms()
        return
    # risen: the knees open from where sitting left them
    place_feet(d, [foot_at(d, k, start, width, out) for k in "rl"])
    bent = get(d, "knee_angle_r")
    d.support = "feet"
    share = course((t - left) / (1 - left), (0.0, (0.0,)), (1.0, (1.0,)))[0]
    settle(d, [foot_at(d, k, 0.0, width, out) for k in "rl"], max(bent + share * (6 - bent), 5), arms=arms, sway=0.01)
    d.props["seat_front"] = d.plants[0].x - calf - float(d.q[3])  # the seat stays where it was


def _sit(d: Draft, seat: float) -> None:
    """Lower the pelvis onto a seat `seat` m high."""
    d.q[3:6] = 0.0
    d.q[4] = seat - float(capsule_bottoms(d.rig, frames_of(d.rig, d.q), ("pelvis",)).min()) - 0.006
    d.support = "seated"
    d.props["seat_height"] = seat


def _knee_ahead(d: Draft) -> float:
    """How far ahead of the hips a knee comes when the shank stands upright on the floor, statures."""
    leg = d.rig.legs["r"]
    thigh, shank = -float(leg.knee[1]), -float(leg.ankle[1])
    drop = min(max((d.q[4] - shank - d.rig.soles["r"].height) / thigh, -0.6), 0.6)
    return thigh * float(np.sqrt(1 - drop * drop)) / d.rig.stature
