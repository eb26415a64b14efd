"""What a .bvh does not say: which way is up, how long its unit is, and how each bone is turned in its anatomy.

A standing rest pose (every rotation at zero) tells all segments at once. Where the rest pose stands nowhere, as with
rigs whose bones all run along x, the segment's own joints tell its axes, and feet are taken to be flat on average
while they stand.

Axes of a segment are the columns of a rotation: forward, up, right. Shapes: T frames, J joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np

from biomech.anatomy import SIDES
from biomech.bvh import Bvh, rest_positions
from biomech.errors import MotionError

UNITS: dict[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "CMU unit": 0.0254 / 0.45}
"""Units seen in such files, m. CMU's skeletons are in inches divided by 0.45."""

HUMAN = (1.35, 2.15)
"""m: statures at which a unit is believed."""

_UPRIGHT = np.deg2rad(35.0)  # legs and trunk of a standing rest pose stay this close to the vertical
_AXES = {"x": 0, "y": 1, "z": 2}


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """A .bvh in our world: who is where, and how bones are turned in their segments."""

    world_from_file: np.ndarray  # (3, 3): x forward-ish, y up, z right
    up: str  # axis of the file that points up
    upright_rest: bool
    leg: float  # file units, hip to ankle along the bones, mean of both sides
    segments: dict[str, np.ndarray]  # segment -> joint_from_segment (3, 3), constant


def file_up_axis(positions: np.ndarray, roles: dict[str, int], rest: np.ndarray | None, given: str = "auto") -> str:
    """The axis that points up: 'x', '-z' and so on.

    Args:
        positions: (T, J, 3) in the file's axes.
        rest: (3, 3) forward, up, right of a rest pose that stands, None where it does not. Where it stands it decides:
            the recording may be of somebody who lies.
        given: "auto", or the axis.

    Raises:
        MotionError: an unknown axis, one on which nobody ever stands, or people who stand on none long enough to tell.
    """
    feet = np.mean([positions[:, roles[f"ankle_{side}"]] for side in SIDES], axis=0)
    body = positions[:, roles["head"]] - feet
    height = np.maximum(np.linalg.norm(body, axis=1), 1e-12)
    upright = np.median(body / height[:, None], axis=0)
    axis = int(np.argmax(np.abs(upright)))
    if given != "auto":
        if given.lstrip("+-").lower() not in _AXES:
            raise MotionError(f"up axis {given!r} given; wanted auto, x, y, z, -x, -y or -z")
        wanted = given.lstrip("+").lower()
        if rest is not None:
            along = (-1.0 if wanted.startswith("-") else 1.0) * np.eye(3)[_AXES[wanted.lstrip("-")]]
            if along @ rest[:, 1] < 0.5 and along @ upright < 0.5:
                stands = int(np.argmax(np.abs(rest[:, 1])))
                named = ("-" if rest[stands, 1] < 0 else "") + "xyz"[stands]
                raise MotionError(
                    f"up axis {wanted} given, but the skeleton stands along {named} and carries its head over its feet "
                    f"along {np.round(upright, 2).tolist()}; give --up {named}, or leave it out"
                )
        return wanted
    if rest is not None:
        axis = int(np.argmax(np.abs(rest[:, 1])))
        return ("-" if rest[axis, 1] < 0 else "") + "xyz"[axis]
    if abs(upright[axis]) < 0.75:
        raise MotionError(
            "cannot tell which axis points up: the person stands on none of them for most of the time "
            f"(head over feet along {np.round(upright, 2).tolist()}); say it with --up"
        )
    return ("-" if upright[axis] < 0 else "") + "xyz"[axis]


def world_from_up(up: str) -> np.ndarray:
    """(3, 3) proper rotation that brings the file's up axis to y and keeps the others' order."""
    axis, sign = _AXES[up.lstrip("-")], -1.0 if up.startswith("-") else 1.0
    turn = np.zeros((3, 3))
    turn[1, axis] = sign
    turn[2, (axis + 1) % 3] = sign
    turn[0, (axis + 2) % 3] = 1.0
    return turn


