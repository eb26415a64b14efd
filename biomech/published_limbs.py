"""Pelvis, legs and arms of a published model as coordinates of ours.

Coordinates with the same meaning are copied; the pelvis and the upper arms are taken from how their bodies have turned
since the upright stance, so that other conventions (three Euler angles, a left side that is not mirrored) come out
right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.errors import ModelError
from biomech.published_joints import frames_along, zxy_angles
from biomech.published_levels import LevelEntry, nearest
from biomech.published_mapping import COLUMN, ModelMapping
from biomech.published_source import ModelSource


@dataclass(frozen=True, slots=True, eq=False)
class Limbs:
    """What of the limbs a model has.

    Attributes:
        pelvis: body, "" for none.
        hips: (3,) m, midpoint of the hip joints in the pelvis body; None where it has no legs.
        coordinates: ours -> (index of theirs, sign).
        arms: side -> upper arm body.
        thorax: the body that carries T1, which the arms are compared with.
    """

    pelvis: str
    hips: np.ndarray | None
    coordinates: dict[str, tuple[int, float]]
    arms: dict[str, str]
    thorax: str


def make_limbs(source: ModelSource, mapping: ModelMapping, entries: list[LevelEntry]) -> tuple[Limbs, list[str]]:
    """The limbs of a map that this model has, and notes on those it lacks.

    Raises:
        ModelError: a map of the user's own names something the model does not have.
    """
    lost: list[str] = []
    coordinates: dict[str, tuple[int, float]] = {}
    for ours, (theirs, sign) in mapping.coordinates.items():
        if theirs in source.names:
            coordinates[ours] = (source.names.index(theirs), sign)
        elif mapping.lenient:
            lost.append(ours)
        else:
            raise ModelError(
                f"the map {mapping.name!r} takes {ours} from {theirs!r}, which {source.path.name} does not have"
                f"{nearest(theirs, source.names)}"
            )
    thorax = _carrier(source, mapping, "T1") or entries[-1].lower
    named = [("pelvis", mapping.pelvis), *((f"arm {s}", b) for s, b in mapping.arms.items())]
    gone = [(what, body) for what, body in named if body and body not in source.bodies]
    if gone and not mapping.lenient:
        what, body = gone[0]
        raise ModelError(
            f"the map {mapping.name!r} takes {what} from the body {body!r}, which {source.path.name} does not have"
            f"{nearest(body, source.bodies)}"
        )
    lost += [what for what, _ in gone]
    arms = {side: body for side, body in mapping.arms.items() if body in source.bodies}
    pelvis = mapping.pelvis if mapping.pelvis in source.bodies else ""
    limbs = Limbs(pelvis, _hips(source, pelvis), coordinates, arms, thorax)
    return limbs, [f"not in this model, left at 0: {', '.join(lost)}"] if lost else []


def _carrier(source: ModelSource, mapping: ModelMapping, bone: str) -> str:
    k = COLUMN.index(bone)
    for (first, last), names in mapping.bodies.items():
        if first <= k <= last:
            return next((n for n in names if n in source.bodies), "")
    return ""


def _hips(source: ModelSource, pelvis: str) -> np.ndarray | None:
    centres = [
        j.parent_from_joint[:3, 3] for j in source.joints if j.parent == pelvis and j.child.lower().startswith("femur")
    ]
    return np.mean(centres, axis=0) if len(centres) == 2 else None


def limb_angles(limbs: Limbs, source: ModelSource, values: np.ndarray, upright: np.ndarray) -> dict[str, np.ndarray]:
    """Our coordinate -> (T,) rad or m, for values (T, D) of the published model."""
    found = {ours: sign * values[:, k] for ours, (k, sign) in limbs.coordinates.items()}
    if limbs.pelvis:
        path = source.path_between("ground", limbs.pelvis)
        now, before = frames_along(path, values), frames_along(path, upright[None])[0]
        angles = zxy_angles(now[:, :3, :3] @ before[:3, :3].T)
        found |= dict(zip(("pelvis_tilt", "pelvis_list", "pelvis_rotation"), angles.T, strict=True))
        if limbs.hips is not None:
            centre = now[:, :3, 3] + now[:, :3, :3] @ limbs.hips
            found |= dict(zip(("pelvis_tx", "pelvis_ty", "pelvis_tz"), centre.T, strict=True))
    for side, body in limbs.arms.items():
        found |= _arm(limbs.thorax, body, side, source, values, upright)
    return found


def _arm(
    thorax: str, body: str, side: str, source: ModelSource, values: np.ndarray, upright: np.ndarray
) -> dict[str, np.ndarray]:
    to_thorax, to_arm = source.path_between("ground", thorax), source.path_between("ground", body)
    now = np.swapaxes(frames_along(to_thorax, values)[:, :3, :3], 1, 2) @ frames_along(to_arm, values)[:, :3, :3]
    base = frames_along(to_thorax, upright[None])[0, :3, :3]
    before = base.T @ frames_along(to_arm, upright[None])[0, :3, :3]
    turned = base @ now @ before.T @ base.T
    if side == "l":  # as in a mirror, so that both sides read alike
        mirror = np.diag([1.0, 1.0, -1.0])
        turned = mirror @ turned @ mirror
    return {f"{name}_{side}": angle for name, angle in swing_and_twist(turned).items()}


def swing_and_twist(turned: np.ndarray) -> dict[str, np.ndarray]:
    """Elevation plane, elevation and rotation (T,) rad of a right arm that has turned by (T, 3, 3) since it hung."""
    along = -turned[:, :, 1]  # where the arm points; hanging: straight down
    elevation = np.arccos(np.clip(-along[:, 1], -1.0, 1.0))
    plane = np.arctan2(along[:, 0], along[:, 2])
    plane = np.where(np.hypot(along[:, 0], along[:, 2]) < 1e-9, 0.0, plane)
    axis = np.stack([-np.cos(plane), np.zeros_like(plane), np.sin(plane)], axis=1)
    half = 0.5 * elevation[:, None]
    w, v = np.cos(half)[:, 0], np.sin(half) * axis
    swing = _from_quaternion(w, v)
    twist = np.swapaxes(swing, 1, 2) @ turned
    rotation = np.arctan2(twist[:, 0, 2], twist[:, 2, 2])
    return {"elv_angle": plane, "shoulder_elv": elevation, "shoulder_rot": rotation}


def _from_quaternion(w: np.ndarray, v: np.ndarray) -> np.ndarray:
    x, y, z = v.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))
