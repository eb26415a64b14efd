"""Gymnastics: the bridge and the handstand."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np

from biomech.activities.draft import Draft, arm_along, arm_to, body_point, pelvis, put
from biomech.activities.floor import SIGN, hand_height, palm, solve_for
from biomech.activities.ground import lowest, place_feet
from biomech.activities.keys import course
from biomech.activities.perform import foot_at, free_leg
from biomech.activities.rig import frames_of, mass_centre
from biomech.activities.spine_use import table_trunk


def bridge(d: Draft) -> None:
    """The bridge on bent arms: belly up between flat feet and hands, elbows low, the column most extended (depth)."""
    t, s = d.phase, d.rig.stature
    table_trunk(d, "bridge")
    arm = d.rig.arms["r"].length
    lean = d.vary(-0.6, 0.04)  # rad from upright: stiff shoulders put the hands beyond the head
    reach = 0.8 + 0.14 * t  # elbows straighten with the rise
    open_ = radians(22 + 4 * t)  # extension of the hips
    height = (0.3 + 0.05 * t + d.vary(0, 0.006)) * s

    def gap(tilt: float) -> float:
        pelvis(d, tilt=tilt)
        d.q[3:6] = 0.0, height, 0.0
        frames = frames_of(d.rig, d.q)
        shoulder = sum(body_point(frames, f"humphant_{k}")[1] for k in "rl") / 2
        return float(shoulder - hand_height(d) - reach * arm * cos(lean))

    if solve_for(gap, 95.0, 4.0, 60.0, 140.0) is None:
        d.failure = "hands do not reach the floor"
        return
    # the thigh leaves the pelvis backwards by the open hip; the foot stands below the knee
    tilt = float(d.q[0])
    thigh = float(np.linalg.norm(d.rig.legs["r"].knee))
    knee = thigh * sin(tilt - open_)
    ahead = knee / s + d.vary(0.035, 0.01)
    wide, out, across = d.between(0.08, 0.11), d.vary(8, 3), d.between(0.09, 0.11)
    place_feet(d, [foot_at(d, k, ahead, wide, out) for k in "rl"])
    d.support, d.contacts = "hands_feet", (*d.contacts, "hand_r", "hand_l")
    frames = frames_of(d.rig, d.q)
    for k, z in SIGN.items():
        start = body_point(frames, f"humphant_{k}")
        wrist = np.array([start[0] + reach * arm * sin(lean), 0.08 * s, z * across * s])
        for _ in range(3):  # on the fingers: the arm moves until they touch
            arm_to(d, k, wrist, np.array([-0.5, 0.7, 0.35 * z]), frames=frames)
            put(d, **{f"pro_sup_{k}": 80.0, f"wrist_flex_{k}": -62.0, f"wrist_dev_{k}": 0.0})
            wrist[1] += 0.001 - lowest(d.rig, frames_of(d.rig, d.q), (f"hand_{k}",))


def handstand(d: Draft) -> None:
    """Kicking up into a handstand: legs split (0) to both straight above the hands (1)."""
    main, off = d.side()
    t = d.phase
    table_trunk(d, "handstand")
    lead, trail = course(t, (0.0, (-12.0, 88.0)), (0.5, (-4.0, 44.0)), (1.0, (2.0, 4.0)))
    bent = d.vary(6, 3, 3)
    free_leg(d, main, lead, bent, -44, 3, 0)
    free_leg(d, off, trail, bent + 10 * (1 - t), -44, 3, 0)
    up = d.vary(168, 3, 160, 172)
    apart = d.between(0.0, 0.04)

    def set_up(tilt: float) -> np.ndarray:
        pelvis(d, tilt=tilt)
        d.q[3:6] = 0.0, 1.0, 0.0
        frames = frames_of(d.rig, d.q)
        level = frames[d.rig.rows["T1"], :3, :3]
        for k, z in SIGN.items():
            c, w = cos(radians(180 - up)), sin(radians(180 - up))
            aim = level @ np.array([w, c, z * apart])
            arm_along(d, k, aim, aim, pronation=80, frames=frames)
        return frames_of(d.rig, d.q)

    def gap(tilt: float) -> float:
        frames = set_up(tilt)
        hands = sum(body_point(frames, f"hand_{k}")[0] for k in "rl") / 2
        # the weight lies over the knuckles, and the fingers point away from where the belly faces
        return float(mass_centre(d.rig, frames)[0] - hands) - 0.03 * d.rig.stature

    if solve_for(gap, 178.0, 3.0, 130.0, 240.0) is None:
        d.failure = "no balance on these hands"
        return
    frames = frames_of(d.rig, d.q)
    low = sum(body_point(frames, f"hand_{k}")[1] for k in "rl") / 2
    d.q[4] += hand_height(d) - float(low)
    frames = frames_of(d.rig, d.q)
    for k, z in SIGN.items():
        wrist = body_point(frames, f"hand_{k}").copy()
        wrist[1] = hand_height(d)
        fingers = np.array([1.0, 0.0, -0.1 * z])
        arm_to(d, k, wrist, np.array([-0.7, 0.0, 0.5 * z]), palm(fingers), frames=frames)
    d.q[0] = (d.q[0] + np.pi) % (2 * np.pi) - np.pi  # the same turn, named within half a circle
    d.support, d.contacts = "hands", ("hand_r", "hand_l")