def read_skeleton(
    bvh: Bvh, roles: dict[str, int], rotations: np.ndarray, positions: np.ndarray, up: str = "auto"
) -> Skeleton:
    """Axes and segments of a file.

    Args:
        roles: role -> joint index.
        rotations, positions: (T, J, 3, 3) and (T, J, 3), file axes.

    Raises:
        MotionError: legs without length, no way up, or left and right swapped.
    """
    leg = float(
        np.mean([_length(positions, roles[f"hip_{s}"], roles[f"knee_{s}"])
                 + _length(positions, roles[f"knee_{s}"], roles[f"ankle_{s}"]) for s in SIDES])
    )  # fmt: skip
    if leg <= 0.0:
        raise MotionError("the legs have no length: hip, knee and ankle share a place; check the joint map")
    rest = rest_positions(bvh)
    axes = _rest_axes(rest, roles)
    upwards = file_up_axis(positions, roles, axes, up)
    world = world_from_up(upwards)
    if axes is not None:
        names = ("pelvis", "thorax", "head", "foot_r", "foot_l")
        segments = dict.fromkeys(names, axes)
    else:
        segments = _local_axes(bvh, roles, rest)
        segments["head"] = _head_axes(rotations[:, roles["thorax"]] @ segments["thorax"], rotations[:, roles["head"]])
        segments |= _standing_feet(bvh, roles, rotations, positions, world[1])
    for side in SIDES:
        hand = _hand_axes(rest, roles, side)
        if hand is not None:
            segments[f"hand_{side}"] = hand
    _check_sides(roles, rotations, positions, segments)
    return Skeleton(world, upwards, axes is not None, leg, segments)


def guess_unit(stature: float) -> tuple[str, float] | None:
    """(name, m) of the unit in which a stature in file units is human; None where no unit makes it so."""
    found = [(abs(np.log(stature * size / 1.7)), name, size) for name, size in UNITS.items()
             if HUMAN[0] <= stature * size <= HUMAN[1]]  # fmt: skip
    return min(found)[1:] if found else None


def _length(positions: np.ndarray, a: int, b: int) -> float:
    return float(np.median(np.linalg.norm(positions[:, a] - positions[:, b], axis=1)))


def _rest_axes(rest: np.ndarray, roles: dict[str, int]) -> np.ndarray | None:
    """(3, 3) forward, up, right of a rest pose that stands; None where it does not."""
    ankles = np.mean([rest[roles[f"ankle_{s}"]] for s in SIDES], axis=0)
    hips = np.mean([rest[roles[f"hip_{s}"]] for s in SIDES], axis=0)
    trunk, legs = rest[roles["head"]] - hips, hips - ankles
    body = rest[roles["head"]] - ankles
    axis = int(np.argmax(np.abs(body)))
    up = np.zeros(3)
    up[axis] = np.sign(body[axis])
    across = rest[roles["hip_r"]] - rest[roles["hip_l"]]
    parts = [trunk, legs, *(rest[roles[f"hip_{s}"]] - rest[roles[f"ankle_{s}"]] for s in SIDES)]
    if any(_angle(part, up) > _UPRIGHT for part in parts) or abs(_angle(across, up) - np.pi / 2) > _UPRIGHT:
        return None
    right = np.zeros(3)  # the hips of a captured skeleton are rarely square to the room; its room axes are
    flat = across - up * (across @ up)
    right[int(np.argmax(np.abs(flat)))] = np.sign(flat[int(np.argmax(np.abs(flat)))])
    if _angle(flat, right) > np.deg2rad(20.0):
        right = _unit(flat)
    return np.stack([np.cross(up, right), up, right], axis=1)


def _local_axes(bvh: Bvh, roles: dict[str, int], rest: np.ndarray) -> dict[str, np.ndarray]:
    """Axes of pelvis and thorax from the joints that hang on them."""

    def offset(role: str, base: str) -> np.ndarray:
        return rest[roles[role]] - rest[roles[base]]

    trunk_base = next((j for j in range(len(bvh.names)) if bvh.parents[j] == roles["pelvis"]
                       and _is_above(bvh, roles["thorax"], j)), roles["thorax"])  # fmt: skip
    pelvis = _frame(rest[trunk_base] - rest[roles["pelvis"]], offset("hip_r", "hip_l"))
    neck = "neck" if "neck" in roles else "head"
    thorax = _frame(offset(neck, "thorax"), offset("shoulder_r", "shoulder_l"))
    return {"pelvis": pelvis, "thorax": thorax}


