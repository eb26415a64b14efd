"""On the mat: sit-up, rotating V-sit, seated fold, seated twist. The buttocks carry the body, the floor is y = 0."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import Draft, arm_along, arm_to, body_point, neck_turn, pelvis, put, radius, trunk
from biomech.activities.floor import SIGN, solve_for
from biomech.activities.ground import capsule_bottoms, lowest, place_feet
from biomech.activities.keys import course
from biomech.activities.perform import foot_at, grip, set_hand
from biomech.activities.rig import frames_of
from biomech.activities.spine_use import table_trunk

_FLESH = 0.008  # m by which the buttocks flatten


def sit_up(d: Draft) -> None:
    """A sit-up: on the back with the knees up (0), curling (.4), to sitting with the hands beside the head or ahead."""
    t, s = d.phase, d.rig.stature
    table_trunk(d, "sit_up")
    flexed = d.targets.copy()
    trunk(d, (0, 0, 0), (0, 0, 0), (0, 0, 0))
    d.q[3:6] = 0.0

    def gap(tilt: float) -> float:
        pelvis(d, tilt=tilt)
        frames = frames_of(d.rig, d.q)
        return lowest(d.rig, frames, ("pelvis",)) - lowest(d.rig, frames, ("T4", "T8"))

    flat = solve_for(gap, 90.0, 3.0, 60.0, 115.0)
    if flat is None:
        d.failure = "trunk does not lie level"
        return
    trunk(d, *np.degrees(flexed).reshape(3, 3))
    end = d.vary(20, 5)
    share = course(t, (0.0, (0.0,)), (0.3, (0.08,)), (1.0, (1.0,)))[0]
    pelvis(d, tilt=flat + share * (end - flat))
    _sit_down(d, ("pelvis", "T4", "T8"))
    near, wide = d.between(0.2, 0.24), d.between(0.05, 0.09)
    place_feet(d, [foot_at(d, k, near + 0.075, wide, 6) for k in "rl"])
    d.support, d.contacts = "lying", ("pelvis", *d.contacts)
    at_head = d.chance(0.5)
    frames = frames_of(d.rig, d.q)
    skull, chest = frames[d.rig.rows["skull"]], frames[d.rig.rows["T4"]]
    for k, z in SIGN.items():
        if at_head:
            head = skull[:3, :3]
            wrist = skull[:3, 3] + head @ np.array([0.005, -0.05, z * 0.068]) * s
            palm_in, fingers = head @ np.array([0.0, 0.0, -z]), head @ np.array([-0.35, 0.94, 0.0])
            hand = np.stack([palm_in, -fingers, np.cross(palm_in, -fingers)], axis=1)
            arm_to(d, k, wrist, chest[:3, :3] @ np.array([0.25, 0.2, z]), hand, frames=frames)
        else:
            aim = chest[:3, :3] @ np.array([0.85, -0.5, 0.1 * z])
            aim = aim / np.linalg.norm(aim) + np.array([0.5, 0.12, 0.16 * z])
            arm_along(d, k, aim, aim, pronation=95, frames=frames)


def seated_rotation(d: Draft) -> None:
    """A V-sit leaning back, knees bent, turning from side to side with the hands together (cycle)."""
    main, off = d.side()
    t = d.phase
    table_trunk(d, "seated_rotation")
    pelvis(d, tilt=d.vary(40, 4))
    neck_turn(d, d.vary(-10, 5), 0, -d.sign * 22 * float(np.cos(2 * np.pi * t)))
    _sit_down(d, ("pelvis",))
    ahead, lift = d.vary(0.44, 0.012), d.between(0.04, 0.1) if d.chance(0.6) else 0.0
    place_feet(d, [foot_at(d, k, ahead, 0.05, 0, 34.0 if lift else 0.0, lift) for k in (main, off)])
    d.support, d.contacts = "lying", ("pelvis", *d.contacts)
    turn = -float(np.cos(2 * np.pi * t))
    grip(d, main, off, (0.165, 0.085, 0.04 * -turn), apart=0.022)
    for k in (main, off):
        set_hand(d, k, 92, -6, 4)


def seated_fold(d: Draft) -> None:
    """Long sitting, folding forward over straight legs, hands to shins or feet (depth)."""
    t, s = d.phase, d.rig.stature
    table_trunk(d, "seated_fold")
    pelvis(d, tilt=14 - (32 + d.vary(0, 4)) * t)
    _sit_down(d, ("pelvis",))
    _long_legs(d, d.vary(-4, 2), d.vary(5, 2, 2))
    d.support, d.contacts = "lying", ("pelvis", "calcn_r", "calcn_l")
    frames = frames_of(d.rig, d.q)
    along = d.vary(0.92, 0.05, 0.8, 1.0)
    for k, z in SIGN.items():
        knee, ankle = body_point(frames, f"tibia_{k}"), body_point(frames, f"talus_{k}")
        share = 0.15 + 0.8 * t * along
        aim = knee + share * (ankle - knee) + np.array([0.0, 0.052, z * 0.02]) * s
        arm_to(d, k, aim, np.array([-0.3, 0.1, z]), frames=frames)
        set_hand(d, k, 125, -6, 4)


def seated_twist(d: Draft) -> None:
    """Sitting with one knee drawn up and turning towards it, a hand behind, the other at the knee (depth)."""
    main, off = d.side()
    g, t, s = d.sign, d.phase, d.rig.stature
    d.sign = -g  # the table turns to the left of the right-handed: here towards the bent leg
    table_trunk(d, "seated_twist")
    d.sign = g
    pelvis(d, tilt=d.vary(8, 3), turn=-g * 6 * t)
    neck_turn(d, d.vary(2, 4), 0, -g * (10 + 38 * t))
    _sit_down(d, ("pelvis",))
    put(d, **{f"hip_adduction_{off}": -4, f"hip_rotation_{off}": -8, f"knee_angle_{off}": 5, f"ankle_angle_{off}": -14})
    _leg_down(d, off)
    place_feet(d, [foot_at(d, main, d.between(0.38, 0.41), 0.055, 2)])
    d.support, d.contacts = "lying", ("pelvis", *d.contacts, f"calcn_{off}")
    frames = frames_of(d.rig, d.q)
    behind = np.array([-0.15, 0.1, g * (0.17 - 0.06 * t)]) * s  # fingertips on the floor
    arm_to(d, main, behind, np.array([-0.8, 0.0, 0.5 * g]), frames=frames)
    set_hand(d, main, 95, -20, 0)
    knee = body_point(frames, f"tibia_{main}")
    hold = knee + np.array([0.035, 0.06, -g * 0.01]) * s
    arm_to(d, off, hold, np.array([0.0, 0.2, -0.9 * g]), frames=frames)
    set_hand(d, off, 110, 20, 0)


def _sit_down(d: Draft, bodies: tuple[str, ...]) -> None:
    """Put the lowest of `bodies` on the floor, flesh giving a little; the hips stand over the origin."""
    d.q[3:6] = 0.0
    seat = -float(capsule_bottoms(d.rig, frames_of(d.rig, d.q), bodies).min())
    d.q[4] = max(seat, radius(d, "femur_r")) - _FLESH  # thighs lie on the floor too


def _long_legs(d: Draft, apart: float, knee: float) -> None:
    ankle = d.vary(-8, 6)
    for k in "rl":
        put(d, **{
            f"hip_adduction_{k}": apart, f"hip_rotation_{k}": -8, f"knee_angle_{k}": knee, f"ankle_angle_{k}": ankle,
        })  # fmt: skip
        _leg_down(d, k)


def _leg_down(d: Draft, side: str) -> None:
    """Move the hip until the leg lies on the floor."""
    names = tuple(f"{b}_{side}" for b in ("tibia", "calcn", "toes"))

    def gap(flexion: float) -> float:
        put(d, **{f"hip_flexion_{side}": flexion})
        return float(capsule_bottoms(d.rig, frames_of(d.rig, d.q), names).min()) - 0.001

    start = 90.0 + float(np.degrees(-d.q[0]))
    if solve_for(gap, start, 2.0, 20.0, 135.0) is None:
        d.failure = "leg does not reach the floor"
