"""Arms and legs of a .bvh in closed form: where the inverse kinematics starts, and what it aims at.

Bones keep their directions, our skeleton its lengths. A knee or elbow that is almost straight says nothing about the
twist of its limb; there the bone's own turn is used, with the hinge axis learned from the frames in which it bends.

Shapes: T frames, D = len(COORDINATES).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from biomech.anatomy import BODIES, body_index, coordinate_index
from biomech.geometry import SkeletonGeometry
from biomech.inverse_legs import arm_geometry, leg_geometry, solve_arm, solve_hand, solve_thigh
from biomech.kinematics_numpy import forward_kinematics_numpy

_STRAIGHT, _BENT = np.deg2rad(8.0), np.deg2rad(30.0)  # a hinge is not trusted below, fully trusted above
_UNKNOWN_PRONATION = np.deg2rad(75.0)  # thumbs about forward, as arms hang

Series = Mapping[str, np.ndarray]


def start_leg(
    points: Series, bones: Series, turns: Series, geometry: SkeletonGeometry, side: str, q: np.ndarray
) -> dict[str, np.ndarray]:
    """Set hip and knee of one leg in q (T, D), whose pelvis stands already; returns the leg's targets."""
    thigh, shank = _directions(points, ("hip", "knee", "ankle"), side)
    across = _hinge_axis(shank, thigh, bones[f"hip_{side}"])
    own_thigh, own_shank = _offset(geometry, f"tibia_{side}"), _offset(geometry, f"talus_{side}")
    frames = forward_kinematics_numpy(geometry, q, ("pelvis", f"femur_{side}"))
    knees = frames[:, 1, :3, 3] + thigh * np.linalg.norm(own_thigh)
    ankles = knees + shank * np.linalg.norm(own_shank)
    leg, back = leg_geometry(geometry, BODIES, side), np.cross(thigh, across)
    cosine = np.clip(np.einsum("ti,ti->t", thigh, shank), -1.0, 1.0)
    for t in range(len(q)):
        # a straight knee is bent by a hair, so that the closed form knows which way it faces
        beyond = ankles[t] + 0.03 * back[t] if cosine[t] > 0.99 else ankles[t]
        for name, value in solve_thigh(leg, frames[t, 0], knees[t], beyond).items():
            q[t, coordinate_index(name)] = value
    q[:, coordinate_index(f"knee_angle_{side}")] = np.arccos(cosine)
    targets = {f"tibia_{side}": knees, f"talus_{side}": ankles}
    targets[f"femur_{side}/turn"] = _aimed(thigh, across, own_thigh)
    if f"foot_{side}" in turns:
        targets[f"calcn_{side}/turn"] = turns[f"foot_{side}"]
    return targets


def start_arm(
    points: Series, bones: Series, turns: Series, geometry: SkeletonGeometry, side: str, q: np.ndarray
) -> dict[str, np.ndarray]:
    """Set shoulder girdle, shoulder, elbow and hand of one arm in q (T, D), whose trunk stands already."""
    upper, fore = _directions(points, ("shoulder", "elbow", "wrist"), side)
    across = _hinge_axis(upper, fore, bones[f"shoulder_{side}"])
    hint = np.cross(upper, across)  # the elbow points away from the front of the arm
    arm = arm_geometry(geometry, BODIES, side)
    own_upper, own_fore = _offset(geometry, f"ulna_{side}"), np.linalg.norm(arm.wrist)
    for _ in range(2):  # the girdle moves with the arm, and the shoulder with the girdle
        frames = forward_kinematics_numpy(geometry, q, (f"clavicle_{side}", f"humphant_{side}"))
        elbows = frames[:, 1, :3, 3] + upper * np.linalg.norm(own_upper)
        wrists = elbows + fore * own_fore
        for t in range(len(q)):
            for name, value in solve_arm(arm, frames[t, 0], wrists[t], hint[t]).items():
                q[t, coordinate_index(name)] = value
        _girdle(q, side)
    frames = forward_kinematics_numpy(geometry, q, (f"humphant_{side}", f"ulna_{side}"))
    elbows = frames[:, 0, :3, 3] + upper * np.linalg.norm(own_upper)
    targets = {f"ulna_{side}": elbows, f"hand_{side}": elbows + fore * own_fore}
    targets[f"humerus_{side}/turn"] = _aimed(upper, across, own_upper)
    hand = turns.get(f"hand_{side}")
    if hand is None:
        q[:, coordinate_index(f"pro_sup_{side}")] = _UNKNOWN_PRONATION
        return targets
    for t in range(len(q)):
        for name, value in solve_hand(side, frames[t, 1, :3, :3], hand[t]).items():
            q[t, coordinate_index(name)] = value
    return targets | {f"hand_{side}/turn": hand}


def _directions(points: Series, joints: tuple[str, str, str], side: str) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3) unit directions of a limb's upper and lower segment."""
    first, middle, last = (points[f"{joint}_{side}"] for joint in joints)
    return _unit(middle - first), _unit(last - middle)


def _girdle(q: np.ndarray, side: str) -> None:
    """Clavicle elevation and protraction that go with the arm, as in biomech.activities.draft.girdle."""
    up = np.degrees(q[:, coordinate_index(f"shoulder_elv_{side}")])
    plane = q[:, coordinate_index(f"elv_angle_{side}")]
    raised = np.maximum(0.0, up - 30.0) / 150.0
    q[:, coordinate_index(f"clav_elev_{side}")] = np.deg2rad(22.0 * raised)
    q[:, coordinate_index(f"clav_prot_{side}")] = np.deg2rad(12.0 * np.sin(plane) * np.minimum(up, 110.0) / 110.0)


def _hinge_axis(first: np.ndarray, second: np.ndarray, bone: np.ndarray) -> np.ndarray:
    """(T, 3) unit axis, to the person's right, about which a limb bends.

    Args:
        first, second: (T, 3) segment directions whose cross product is that axis.
        bone: (T, 3, 3) world_from_bone of the upper segment, in which the axis is about constant.
    """
    normal = np.cross(first, second)
    sine = np.linalg.norm(normal, axis=1)
    own = np.einsum("tji,tj->ti", bone, normal)  # weighted by the sine: bent frames count
    fixed = _unit(own.sum(axis=0))
    learned = np.einsum("tij,j->ti", bone, fixed)
    bend = np.arctan2(sine, np.einsum("ti,ti->t", first, second))
    trust = np.clip((bend - _STRAIGHT) / (_BENT - _STRAIGHT), 0.0, 1.0)[:, None]
    axis = trust * normal / np.maximum(sine, 1e-9)[:, None] + (1.0 - trust) * learned
    return _unit(axis)


def _aimed(direction: np.ndarray, across: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(T, 3, 3) world_from_body that points the body's own offset (3,) along direction, its z to the right."""
    world = _triad(direction, across)
    body = _triad(own[None], np.array([[0.0, 0.0, 1.0]]))[0]
    return world @ body.T


def _triad(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """(T, 3, 3) columns: along, square to it, third."""
    first = _unit(along)
    third = _unit(across - first * np.einsum("ti,ti->t", across, first)[:, None])
    return np.stack([first, np.cross(third, first), third], axis=-1)


def _offset(geometry: SkeletonGeometry, child: str) -> np.ndarray:
    """(3,) m from a limb body's parent to it, along the chain of bodies that share the parent's origin."""
    i = body_index(child)
    return (geometry.parent_from_joint[i] @ np.linalg.inv(geometry.body_from_joint[i]))[:3, 3]


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)
