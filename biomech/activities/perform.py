"""Movements written as courses: pelvis, feet, knees, gaze and arms through their keys, the spine from the table.

Keys are (phase, values) for somebody who leads with the right side; d.side() decides who leads and everything lateral
is mirrored. "main" is the leading side, "off" the other. Lengths of feet and hands are in statures, angles in degrees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from biomech.activities.draft import Draft, arm_pose, arm_to, body_point, gaze, pelvis, put, rotation
from biomech.activities.ground import STANDS, Plant, foot_frame, lowest, settle
from biomech.activities.keys import course
from biomech.activities.rig import frames_of
from biomech.activities.spine_use import table_trunk
from biomech.errors import ModelError

Keys = Sequence[tuple[float, tuple[float, ...]]]


def perform(
    d: Draft,
    name: str,
    *,
    pelvis_keys: Keys,
    feet: Mapping[str, Keys],
    knees: Keys,
    share: Keys = ((0.0, (0.5,)),),
    look: Keys | None = None,
    follow: float = 0.1,
    arms: Mapping[str, Keys] | Callable[[], None] | None = None,
    effort: float = 1.0,
    sway: float = 0.012,
) -> tuple[str, str]:
    """Pose a standing (stepping, leaping) movement at the draft's phase; the leading side and the other.

    Args:
        pelvis_keys: (tilt, list, turn).
        feet: "main" and "off": (x, z outwards, toe out, pitch, lift) of the ball of the foot; lift > 0 carries it above
            the floor.
        knees: (main, off) least flexion.
        share: (main,) share of the weight.
        look: (pitch, yaw) of the gaze; None leaves the neck to the table.
        arms: "main" and "off": (plane, raise, twist, elbow, pronation); or a function called once the legs stand.
        effort: scales pelvis angles.
    """
    main, off = d.side()
    t, g = d.phase, d.sign
    noise = [d.vary(0, 1) for _ in range(12)]
    table_trunk(d, name)
    tilt, lean, turn = course(t, *pelvis_keys)
    pelvis(
        d,
        tilt=effort * tilt + 2.5 * noise[0],
        lean=g * (effort * lean + 1.2 * noise[1]),
        turn=g * (effort * turn + 2.5 * noise[2]),
    )
    if look is not None:
        pitch, yaw = course(t, *look)
        gaze(d, pitch + 5 * noise[3], g * (yaw + 5 * noise[4]), 0, follow)
    plants = []
    for k, role, side in ((5, "main", main), (6, "off", off)):
        x, z, out, pitch, lift = course(t, *feet[role])
        plants.append(foot_at(d, side, x, z, out + 3 * noise[k], pitch, lift))
    if isinstance(arms, Mapping):
        for k, role, side in ((7, "main", main), (8, "off", off)):
            plane, raise_, twist, elbow, pronation = course(t, *arms[role])
            arm_pose(
                d,
                side,
                plane + 4 * noise[k],
                min(max(raise_ + 4 * noise[k + 2], 0), 172),
                twist,
                max(elbow, 4),
                pronation,
            )
    least = dict(zip((main, off), course(t, *knees), strict=True))
    ratio = course(t, *share)[0]
    settle(d, plants, least, {main: ratio, off: 1.0 - ratio}, arms if callable(arms) else None, sway)
    finish(d)
    return main, off


def foot_at(d: Draft, side: str, x: float, z: float, out: float, pitch: float = 0.0, lift: float = 0.0) -> Plant:
    """A foot whose ball is at (x, z outwards) statures; turning it out or raising its heel leaves the ball there."""
    s, outward = d.rig.stature, 1.0 if side == "r" else -1.0
    sole = d.rig.soles[side]
    ball = rotation(-outward * out, "y") @ sole.flat @ sole.mtp
    lift = lift * s if lift > 1e-4 else 0.0
    return Plant(side, x * s - float(ball[0]), outward * z * s - float(ball[2]), out, pitch, floor=lift)


def finish(d: Draft) -> None:
    """Name what carries the body once the feet are placed: both feet, one, or the air."""
    standing = [p for p in d.plants if p.floor <= STANDS]
    if len(standing) == 1:
        d.support = "one_foot"
    if not standing:
        d.support, d.contacts = "air", ()
        d.props["clearance"] = max(lowest(d.rig, frames_of(d.rig, d.q)), 0.0)


def grip(
    d: Draft, main: str, off: str, point: tuple[float, ...], apart: float = 0.022, body: str = "T4", tilt: float = 0.0
) -> None:
    """Both hands at a point of the thorax frame: (x front, y up, z to the leading side) in statures.

    `apart` is half the distance of the wrists along the line between the shoulders; `tilt` lets the leading hand lie
    lower (deg), as on a club.
    """
    frames, s = frames_of(d.rig, d.q), d.rig.stature
    chest = frames[d.rig.rows[body]]
    level = chest[:3, :3]
    middle = body_point(frames, body) + level @ (np.array([point[0], point[1], d.sign * point[2]]) * s)
    c, v = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    for side, z in ((main, 1.0), (off, -1.0)):
        out = 1.0 if side == "r" else -1.0
        shift = np.array([0.0, -z * v * apart, d.sign * z * c * apart]) * s
        arm_to(d, side, middle + level @ shift, level @ np.array([-0.2, -0.7, 0.8 * out]), frames=frames)


def world_grip(d: Draft, main: str, off: str, point: np.ndarray, apart: float, hint=(-0.3, -0.6, 0.7)) -> None:
    """Both wrists about a world point (3,) m, `apart` m each to its side of it across the thorax."""
    frames = frames_of(d.rig, d.q)
    across = frames[d.rig.rows["T4"], :3, 2]
    for side in (main, off):
        out = 1.0 if side == "r" else -1.0
        toward = np.array([hint[0], hint[1], 0.0]) + hint[2] * out * across
        arm_to(d, side, point + out * apart * across, toward, frames=frames)


def set_hand(d: Draft, side: str, pronation: float, flex: float = -10.0, deviation: float = 5.0) -> None:
    """Turn of the forearm and bend of the wrist, deg."""
    put(d, **{f"pro_sup_{side}": pronation, f"wrist_flex_{side}": flex, f"wrist_dev_{side}": deviation})


def free_leg(d: Draft, side: str, hip: float, knee: float, ankle: float, out: float = 3.0, turn: float = -3.0) -> None:
    """A leg in the air by joint angles, deg; `out` abducts, `turn` + rotates inwards."""
    put(d, **{
        f"hip_flexion_{side}": hip, f"knee_angle_{side}": max(knee, 2.0), f"ankle_angle_{side}": ankle,
        f"hip_adduction_{side}": -out, f"hip_rotation_{side}": turn, f"subtalar_angle_{side}": 3.0,
        f"mtp_angle_{side}": 0.0,
    })  # fmt: skip


def check_clear(d: Draft, side: str, least: float = 0.0) -> None:
    """The draw fails where a free foot is lower than `least` m."""
    if lowest(d.rig, frames_of(d.rig, d.q), (f"calcn_{side}", f"toes_{side}")) < least:
        d.failure = "free foot drags on the floor"


def planted_ankle(d: Draft, plant: Plant) -> np.ndarray:
    """World position (3,) of the ankle of a planted foot."""
    return foot_frame(d.rig, plant)[0][:3, 3]


def need(condition: bool, why: str) -> None:
    """ModelError unless `condition`: a course written wrongly."""
    if not condition:
        raise ModelError(why)
