"""Swimming: in the water, clear of the floor plane; the body floats level and the arms go round."""

from __future__ import annotations

import numpy as np

from biomech.activities.draft import Draft, arm_pose, neck_turn, pelvis
from biomech.activities.ground import lowest
from biomech.activities.keys import course
from biomech.activities.perform import Keys, free_leg
from biomech.activities.rig import frames_of
from biomech.activities.spine_use import table_trunk

# plane, raise, twist, elbow, pronation of one arm through a cycle
_CRAWL: Keys = (
    (0.0, (62, 166, 10, 8, 100)), (0.14, (66, 158, 14, 16, 100)), (0.3, (74, 112, 34, 62, 100)),
    (0.44, (62, 62, 40, 84, 95)), (0.58, (20, 16, 20, 20, 85)), (0.7, (-24, 54, 20, 66, 85)),
    (0.84, (4, 108, 30, 82, 90)), (1.0, (62, 166, 10, 8, 100)),
)  # fmt: skip
_BACK: Keys = (
    (0.0, (42, 168, -10, 6, 60)), (0.16, (18, 138, -10, 18, 70)), (0.34, (0, 84, 12, 76, 80)),
    (0.5, (16, 20, 20, 14, 90)), (0.64, (84, 34, 0, 6, 90)), (0.82, (86, 108, 0, 6, 75)), (1.0, (42, 168, -10, 6, 60)),
)  # fmt: skip
_BREAST: Keys = (
    (0.0, (40, 160, -6, 7, 110)), (0.2, (40, 142, 14, 14, 110)), (0.38, (44, 96, 32, 62, 105)),
    (0.5, (72, 56, 34, 108, 95)), (0.68, (76, 96, 14, 66, 100)), (1.0, (40, 160, -6, 7, 110)),
)  # fmt: skip
_FLY: Keys = (
    (0.0, (36, 158, 0, 8, 105)), (0.2, (48, 140, 14, 20, 105)), (0.36, (62, 92, 34, 64, 100)),
    (0.52, (40, 24, 26, 26, 90)), (0.66, (-10, 46, 20, 12, 85)), (0.82, (8, 96, 24, 14, 90)),
    (1.0, (36, 158, 0, 8, 105)),
)  # fmt: skip


def front_crawl(d: Draft) -> None:
    """Front crawl: arms in turn, the body rolling with them, a flutter kick; some breathe to the leading side."""
    main, off = d.side()
    g, t = d.sign, d.phase
    table_trunk(d, "front_crawl")
    roll = d.vary(32, 5)
    # the side whose arm reaches ahead lies lower; prone, a turn to the left lowers the left side
    turn = -g * roll * float(np.cos(2 * np.pi * t))
    pelvis(d, tilt=-90 + d.vary(4, 2), turn=0.7 * turn)
    breath = course(t, (0.0, (0.0,)), (0.4, (0.0,)), (0.6, (1.0,)), (0.74, (1.0,)), (0.92, (0.0,)), (1.0, (0.0,)))[0]
    breathes = d.chance(0.6)
    neck_turn(d, d.vary(10, 4), 0, 0.45 * -turn if not breathes else -g * 58 * breath + (1 - breath) * 0.45 * -turn)
    _arms(d, _CRAWL, {main: t, off: t + 0.5})
    _flutter(d, main, off, 3.0, 9.0)
    _float(d)


def backstroke(d: Draft) -> None:
    """Backstroke: face up, arms in turn past the hip and overhead, the body rolling, a flutter kick."""
    main, off = d.side()
    g, t = d.sign, d.phase
    table_trunk(d, "backstroke")
    roll = d.vary(28, 5)
    turn = g * roll * float(np.cos(2 * np.pi * t))
    pelvis(d, tilt=90 - d.vary(6, 2), turn=0.7 * turn)
    neck_turn(d, d.vary(-6, 4), 0, -0.3 * turn)
    _arms(d, _BACK, {main: t, off: t + 0.5})
    _flutter(d, main, off, 3.0, 9.0)
    _float(d)


def breaststroke(d: Draft) -> None:
    """Breaststroke: glide (0), out- and insweep with head and chest up to breathe (.45), kick, glide."""
    t = d.phase
    table_trunk(d, "breaststroke")
    tilt, neck, hip, knee, out, turn, ankle = course(
        t,
        (0.0, (-88, 4, 2, 6, 3, 0, -46)),
        (0.3, (-82, 16, 4, 18, 5, 0, -42)),
        (0.45, (-70, 30, 14, 54, 10, 6, -20)),
        (0.62, (-74, 18, 38, 112, 24, 26, 16)),
        (0.78, (-84, 6, 16, 40, 34, 14, 10)),
        (1.0, (-88, 4, 2, 6, 3, 0, -46)),
    )
    pelvis(d, tilt=tilt + d.vary(0, 2))
    neck_turn(d, neck + d.vary(0, 4))
    _arms(d, _BREAST, {"r": t, "l": t})
    lazy = d.vary(1.0, 0.06, 0.88, 1.08)
    for k in "rl":
        free_leg(d, k, lazy * hip, max(lazy * knee, 4), ankle, lazy * out, turn)
    _float(d)


def butterfly(d: Draft) -> None:
    """Butterfly: both arms at once, the whole column waving, two dolphin kicks to a stroke."""
    t = d.phase
    table_trunk(d, "butterfly")
    wave = float(np.cos(2 * np.pi * t))
    pelvis(d, tilt=-90 + 12 * wave + d.vary(0, 2))
    neck_turn(d, 8 - 18 * wave + d.vary(0, 4))
    _arms(d, _FLY, {"r": t, "l": t})
    kick = float(np.cos(4 * np.pi * t))
    hip, knee = 6 + 14 * kick + d.vary(0, 2), 24 - 18 * float(np.cos(4 * np.pi * t - 0.9)) + d.vary(0, 2)
    for k in "rl":
        free_leg(d, k, hip, max(knee, 4), -48, 2, 4)
    _float(d)


def _arms(d: Draft, keys: Keys, at: dict[str, float]) -> None:
    """Arms by the keys of one cycle, each at its own place in it."""
    reach = d.vary(0, 4)
    for k, t in at.items():
        plane, raise_, twist, elbow, pronation = course(t % 1.0, *keys)
        arm_pose(d, k, plane, min(max(raise_ + reach, 4), 172), twist, max(elbow, 4), pronation)


def _flutter(d: Draft, main: str, off: str, middle: float, swing: float) -> None:
    """Six beats to a cycle of the arms."""
    size = swing * d.vary(1.0, 0.15)
    for k, sign in ((main, 1.0), (off, -1.0)):
        wave = float(np.sin(6 * np.pi * d.phase)) * sign
        free_leg(d, k, middle + size * wave, 12 - 8 * wave, -48, 2, 6)


def _float(d: Draft) -> None:
    """Lift the body so that nothing is nearer to the floor than the drawn clearance."""
    clearance = d.between(0.03, 0.1)
    d.q[4] = 0.0
    d.q[4] = clearance - lowest(d.rig, frames_of(d.rig, d.q))
    d.support, d.contacts, d.plants = "air", (), []
    d.props["clearance"] = clearance
