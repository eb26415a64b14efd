"""Work and daily chores on the feet: lifting from floor and table, with and without a twist, digging."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import Draft, arm_along, arm_to, body_point, direction, gaze, pelvis
from biomech.activities.floor import SIGN
from biomech.activities.ground import settle
from biomech.activities.keys import course
from biomech.activities.perform import foot_at, set_hand
from biomech.activities.rig import frames_of
from biomech.activities.spine_use import table_trunk
from biomech.activities.upright import hand_on_thigh

_WIDE = 0.075  # ball of the foot from the midline, statures


def lift_floor(d: Draft) -> None:
    """Lifting from the floor with bent knees: from the hands at the shins (0) to standing with the load at the hips."""
    _lift(d, "lift_floor", knees=(d.vary(84, 7), 42, 6), lean=(d.vary(52, 4), 32, 2), low=0.12, wide=1.9, ahead=0.15)


def lift_stoop(d: Draft) -> None:
    """Lifting from the floor with a stoop: nearly straight knees, the back and the hips doing it."""
    _lift(d, "lift_stoop", knees=(d.vary(26, 8, 12), 16, 6), lean=(d.vary(86, 5), 44, 2), low=0.13)


def lift_twist(d: Draft) -> None:
    """Lifting from the floor beside one foot and putting down to the other side: bend and twist together."""
    _lift(d, "lift_twist", knees=(d.vary(52, 14, 25), 30, 8), lean=(d.vary(66, 6), 34, 8), low=0.15, turn=(-22, 0, 34),
          aside=(34, 10, -6))  # fmt: skip


def lift_table(d: Draft) -> None:
    """Lifting from a table: reaching forward over it (0), drawing the load in, upright with it at the belly."""
    _lift(d, "lift_table", knees=(d.vary(12, 5, 5), 9, 6), lean=(d.vary(40, 6), 16, 2), low=0.44, ahead=0.34)


def table_twist(d: Draft) -> None:
    """Lifting from a table at one side and turning to put down at the other, the feet staying."""
    _lift(d, "table_twist", knees=(d.vary(14, 5, 5), 10, 12), lean=(d.vary(36, 6), 14, 16), low=0.44, ahead=0.31,
          turn=(-20, 0, 36), aside=(26, 4, -8))  # fmt: skip


def _lift(d: Draft, name: str, *, knees, lean, low: float, ahead: float = 0.17, wide: float = 1.1,
          turn=(0, 0, 0), aside=(0, 0, 0)) -> None:  # fmt: skip
    """Keys are (bottom, half way, top). `lean` is the trunk's from the vertical; `aside` where the load lies at the
    bottom, deg to the leading side."""
    main, off = d.side()
    g, s, t = d.sign, d.rig.stature, d.phase
    table_trunk(d, name)
    angles = np.degrees(d.targets)
    keys = list(zip((0.0, 0.5, 1.0), knees, strict=True))
    knee = course(t, *((p, (v,)) for p, v in keys))[0]
    slope, yaw, side = course(t, *((p, (lean[k], turn[k], aside[k])) for k, p in enumerate((0.0, 0.5, 1.0))))
    # the lumbar spine's part of the lean is the table's, the hips give the rest
    pelvis(d, tilt=-max(slope + 0.8 * (angles[0] + 0.6 * angles[3]), -4) + d.vary(0, 2), turn=g * (yaw + d.vary(0, 2)))
    wide, stagger, out = wide * d.between(0.85, 1.2), d.vary(0, 0.02), d.vary(8 + 7 * wide, 4)
    pivot = 0.8 * max(yaw, 0.0)  # the trailing foot turns on its ball
    plants = [
        foot_at(d, main, stagger, _WIDE * wide, out + d.vary(0, 3) - pivot, -0.9 * pivot),
        foot_at(d, off, -stagger, _WIDE * wide, out + d.vary(0, 3)),
    ]
    look, away = d.vary(-14, 8), d.vary(0, 5)
    pitch = course(t, (0.0, (-46.0,)), (0.6, (-18.0,)), (1.0, (0.0,)))[0]
    gaze(d, pitch + 0.5 * look, -g * side + g * 0.5 * yaw + away, 0, 0.35)
    grip, drop, near = (
        d.between(0.07, 0.11) * s / wide**0.5,
        d.vary(0.25 if turn[2] else 0.28, 0.015),
        d.between(0.2, 0.23),
    )

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        chest = frames[d.rig.rows["T4"]]
        across = chest[:3, 2]
        floor_point = sum((body_point(frames, f"toes_{k}") for k in "rl"), np.zeros(3)) / 2
        bearing = np.radians(-side * g)  # to the leading side
        toward = np.array([np.cos(bearing), 0.0, -np.sin(bearing)])
        start = floor_point * (1, 0, 1) + (ahead - 0.07) * s * toward
        start[1] = low * s
        waist = chest[:3, 3] + chest[:3, :3] @ np.array([near, -drop, 0.0]) * s
        # the load comes up close to the body: in first, then up
        inward, up = course(t, (0.0, (0.0, 0.0)), (0.5, (0.45, 0.42)), (1.0, (1.0, 1.0)))
        middle = start + (waist - start) * np.array([inward, up, inward])
        for k, z in SIGN.items():
            hint = np.array([-0.45, -0.1, 0.0]) + 0.8 * z * across
            arm_to(d, k, middle + z * grip * across, hint, frames=frames)
            set_hand(d, k, 80 + d.wrist[0], -8, 4)

    settle(d, plants, {main: knee, off: knee}, arms=arms, sway=0.012)


def pick_up(d: Draft) -> None:
    """Picking up a small thing: stooping down on one side with one hand (.8), the other on the thigh or hanging."""
    main, off = d.side()
    g, s, t = d.sign, d.rig.stature, d.phase
    table_trunk(d, "pick_up")
    slope, knee, yaw = course(t, (0.0, (0, 6, 0)), (0.8, (100, 34, -8)), (1.0, (80, 28, -4)))
    deep = d.vary(1.0, 0.05, 0.9, 1.08)
    angles = np.degrees(d.targets)
    pelvis(d, tilt=-max(slope * deep + 0.8 * (angles[0] + 0.6 * angles[3]), 0), turn=g * (yaw + d.vary(0, 2)))
    stagger = d.vary(0.045, 0.03)
    plants = [foot_at(d, main, stagger, 0.06, 8 + d.vary(0, 3)), foot_at(d, off, -stagger, 0.06, 10 + d.vary(0, 3))]
    gaze(d, course(t, (0.0, (-30.0,)), (0.8, (-62.0,)), (1.0, (-50.0,)))[0] + d.vary(0, 5), -g * 12, 0, 0.45)
    rests, along = d.chance(0.5), d.vary(0.7, 0.05)

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        toe = body_point(frames, f"toes_{main}")
        aim = toe * (1, 0, 1) + np.array([0.05, 0.05, g * 0.035]) * s
        hang = body_point(frames, f"humphant_{main}") + np.array([0.03, -0.98, g * 0.08]) * d.rig.arms[main].length
        share = course(t, (0.0, (0.0,)), (0.8, (1.0,)), (1.0, (0.85,)))[0]
        arm_to(d, main, hang + share * (aim - hang), np.array([-0.6, 0.2, 0.8 * g]), frames=frames)
        set_hand(d, main, 78, -4, 4)
        if rests:  # sliding down the thigh as the trunk goes down
            hand_on_thigh(d, off, 0.42 + share * (along - 0.42), frames)
        else:
            arm_along(d, off, direction(2, -8 * g), direction(14, -5 * g), frames=frames)

    settle(d, plants, {main: knee, off: knee + 4}, arms=arms, sway=0.012)


def shovel(d: Draft) -> None:
    """Digging: the blade low on the leading side (0), lifted, and thrown to the other side, knees bent."""
    main, off = d.side()
    g, s, t = d.sign, d.rig.stature, d.phase
    table_trunk(d, "shovel")
    slope, yaw, knee = course(t, (0.0, (62, -18, 44)), (0.45, (40, -6, 34)), (1.0, (14, 32, 20)))
    angles = np.degrees(d.targets)
    pelvis(d, tilt=-max(slope + 0.8 * (angles[0] + 0.6 * angles[3]), -2), turn=g * (yaw + d.vary(0, 3)))
    wide = d.between(0.09, 0.12)
    plants = [
        foot_at(d, main, -0.06, wide, 26 + d.vary(0, 3) - max(yaw, 0), -max(yaw, 0)),
        foot_at(d, off, 0.09, wide, 18 + d.vary(0, 3)),
    ]
    pitch, away = course(t, (0.0, (-52, -16)), (0.45, (-36, 0)), (1.0, (-16, 44)))
    gaze(d, pitch + d.vary(0, 4), g * away, 0, 0.3)
    # hands in the thorax frame: the leading one at the handle's end, the other half way down it, ahead
    end = course(t, (0.0, (0.2, -0.12, 0.13)), (0.45, (0.2, -0.13, 0.13)), (1.0, (0.2, -0.13, 0.08)))
    half = course(t, (0.0, (0.3, -0.14, -0.03)), (0.45, (0.28, -0.14, -0.08)), (1.0, (0.26, -0.08, -0.14)))

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        chest = frames[d.rig.rows["T4"]]
        for k, at in ((main, end), (off, half)):
            z = SIGN[k]
            wrist = chest[:3, 3] + chest[:3, :3] @ (np.array([at[0], at[1], g * at[2]]) * s)
            arm_to(d, k, wrist, chest[:3, :3] @ np.array([-0.5, -0.5, 0.7 * z]), frames=frames)
            set_hand(d, k, 110 if k == main else 70, -8, 8)

    settle(d, plants, {main: knee, off: knee * 0.8 + 6}, {main: 0.5, off: 0.5}, arms, sway=0.012)


def overhead_work(d: Draft) -> None:
    """Working overhead, as at a ceiling: arms up, the column extended, turning from side to side (cycle)."""
    main, off = d.side()
    g, t = d.sign, d.phase
    table_trunk(d, "overhead_work")
    swing = float(np.cos(2 * np.pi * t))
    pelvis(d, tilt=d.vary(5, 2), turn=g * 8 * swing)
    plants = [foot_at(d, main, 0.03, _WIDE, 8 + d.vary(0, 3)), foot_at(d, off, -0.03, _WIDE, 8 + d.vary(0, 3))]
    reach, both, width = d.between(0.86, 0.97), d.chance(0.6), d.vary(16, 5)

    def arms() -> None:
        frames = frames_of(d.rig, d.q)
        level = frames[d.rig.rows["T1"], :3, :3]
        for k, z in SIGN.items():
            if k == off and not both:
                arm_along(d, k, direction(2, 12 * z), direction(20, 6 * z), frames=frames)
                continue
            ahead, out = np.radians(34.0), np.radians(width)
            aim = np.array([np.sin(ahead), np.cos(ahead) * np.cos(out), z * np.sin(out) * 0.8])
            start = body_point(frames, f"humphant_{k}")
            wrist = start + reach * d.rig.arms[k].length * (level @ (aim / np.linalg.norm(aim)))
            arm_to(d, k, wrist, level @ np.array([0.5, -0.4, 0.9 * z]), frames=frames)
            set_hand(d, k, 100, -16, 4)

    settle(d, plants, {k: 5 + abs(d.vary(0, 2)) for k in "rl"}, None, arms, 0.012)
