"""One model prepared for posing one body at a time: quick forward kinematics, limb geometry, soles, mass centre.

`biomech.kinematics` is the reference (OpenSim) and batched; posing asks for a few frames of a single pose many times
over, where the cost is per call, so the tree is unrolled here. A test holds the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, sin
from weakref import WeakKeyDictionary

import numpy as np

from biomech.anatomy import BODIES, COORDINATES, JOINTS, PARENTS, VERTEBRAE, read_table
from biomech.collision import CapsulePairs, capsule_pairs
from biomech.errors import ModelError
from biomech.inverse_legs import ArmGeometry, LegGeometry, arm_geometry, joint_offset, leg_geometry
from biomech.model import SpineModel
from biomech.osim_xml import body_masses

_CHILDREN = tuple(enumerate(PARENTS))[1:]
_EYE = np.eye(3)
_HAND = 0.015  # half the thickness of a hand over stature


@dataclass(frozen=True, slots=True, eq=False)
class Sole:
    """The sole of one foot: contact points and the flat pose of calcn."""

    heel: np.ndarray  # (3,) in calcn, m
    mtp: np.ndarray  # (3,) toe joint in calcn, m
    ball_height: float  # height of the toe joint above the floor when the toes lie flat, m
    flat: np.ndarray  # (3, 3) calcn in a frame with the sole on y = 0 and the foot along x
    height: float  # height of the calcn origin above the floor when flat, m
    rise: float  # pitch of the sole line in calcn, rad


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """What the pose generators need of a SpineModel."""

    index: dict[str, int]  # coordinate name -> place in q
    rows: dict[str, int]  # body name -> row of its frame
    hard: np.ndarray  # (D, 2)
    bounds: tuple[tuple[float, float], ...]  # (D) the same as Python numbers
    typical: np.ndarray  # (D, 2)
    legs: dict[str, LegGeometry]
    arms: dict[str, ArmGeometry]
    soles: dict[str, Sole]
    pairs: CapsulePairs
    mass: np.ndarray  # (N,) fraction of body mass
    centre: np.ndarray  # (N, 3) segment mass centres in their body, m
    stature: float
    joint_rot: np.ndarray  # (N, 4, 4) parent_from_joint
    child_rot: np.ndarray  # (N, 4, 4) inverse of body_from_joint
    turn_index: np.ndarray  # (N, 3) place in q of each turn
    turn_slope: np.ndarray  # (N, 3), 0 for none
    turn_k: np.ndarray  # (N, 3, 3, 3) cross-product matrix of each turn's axis
    turn_k2: np.ndarray  # (N, 3, 3, 3) its square


_RIGS: WeakKeyDictionary[SpineModel, Rig] = WeakKeyDictionary()


def rig_of(model: SpineModel) -> Rig:
    """The rig of a SpineModel, kept as long as the model is."""
    if model not in _RIGS:
        _RIGS[model] = _build(model)
    return _RIGS[model]


def frames_of(rig: Rig, q: np.ndarray) -> np.ndarray:
    """world_from_body (N, 4, 4) of one pose q (D,)."""
    local = _parent_from_body(rig, q, slice(None))
    local[0, :3, 3] += q[3:6]  # the pelvis slides along the axes of the world
    world = np.empty_like(local)
    frames, steps = list(world), list(local)  # views: indexing costs as much as the product
    world[0] = local[0]
    for child, parent in _CHILDREN:
        np.dot(frames[parent], steps[child], out=frames[child])
    return world


def frame_along(rig: Rig, q: np.ndarray, frames: np.ndarray, bodies: tuple[int, ...]) -> np.ndarray:
    """world_from_body (4, 4) of the last of some bodies (rows), each the parent of the next, in pose q (D,).

    Args:
        frames: (N, 4, 4) of a pose that differs from q in the joints of these bodies and beyond at most.
    """
    frame = frames[PARENTS[bodies[0]]]
    for step in _parent_from_body(rig, q, list(bodies)):
        frame = frame @ step
    return frame


def _parent_from_body(rig: Rig, q: np.ndarray, rows: slice | list[int]) -> np.ndarray:
    """(n, 4, 4) of some bodies; that of the pelvis is turned alone."""
    angle = q[rig.turn_index[rows]] * rig.turn_slope[rows]
    s, c = np.sin(angle)[..., None, None], (1.0 - np.cos(angle))[..., None, None]
    r = _EYE + s * rig.turn_k[rows] + c * rig.turn_k2[rows]
    joint = np.zeros((len(r), 4, 4))
    joint[:, :3, :3] = r[:, 0] @ r[:, 1] @ r[:, 2]
    joint[:, 3, 3] = 1.0
    return rig.joint_rot[rows] @ joint @ rig.child_rot[rows]


def pelvis_of(q: np.ndarray) -> np.ndarray:
    """world_from_pelvis (4, 4)."""
    tilt, lean, turn, x, y, z = q[:6].tolist()
    ca, cb, cc, sa, sb, sc = cos(tilt), cos(lean), cos(turn), sin(tilt), sin(lean), sin(turn)
    return np.array(  # about z, then x, then y
        [
            [ca * cc - sa * sb * sc, -sa * cb, ca * sc + sa * sb * cc, x],
            [sa * cc + ca * sb * sc, ca * cb, sa * sc - ca * sb * cc, y],
            [-cb * sc, sb, cb * cc, z],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def mass_centre(rig: Rig, world: np.ndarray) -> np.ndarray:
    """Centre of mass (3,) m of a pose given its frames (N, 4, 4)."""
    points = np.einsum("nij,nj->ni", world[:, :3, :3], rig.centre) + world[:, :3, 3]
    return rig.mass @ points


def _build(model: SpineModel) -> Rig:
    if tuple(model.coordinates) != COORDINATES:
        raise ModelError("Activities pose the default skeleton only; this model has other coordinates.")
    geometry = model.geometry
    index = {name: i for i, name in enumerate(COORDINATES)}
    turn_index = np.zeros((len(BODIES), 3), dtype=np.intp)
    slope, axis = np.zeros((len(BODIES), 3)), np.zeros((len(BODIES), 3, 3))
    for row, joint in enumerate(JOINTS):
        for j, turn in enumerate(joint.turns):
            turn_index[row, j], slope[row, j], axis[row, j] = index[turn.coordinate], turn.slope, turn.axis
    k = np.zeros((len(BODIES), 3, 3, 3))
    x, y, z = np.moveaxis(axis / np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-12), -1, 0)
    k[..., 0, 1], k[..., 0, 2], k[..., 1, 2] = -z, y, -x
    k[..., 1, 0], k[..., 2, 0], k[..., 2, 1] = z, -y, x
    legs = {s: leg_geometry(geometry, BODIES, s) for s in "rl"}
    mass, centre = _masses(geometry)
    return Rig(
        index=index,
        rows={name: i for i, name in enumerate(BODIES)},
        hard=np.asarray(model.hard, dtype=float),
        bounds=tuple((float(low), float(high)) for low, high in model.hard),
        typical=np.asarray(model.typical, dtype=float),
        legs=legs,
        arms={s: arm_geometry(geometry, BODIES, s) for s in "rl"},
        soles={s: _sole(geometry, s) for s in "rl"},
        pairs=_flat_hands(capsule_pairs(geometry.capsules, BODIES), float(geometry.stature)),
        mass=mass,
        centre=centre,
        stature=float(geometry.stature),
        joint_rot=np.asarray(geometry.parent_from_joint, dtype=float),
        child_rot=np.linalg.inv(geometry.body_from_joint),
        turn_index=turn_index,
        turn_slope=slope,
        turn_k=k,
        turn_k2=k @ k,
    )


def _flat_hands(pairs: CapsulePairs, stature: float) -> CapsulePairs:
    """A capsule fitted to the width of a hand would hold it off all it touches: make it as thick as the hand."""
    hands = np.isin(pairs.body, [BODIES.index(f"hand_{s}") for s in "rl"])
    return replace(pairs, radius=np.where(hands, np.minimum(pairs.radius, _HAND * stature), pairs.radius))


def _sole(geometry, side: str) -> Sole:
    found = {mark.name: np.asarray(mark.location, dtype=float) for mark in geometry.landmarks}
    missing = [n for n in (f"sole_heel_{side}", f"sole_ball_{side}") if n not in found]
    if missing:
        raise ModelError(f"Geometry has no landmark {', '.join(missing)}; feet cannot be planted without soles.")
    mtp = joint_offset(geometry, BODIES, f"toes_{side}")[:3, 3]
    heel, ball = found[f"sole_heel_{side}"], mtp + found[f"sole_ball_{side}"]
    rise = float(np.arctan2(ball[1] - heel[1], ball[0] - heel[0]))  # sole line in calcn; pitch it back to level
    c, s = np.cos(-rise), np.sin(-rise)
    flat = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    height = -float((flat @ heel)[1])
    return Sole(heel, mtp, height + float((flat @ mtp)[1]), flat, height, rise)


def _masses(geometry) -> tuple[np.ndarray, np.ndarray]:
    """Mass fractions (N,) and mass centres (N, 3) in each body."""
    mass = body_masses(geometry)
    rows = {row["body"]: row for row in read_table("segment_centres")}
    child = {b: joint_offset(geometry, BODIES, BODIES[i])[:3, 3] for i, b in _distal()}
    centre = np.zeros((len(BODIES), 3))
    neutral = geometry.neutral_frames()
    for i, body in enumerate(BODIES):
        row = rows.get(_centre_key(body))
        if row is None:
            continue
        if row["unit"] == "child offset":
            centre[i] = float(row["along"]) * child[body]
        else:  # along the pelvis axes, as the body stands in the neutral pose
            offset = np.array([float(row["forward"]), float(row["along"]), 0.0]) * geometry.stature
            centre[i] = neutral[i, :3, :3].T @ offset
    return mass / mass.sum(), centre


def _distal() -> list[tuple[int, str]]:
    nexts = {"femur": "tibia", "tibia": "talus", "humerus": "ulna", "ulna": "hand", "radius": "hand"}
    return [(BODIES.index(f"{b}_{s}"), f"{a}_{s}") for a, b in nexts.items() for s in "rl"]


def _centre_key(body: str) -> str:
    if body in VERTEBRAE:
        return {"L": "lumbar", "T": "thoracic", "C": "cervical"}[body[0]]
    stem = body.rpartition("_")[0] or body
    return {"ulna": "forearm", "radius": "forearm", "talus": "foot", "calcn": "foot"}.get(stem, stem)