def _head_axes(thorax: np.ndarray, head: np.ndarray) -> np.ndarray:
    """(3, 3) axes of a head that has no joints to tell them: those of the joint in the order and sense that keep the
    face nearest to the front of the chest, most of the time."""
    turns = [np.eye(3)[:, list(order)] * np.array(signs) for order in permutations(range(3))
             for signs in product((1.0, -1.0), repeat=3)]  # fmt: skip
    proper = [turn for turn in turns if np.linalg.det(turn) > 0.0]
    nearness = [np.median(np.einsum("tij,tij->t", thorax, head @ turn)) for turn in proper]
    return proper[int(np.argmax(nearness))]


def _is_above(bvh: Bvh, joint: int, ancestor: int) -> bool:
    while joint >= 0 and joint != ancestor:
        joint = bvh.parents[joint]
    return joint == ancestor


def _standing_feet(
    bvh: Bvh, roles: dict[str, int], rotations: np.ndarray, positions: np.ndarray, up: np.ndarray
) -> dict[str, np.ndarray]:
    """Axes of the feet, flat in the frames in which the ankle is lowest.

    A dancer may never put one heel down, so how far the toes point down in a flat foot is read from the foot whose
    ankle comes lowest; which way it rolls, from each foot itself.
    """
    rest = rest_positions(bvh)
    found: dict[str, tuple[float, float, np.ndarray, np.ndarray]] = {}
    for side in SIDES:
        if f"toe_{side}" not in roles:
            return {}
        ankle, toe = roles[f"ankle_{side}"], roles[f"toe_{side}"]
        height = positions[:, ankle] @ up
        low = height <= np.quantile(height, 0.03)
        upwards = np.median(np.swapaxes(rotations[low, ankle], 1, 2) @ up, axis=0)
        toes = _unit(rest[toe] - rest[ankle])
        if np.linalg.norm(upwards) < 0.3 or np.linalg.norm(np.cross(toes, upwards)) < 0.1:
            return {}
        drop = float(toes @ _unit(upwards))  # sine of the slope from ankle to toes
        found[f"foot_{side}"] = float(height[low].mean()), drop, toes, _unit(np.cross(toes, upwards))
    drop = min(found.values(), key=lambda foot: foot[0])[1]
    axes = {}
    for name, (_, _, toes, right) in found.items():
        level = np.cross(right, toes)  # square to the toes, upwards
        upwards = drop * toes + np.sqrt(1.0 - drop * drop) * level
        axes[name] = np.stack([np.cross(upwards, right), upwards, right], axis=1)
    return axes


def _hand_axes(rest: np.ndarray, roles: dict[str, int], side: str) -> np.ndarray | None:
    """(3, 3) axes of a hand: up towards the wrist, right towards the thumb of a right hand with its palm forward."""
    if f"finger_{side}" not in roles or f"thumb_{side}" not in roles:
        return None
    wrist = rest[roles[f"wrist_{side}"]]
    fingers, thumb = rest[roles[f"finger_{side}"]] - wrist, rest[roles[f"thumb_{side}"]] - wrist
    radial = thumb - fingers * (thumb @ fingers) / max(float(fingers @ fingers), 1e-12)
    if np.linalg.norm(radial) < 0.1 * np.linalg.norm(fingers) or not np.linalg.norm(fingers) > 0.0:
        return None
    return _frame(-fingers, radial if side == "r" else -radial)


def _check_sides(
    roles: dict[str, int], rotations: np.ndarray, positions: np.ndarray, segments: dict[str, np.ndarray]
) -> None:
    """MotionError where the toes point backwards: the sign of swapped sides or of a mirrored axis."""
    if any(f"toe_{s}" not in roles for s in SIDES):
        return
    forward = rotations[:, roles["pelvis"]] @ segments["pelvis"][:, 0]
    toes = np.mean([positions[:, roles[f"toe_{s}"]] - positions[:, roles[f"ankle_{s}"]] for s in SIDES], axis=0)
    if np.median(np.einsum("ti,ti->t", forward, toes)) < 0.0:
        raise MotionError(
            "the toes point backwards: left and right are swapped in the file or its joint map, or an axis is "
            "mirrored (a left-handed export); export it right-handed, or swap the sides in a map of your own"
        )


def _frame(up: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(3, 3) forward, up, right; up is kept, right made square to it."""
    up = _unit(up)
    right = _unit(right - up * (right @ up))
    return np.stack([np.cross(up, right), up, right], axis=1)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / max(float(np.linalg.norm(v)), 1e-12)


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.arccos(np.clip(_unit(a) @ _unit(b), -1.0, 1.0)))
