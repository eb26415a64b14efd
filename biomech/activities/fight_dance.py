"""Kicks and a punch; arabesque and a circling port de bras."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import Draft, arm_pose, gaze, pelvis
from biomech.activities.ground import settle
from biomech.activities.keys import course
from biomech.activities.perform import check_clear, foot_at, free_leg, perform
from biomech.activities.spine_use import table_trunk

_GUARD_MAIN = (62, 42, 26, 118, 85)  # fists before the chin
_GUARD_OFF = (68, 48, 24, 108, 85)


def punch(d: Draft) -> None:
    """A straight punch with the rear hand: guard (0), arm out with hip and shoulder turned in (.45), back to guard."""
    perform(
        d,
        "punch",
        pelvis_keys=((0.0, (-8, 0, -38)), (0.45, (-12, 0, 8)), (1.0, (-8, 0, -38))),
        feet={
            "main": ((0.0, (-0.13, 0.075, 40, -14, 0)), (0.45, (-0.13, 0.075, 2, -42, 0)),
                     (1.0, (-0.13, 0.075, 40, -14, 0))),
            "off": ((0.0, (0.12, 0.075, -6, 0, 0)),),
        },
        knees=((0.0, (24, 22)), (0.45, (22, 30)), (1.0, (24, 22))),
        share=((0.0, (0.5,)), (0.45, (0.36,)), (1.0, (0.5,))),
        look=((0.0, (-4, 0)), (1.0, (-4, 0))),
        arms={
            "main": ((0.0, _GUARD_MAIN), (0.12, (50, 36, 22, 112, 85)), (0.42, (90, 86, 10, 8, 145)),
                     (0.5, (90, 86, 10, 8, 145)), (1.0, _GUARD_MAIN)),
            "off": ((0.0, _GUARD_OFF), (0.45, (66, 40, 28, 116, 85)), (1.0, _GUARD_OFF)),
        },
        effort=d.vary(0.96, 0.06, 0.8, 1.05),
    )  # fmt: skip


def front_kick(d: Draft) -> None:
    """A front kick on one leg: knee up and folded (.3), leg out (.58), folded again, foot coming down."""
    _kick(
        d,
        "front_kick",
        pelvis_keys=((0.0, (-4, 0, -18)), (0.3, (6, -2, -6)), (0.58, (20, -3, 8)), (1.0, (-2, 0, -12))),
        leg=((0.0, (14, 62, -8, 4, -4)), (0.3, (96, 118, -14, 4, -4)), (0.52, (102, 20, -18, 4, -4)),
             (0.6, (102, 12, -18, 4, -4)), (0.8, (84, 104, -12, 4, -4)), (1.0, (44, 88, 2, 4, -4))),
        knee=d.vary(16, 4, 8),
        look=(-2, 0),
    )  # fmt: skip


def side_kick(d: Draft) -> None:
    """A side kick: knee drawn up (.3), then the leg out sideways with the trunk leaning away (.58), and back."""
    _kick(
        d,
        "side_kick",
        pelvis_keys=((0.0, (-2, 0, 4)), (0.3, (2, -14, 14)), (0.58, (-4, -46, 26)), (0.8, (0, -18, 16)),
                     (1.0, (-2, 0, 4))),
        leg=((0.0, (30, 70, -6, 6, -4)), (0.3, (88, 118, 6, 24, 12)), (0.52, (42, 16, 8, 40, 14)),
             (0.6, (38, 10, 8, 41, 14)), (0.8, (76, 110, 6, 24, 8)), (1.0, (34, 72, -4, 6, -4))),
        knee=d.vary(14, 4, 7),
        look=(-2, -38),
    )  # fmt: skip


def _kick(d: Draft, name: str, *, pelvis_keys, leg, knee: float, look) -> None:
    main, off = d.side()
    g, t = d.sign, d.phase
    table_trunk(d, name)
    power = d.vary(0.95, 0.06, 0.82, 1.03)
    tilt, lean, turn = course(t, *pelvis_keys)
    pelvis(d, tilt=power * tilt + d.vary(0, 2), lean=g * power * lean, turn=g * (turn + d.vary(0, 3)))
    gaze(d, look[0] + d.vary(0, 4), g * look[1], 0, 0.1)
    hip, fold, ankle, out, inward = course(t, *leg)
    free_leg(d, main, power * hip, fold, ankle, out, inward)
    low = d.vary(0, 1)
    back = power * course(t, (0, (0.0,)), (0.55, (1.0,)), (1, (0.0,)))[0]
    arm_pose(d, main, 56 - 40 * back, 52 + 6 * low, 20, 122, 85)
    arm_pose(d, off, 68, 50 + 5 * low, 26, 106, 85)
    settle(d, [foot_at(d, off, 0.0, 0.0, 34 + d.vary(0, 3))], knee, sway=0.012)
    d.support = "one_foot"
    check_clear(d, main, 0.004)


def arabesque(d: Draft) -> None:
    """Ballet: on one straight leg, the other rising behind (depth) with the column extended, one arm ahead, one out."""
    free, standing = d.side()
    g = d.sign
    amount = 0.5 + 0.5 * d.phase
    table_trunk(d, "arabesque")
    pelvis(d, tilt=-d.vary(44, 4) * amount, lean=0, turn=-g * d.vary(12, 3) * amount)
    gaze(d, d.vary(6, 4), 0, 0, 0.05)
    free_leg(d, free, -6 - 19 * amount, 5 + 2 * abs(d.vary(0, 1)), -48, 5 + 6 * amount, -34)
    front = d.chance(0.6)  # first arabesque: the arm of the standing side leads
    ahead, aside = (standing, free) if front else (free, standing)
    arm_pose(d, ahead, 84, 88 + 26 * amount + d.vary(0, 5), -10, 10, 120)
    arm_pose(d, aside, -4, 76 + d.vary(0, 5), -10, 12, 110)
    rise = d.chance(0.35)
    settle(d, [foot_at(d, standing, 0.0, 0.0, 28 + d.vary(0, 4), -40.0 if rise else 0.0)], 4.0, sway=0.006)
    d.support = "one_foot"
    check_clear(d, free, 0.004)


def port_de_bras(d: Draft) -> None:
    """The grand circular port de bras: forward, to the side, back, to the other side, arms framing the head (cycle)."""
    main, off = d.side()
    g, t = d.sign, d.phase
    table_trunk(d, "port_de_bras")
    tilt, lean = course(t, (0.0, (-46, 0)), (0.25, (-2, -4)), (0.5, (8, 0)), (0.75, (-2, 4)), (1.0, (-46, 0)))
    deep = d.vary(1.0, 0.12, 0.7, 1.15)
    pelvis(d, tilt=deep * tilt, lean=g * lean, turn=g * d.vary(0, 2))
    out, wide = d.vary(30, 5), d.between(0.07, 0.1)
    plants = [foot_at(d, k, 0.0, wide, out) for k in (main, off)]
    open_arms = d.chance(0.35)
    for k in (main, off):
        if open_arms:
            arm_pose(d, k, 8, 82, -8, 24, 105)
        else:
            lift = 150 - 26 * float(np.cos(2 * np.pi * t)) * 0.5
            arm_pose(d, k, 32, lift, -8, 24, 110)
    settle(d, plants, dict.fromkeys("rl", 4.0), sway=0.01)
