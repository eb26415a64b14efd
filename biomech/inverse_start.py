"""Where an inverse problem starts: the trunk laid rigidly on its targets, then solutions carried along time.

Shapes: T frames, K targets, D = len(COORDINATES).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from biomech.anatomy import BODIES, COORDINATES, JOINTS, SIDES, SPINE_BODIES
from biomech.geometry import SkeletonGeometry
from biomech.limits import Limits

_PELVIS, _TRUNK, _LIMB = 1.0, 0.1, 0.003
"""How much a body says about where the pelvis is: itself, a spine that bends, a limb that swings."""


def rigid_start(
    geometry: SkeletonGeometry,
    targets: np.ndarray,
    bodies: tuple[str, ...],
    locations: np.ndarray,
    weights: np.ndarray,
    limits: Limits,
) -> np.ndarray:
    """(T, D): neutral pose, the pelvis placed by a weighted rigid fit (Kabsch 1976) of all points to the targets.

    Frames with fewer than three targets start where the frame before them does.
    """
    frames = geometry.neutral_frames()
    rows = [BODIES.index(body) for body in bodies]
    model = np.einsum("kij,kj->ki", frames[rows, :3, :3], locations) + frames[rows, :3, 3]  # (K, 3)
    trust = weights * np.array([_trust(body, location) for body, location in zip(bodies, locations, strict=True)])
    seen = np.isfinite(targets).all(axis=-1) & (trust > 0.0)
    share = np.where(seen, trust, 0.0)
    total = np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
    share = share / total
    there = np.where(seen[..., None], targets, 0.0)
    middle = np.einsum("tk,tkx->tx", share, there)
    own = share @ model
    spread = np.einsum("tk,tkx,tky->txy", share, there - middle[:, None], model - own[:, None])
    u, _, vt = np.linalg.svd(spread)
    sign = np.ones((len(targets), 3))
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = (u * sign[:, None, :]) @ vt
    q = np.tile(np.clip(0.0, limits.hard[:, 0], limits.hard[:, 1]), (len(targets), 1))
    root = [COORDINATES.index(name) for name in JOINTS[0].coordinates]
    q[:, root] = np.concatenate([pelvis_angles(rotation), middle - np.einsum("tij,tj->ti", rotation, own)], axis=1)
    for t in np.flatnonzero(seen.sum(axis=1) < 3):
        usable = np.flatnonzero(seen.sum(axis=1) >= 3)
        q[t] = q[usable[np.abs(usable - t).argmin()]]
    return q


def _trust(body: str, location: np.ndarray) -> float:
    at_hip = body.startswith("femur") and float(np.linalg.norm(location)) < 0.02
    if body in ("pelvis", "sacrum") or at_hip:
        return _PELVIS
    return _TRUNK if body in SPINE_BODIES else _LIMB


def pelvis_angles(rotation: np.ndarray) -> np.ndarray:
    """Tilt, list and rotation (T, 3) rad of rotations (T, 3, 3): R = Rz(tilt) Rx(list) Ry(rotation)."""
    return np.stack(
        [
            np.arctan2(-rotation[:, 0, 1], rotation[:, 1, 1]),
            np.arcsin(np.clip(rotation[:, 2, 1], -1.0, 1.0)),
            np.arctan2(-rotation[:, 2, 0], rotation[:, 2, 2]),
        ],
        axis=1,
    )


Solver = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(frame indices (n,), start of every frame (T, D)) -> coordinates (n, D) and cost by frame and arm side (n, 3)."""

_ARM_PLANES = (0.8, -0.8, 1.9)
"""Planes of elevation to try, rad: forward and outward, backward, across the chest. A hanging arm has no plane, so a
search that starts from it may not find the side it swings to."""
_ARM_RAISED = 0.5  # rad, away from the hanging arm for the same reason
_BENT = {"elbow_flexion": 0.6, "knee_angle": 0.3}  # rad: a straight hinge may fold the wrong way, against its limit
_SWEEPS = 3  # how many neighbours a good solution may travel each way


def along_time(base: np.ndarray, stride: int, run: Solver) -> np.ndarray:
    """(T, D): a start for every frame, from solutions on every `stride`-th frame and on the last.

    Each of those is solved from several arm positions, keeping the better for each arm, then again from its
    neighbours' solutions where these fit much better than its own.
    """
    keys = np.unique(np.append(np.arange(0, len(base), stride), len(base) - 1))
    best, cost = from_arm_planes(base, keys, run)
    for step in (1, -1) * _SWEEPS:
        neighbour = np.clip(np.arange(len(keys)) + step, 0, len(keys) - 1)
        poor = np.flatnonzero(cost[:, 0] > 1.5 * cost[neighbour, 0] + 1e-6)
        if len(poor):
            start = base.copy()
            start[keys[poor]] = best[neighbour[poor]]
            again, price = run(keys[poor], start)
            better = price[:, 0] < cost[poor, 0]
            best[poor[better]], cost[poor[better]] = again[better], price[better]
    best = unwrap(best)
    out = np.empty_like(base)
    for column in range(base.shape[1]):
        out[:, column] = np.interp(np.arange(len(base)), keys, best[:, column])
    return out


def from_arm_planes(base: np.ndarray, keys: np.ndarray, run: Solver) -> tuple[np.ndarray, np.ndarray]:
    """Solutions (n, D) and costs (n, 3) of some frames, each arm from the plane that suits it best."""
    arms = [np.array([i for i, name in enumerate(COORDINATES) if _of_arm(name, side)]) for side in SIDES]
    best, cost = run(keys, _raised(base, _ARM_PLANES[0]))
    if not cost[:, 1:].any():
        return best, cost
    mixed, price = best.copy(), cost.copy()
    for plane in _ARM_PLANES[1:]:
        again, other = run(keys, _raised(base, plane))
        for k, columns in enumerate(arms):
            better = other[:, 1 + k] < 0.98 * price[:, 1 + k]
            mixed[np.ix_(better, columns)] = again[np.ix_(better, columns)]
            price[better, 1 + k] = other[better, 1 + k]
    changed = np.flatnonzero((mixed != best).any(axis=1))
    if len(changed):
        start = base.copy()
        start[keys[changed]] = mixed[changed]
        again, other = run(keys[changed], start)
        better = other[:, 0] < cost[changed, 0]
        best[changed[better]], cost[changed[better]] = again[better], other[better]
    return best, cost


def _of_arm(coordinate: str, side: str) -> bool:
    return coordinate.endswith(f"_{side}") and coordinate[:-2] in (
        "clav_prot", "clav_elev", "elv_angle", "shoulder_elv", "shoulder_rot", "elbow_flexion", "pro_sup", "wrist_flex",
        "wrist_dev",
    )  # fmt: skip


def _raised(base: np.ndarray, plane: float) -> np.ndarray:
    """The starting pose with raised arms and bent hinges."""
    out = base.copy()
    for side in SIDES:
        out[:, COORDINATES.index(f"elv_angle_{side}")] = plane
        out[:, COORDINATES.index(f"shoulder_elv_{side}")] = _ARM_RAISED
        for hinge, angle in _BENT.items():
            out[:, COORDINATES.index(f"{hinge}_{side}")] = angle
    return out


def unwrap(q: np.ndarray) -> np.ndarray:
    """Coordinates (T, D) with the pelvis angles continuous in time; they have no range to stay in."""
    out = q.copy()
    turns = [COORDINATES.index(name) for name in dict.fromkeys(turn.coordinate for turn in JOINTS[0].turns)]
    out[:, turns] = np.unwrap(q[:, turns], axis=0)
    return out
