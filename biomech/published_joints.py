"""Joints of a published model evaluated in numpy over whole trajectories, couplers included.

Shapes: T frames, D coordinates of the published model (ModelSource.coordinates).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from biomech.geometry import invert
from biomech.published_source import ModelSource, Movement, SourceJoint

_UNITS = np.eye(3)
_ZXY = (2, 0, 1)


def couple(source: ModelSource, values: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
    """A copy of values (T, D) with every dependent coordinate set by its coupler.

    Args:
        given: (D,) bool, coordinates that somebody set; a coupler whose driver was not set leaves a dependent alone
            that was. None: all couplers act.
    """
    out = np.array(values, dtype=np.float64)
    known = np.ones(out.shape[1], dtype=bool) if given is None else np.array(given, dtype=bool)
    for coupler in source.couplers:
        if known[coupler.driver] or not known[coupler.dependent]:
            out[:, coupler.dependent] = coupler.curve(out[:, coupler.driver])
            known[coupler.dependent] = True
    return out


def amount(movement: Movement, values: np.ndarray) -> np.ndarray:
    """(T,) rad or m of one axis."""
    x = np.zeros(len(values)) if movement.coordinate is None else values[:, movement.coordinate]
    return movement.curve(x)


def turned(joint: SourceJoint, values: np.ndarray) -> np.ndarray:
    """(T, 3, 3): rotation of the joint."""
    out = np.tile(np.eye(3), (len(values), 1, 1))
    for movement in joint.turns:
        if movement.coordinate is not None or movement.curve.offset != 0.0:
            out = out @ about(movement.axis, amount(movement, values))
    return out


def about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) about a unit axis by angles (T,) rad."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return _UNITS + np.sin(angle)[:, None, None] * cross + (1.0 - np.cos(angle))[:, None, None] * (cross @ cross)


def frames_along(joints: Sequence[SourceJoint], values: np.ndarray) -> np.ndarray:
    """(T, 4, 4): ancestor_from_body over a path of joints, as ModelSource.path_between gives it."""
    out = np.tile(np.eye(4), (len(values), 1, 1))
    for joint in joints:
        motion = np.tile(np.eye(4), (len(values), 1, 1))
        motion[:, :3, :3] = turned(joint, values)
        for slide in joint.slides:
            motion[:, :3, 3] += amount(slide, values)[:, None] * slide.axis
        out = out @ joint.parent_from_joint @ motion @ invert(joint.body_from_joint)
    return out


def plain_moves(
    joints: Sequence[SourceJoint], coordinates: Sequence[int | None]
) -> tuple[tuple[Movement, float] | None, ...] | None:
    """FE, LB and AR movement of a chain that turns about z, then x, then y, each with the direction of its axis.

    None where the chain does anything else: then its amounts are not the angles themselves.
    """
    found: list[tuple[Movement, float] | None] = [None, None, None]
    reached = -1
    for i, joint in enumerate(joints):
        between = ([joint.parent_from_joint] if i else []) + ([joint.body_from_joint] if i + 1 < len(joints) else [])
        if any(not np.allclose(frame[:3, :3], _UNITS, atol=1e-9) for frame in between):
            return None
        for turn in joint.turns:
            if turn.curve.constant and turn.curve.offset == 0.0:
                continue
            axis = next((k for k, unit in enumerate(_ZXY) if abs(abs(turn.axis[unit]) - 1.0) < 1e-6), -1)
            if axis <= reached or turn.coordinate is None or turn.coordinate != coordinates[axis]:
                return None
            if abs(float(turn.curve(np.zeros(1))[0])) > 1e-9:
                return None
            found[axis], reached = (turn, float(np.sign(turn.axis[_ZXY[axis]]))), axis
    return tuple(found)


def zxy_angles(rotation: np.ndarray) -> np.ndarray:
    """(..., 3) rad: FE, LB, AR of rotations (..., 3, 3) = Rz(FE) Rx(LB) Ry(AR)."""
    sine = np.clip(rotation[..., 2, 1], -1.0, 1.0)
    bend = np.arcsin(sine)
    extend = np.arctan2(-rotation[..., 0, 1], rotation[..., 1, 1])
    turn = np.arctan2(-rotation[..., 2, 0], rotation[..., 2, 2])
    return np.stack([extend, bend, turn], axis=-1)


def zxy_matrix(angles: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotations of FE, LB, AR (..., 3) rad."""
    (ca, cb, cc), (sa, sb, sc) = np.moveaxis(np.cos(angles), -1, 0), np.moveaxis(np.sin(angles), -1, 0)
    rows = [
        [ca * cc - sa * sb * sc, -sa * cb, ca * sc + sa * sb * cc],
        [sa * cc + ca * sb * sc, ca * cb, sa * sc - ca * sb * cc],
        [-cb * sc, sb, cb * cc],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))
