"""Standing on the floor (y = 0): where feet go, how high the pelvis then is, and whether the body would topple."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import radians, sqrt

import numpy as np

from biomech.activities.draft import Draft, rotation, set_angle
from biomech.activities.rig import Rig, frames_of, mass_centre, pelvis_of
from biomech.inverse_legs import solve_leg

_MIRROR = np.array([1.0, 1.0, -1.0])
STANDS = 1e-3
"""A foot carried no higher than this, m, stands on the floor."""

_HEEL_UP_MAX = 76.0  # deg; beyond this people roll onto the toe tips


@dataclass(frozen=True, slots=True)
class Plant:
    """A foot on the floor. Heading 0 is along +x."""

    side: str
    x: float  # m, world, below the ankle of the flat foot
    z: float  # m
    toe_out: float = 0.0  # deg, + outwards
    pitch: float = 0.0  # deg, + heel only (toes up), - ball only (heel up), 0 the whole sole
    heading: float = 0.0  # deg, + to the left
    floor: float = 0.0  # m, how high above the floor the foot is carried; 0 stands


def stance(d: Draft, width: float, stagger: float = 0.0, toe_out: float = 8.0, spread: float = 4.0) -> list[Plant]:
    """Two flat feet about the origin: `width` m between ankles, the right foot `stagger` m in front."""
    return [
        Plant("r", 0.5 * stagger, 0.5 * width, d.vary(toe_out, spread)),
        Plant("l", -0.5 * stagger, -0.5 * width, d.vary(toe_out, spread)),
    ]


def hip_width(rig: Rig) -> float:
    """Distance between the hip centres, m."""
    return 2.0 * float(rig.legs["r"].hip[2])


@lru_cache(maxsize=16)  # a foot stays planted while the body settles over it
def foot_frame(rig: Rig, plant: Plant) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """World frame of calcn (4, 4), read-only, toe angle in deg, and the bodies that touch, for a planted foot."""
    sole, side = rig.soles[plant.side], plant.side
    yaw = plant.heading + (-plant.toe_out if side == "r" else plant.toe_out)
    flat = np.eye(4)
    flat[:3, :3] = rotation(yaw, "y") @ sole.flat
    flat[:3, 3] = plant.x, plant.floor + sole.height, plant.z
    if plant.pitch == 0.0:
        flat.flags.writeable = False
        return flat, 0.0, (f"calcn_{side}", f"toes_{side}")
    pitch = max(plant.pitch, -_HEEL_UP_MAX)
    pivot = sole.heel if pitch > 0 else sole.mtp
    frame = np.eye(4)
    frame[:3, :3] = rotation(pitch, "z", yaw, "y") @ sole.flat
    frame[:3, 3] = (flat[:3, :3] @ pivot + flat[:3, 3]) - frame[:3, :3] @ pivot
    frame.flags.writeable = False
    return (frame, 4.0, (f"calcn_{side}",)) if pitch > 0 else (frame, -pitch, (f"toes_{side}",))


def support_point(rig: Rig, plant: Plant) -> np.ndarray:
    """Middle of the planted foot's contact on the floor, (3,)."""
    frame, _, _ = foot_frame(rig, plant)
    sole = rig.soles[plant.side]
    weight = 0.45 if plant.pitch == 0 else (0.0 if plant.pitch > 0 else 1.0)
    return frame[:3, :3] @ ((1 - weight) * sole.heel + weight * sole.mtp) + frame[:3, 3]


def pelvis_height(d: Draft, plants: list[Plant], knees: dict[str, float]) -> float:
    """Height m of the pelvis origin at which each planted leg has at least its knee flexion (deg) in `knees`."""
    top = pelvis_of(d.q)
    best = np.inf
    for plant in plants:
        leg = d.rig.legs[plant.side]
        ankle = foot_frame(d.rig, plant)[0][:3, 3]
        hip = top[:3, 3] + top[:3, :3] @ (leg.hip if plant.side == "r" else leg.hip * _MIRROR)
        reach = leg.reach(radians(knees[plant.side]))
        across = (ankle[0] - hip[0]) ** 2 + (ankle[2] - hip[2]) ** 2
        best = min(best, ankle[1] + sqrt(max(reach * reach - across, 0.04)) - (hip[1] - top[1, 3]))
    return float(best)


def place_feet(d: Draft, plants: list[Plant]) -> None:
    """Solve both legs for the present pelvis; sets the contacts of the planted feet."""
    top = pelvis_of(d.q)
    touching: list[str] = []
    for plant in plants:
        frame, toes, bodies = foot_frame(d.rig, plant)
        for name, value in solve_leg(d.rig.legs[plant.side], top, frame).items():
            set_angle(d, name, value)
        set_angle(d, f"mtp_angle_{plant.side}", radians(toes))
        touching += bodies if plant.floor <= STANDS else ()
    d.contacts = tuple(touching)
    d.plants = list(plants)


def settle(
    d: Draft,
    plants: list[Plant],
    knees: dict[str, float] | float,
    weight: dict[str, float] | None = None,
    arms: Callable[[], None] | None = None,
    sway: float = 0.012,
    rounds: int = 3,
) -> None:
    """Put the planted feet down and bring the mass centre over them, by shifting the pelvis over the feet.

    Args:
        knees: least knee flexion in deg, one number or per side.
        weight: share of the body weight on each planted foot; None: even.
        arms: called after the legs, where hands depend on where knees and pelvis are.
        sway: scatter of the mass centre about the support point, m; the feet's own size gives the room.
    """
    bends = dict.fromkeys("rl", knees) if isinstance(knees, float | int) else knees
    total = sum(weight.values()) if weight else len(plants)
    target = sum(((weight[p.side] if weight else 1.0) / total) * support_point(d.rig, p) for p in plants)
    offset = np.array([d.sway[0] * sway, 0.0, d.sign * d.sway[1] * 0.5 * sway])
    for k in range(rounds):
        d.q[4] = pelvis_height(d, plants, bends)
        place_feet(d, plants)
        if arms is not None:
            arms()
        if k < rounds - 1:
            shift = target + offset - mass_centre(d.rig, frames_of(d.rig, d.q))
            d.q[3] += shift[0]
            d.q[5] += shift[2]


def lowest(rig: Rig, frames: np.ndarray, bodies: tuple[str, ...] | None = None) -> float:
    """Height of the lowest capsule surface m, of the given bodies or of all."""
    return float(capsule_bottoms(rig, frames, bodies).min())


def capsule_bottoms(rig: Rig, frames: np.ndarray, bodies: tuple[str, ...] | None = None) -> np.ndarray:
    """Lowest height m of each capsule on the given bodies (or of every capsule)."""
    pairs = rig.pairs
    pick = slice(None) if bodies is None else np.isin(pairs.body, [rig.rows[b] for b in bodies])
    f = frames[pairs.body[pick]]
    up = f[:, 1, :3]
    y0 = (up * pairs.start[pick]).sum(1)
    y1 = (up * pairs.end[pick]).sum(1)
    return np.minimum(y0, y1) + f[:, 1, 3] - pairs.radius[pick]
