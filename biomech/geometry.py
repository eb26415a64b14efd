"""The shape of one skeleton: where joints sit in their bodies, landmarks, capsules.

Every body frame is right-handed, x forward, y up, z right. At zero coordinates the body stands upright with the pelvis
frame as the world: limb frames are aligned with it, spine frames carry the neutral curvature as a turn about z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import BODIES, PARENTS, VERTEBRAE, load_anatomy, read_table
from biomech.errors import ModelError
from biomech.neutral import standing_frames


@dataclass(frozen=True, slots=True, eq=False)
class Landmark:
    """A named point of a body; becomes an OpenSim Marker."""

    name: str
    body: str
    location: np.ndarray  # (3,) m, body frame


@dataclass(frozen=True, slots=True, eq=False)
class Capsule:
    """Rounded segment standing for the flesh of a body, for self-penetration."""

    name: str
    body: str
    start: np.ndarray  # (3,) m, body frame
    end: np.ndarray  # (3,) m, body frame
    radius: float  # m


@dataclass(frozen=True, slots=True, eq=False)
class SkeletonGeometry:
    """Joint placement for the bodies of ``anatomy.BODIES``; N = len(BODIES), row 0 (pelvis on ground) is the identity.

    ``world_from_body[child] = world_from_body[parent] @ parent_from_joint @ J(q) @ inv(body_from_joint)``.
    """

    stature: float  # m
    mass: float  # kg
    sex: str  # "m" or "f"
    age: float  # years
    parent_from_joint: np.ndarray  # (N, 4, 4) m
    body_from_joint: np.ndarray  # (N, 4, 4) m
    landmarks: tuple[Landmark, ...]
    capsules: tuple[Capsule, ...]

    def neutral_frames(self) -> np.ndarray:
        """pelvis_from_body at zero coordinates, (N, 4, 4)."""
        frames = self.parent_from_joint @ invert(self.body_from_joint)
        for i, parent in enumerate(PARENTS):
            if parent >= 0:
                frames[i] = frames[parent] @ frames[i]
        return frames


def invert(frame: np.ndarray) -> np.ndarray:
    """Inverse of rigid transforms (..., 4, 4)."""
    rotation = np.swapaxes(frame[..., :3, :3], -1, -2)
    out = np.zeros_like(frame)
    out[..., :3, :3] = rotation
    out[..., :3, 3] = -(rotation @ frame[..., :3, 3:])[..., 0]
    out[..., 3, 3] = 1.0
    return out


def geometry_from_frames(
    pelvis_from_body: np.ndarray,
    joint_centres: np.ndarray,
    *,
    stature: float,
    mass: float,
    sex: str = "m",
    age: float = 30.0,
    landmarks: tuple[Landmark, ...] = (),
    capsules: tuple[Capsule, ...] = (),
) -> SkeletonGeometry:
    """Geometry of a skeleton standing in its neutral pose, for example one measured in a body mesh.

    Args:
        pelvis_from_body: (N, 4, 4) m, rigid, neutral pose; the pelvis row is the identity.
        joint_centres: (N, 3) m in the pelvis frame, centre of the joint between each body and its parent; row 0 unused.

    The joint axes are those of the child body in the neutral pose.
    """
    count = len(BODIES)
    if pelvis_from_body.shape != (count, 4, 4) or joint_centres.shape != (count, 3):
        raise ModelError(
            f"frames {pelvis_from_body.shape} and joint centres {joint_centres.shape} given; "
            f"wanted ({count}, 4, 4) and ({count}, 3), in the order of anatomy.BODIES"
        )
    if not (np.isfinite(pelvis_from_body).all() and np.isfinite(joint_centres[1:]).all()):
        raise ModelError("neutral frames or joint centres are not finite")
    if not np.allclose(pelvis_from_body[0], np.eye(4), atol=1e-12):
        raise ModelError("the pelvis row of the neutral frames must be the identity: express all frames in the pelvis")
    rotations = pelvis_from_body[:, :3, :3]
    if not np.allclose(rotations @ np.swapaxes(rotations, 1, 2), np.eye(3), atol=1e-8):
        raise ModelError("a neutral frame is not rigid: its rotation is not orthonormal")
    joint = pelvis_from_body.copy()
    joint[1:, :3, 3] = joint_centres[1:]
    parent_from_joint = np.tile(np.eye(4), (count, 1, 1))
    body_from_joint = np.tile(np.eye(4), (count, 1, 1))
    parents = list(PARENTS[1:])
    parent_from_joint[1:] = invert(pelvis_from_body[parents]) @ joint[1:]
    body_from_joint[1:] = invert(pelvis_from_body[1:]) @ joint[1:]
    # the rotations are equal, so their product is exactly this
    body_from_joint[1:, :3, :3] = np.eye(3)
    return SkeletonGeometry(
        float(stature), float(mass), sex, float(age), parent_from_joint, body_from_joint, landmarks, capsules
    )


def default_mass(stature: float, sex: str) -> float:
    """Body mass of a normal build, kg."""
    return load_anatomy()["body_mass_index"][sex].value * stature**2


def default_geometry(stature: float = 1.75, sex: str = "m", age: float = 30.0) -> SkeletonGeometry:
    """Average adult skeleton from ``data/anatomy.csv``, scaled by stature.

    Children differ in proportion: a geometry measured in a body mesh (geometry_from_frames) serves them better.

    Raises:
        ModelError: stature outside 0.4-2.6 m or an unknown sex.
    """
    if not 0.4 <= stature <= 2.6:
        raise ModelError(f"stature {stature} m given; wanted 0.4 to 2.6 m (not cm)")
    if sex not in ("m", "f"):
        raise ModelError(f"sex {sex!r} given; wanted 'm' or 'f'")
    frames, centres = standing_frames(stature)
    landmarks = (*_vertebra_landmarks(stature), *_table_landmarks(stature))
    return geometry_from_frames(
        frames,
        centres,
        stature=stature,
        mass=default_mass(stature, sex),
        sex=sex,
        age=age,
        landmarks=landmarks,
        capsules=_table_capsules(stature),
    )


_TABLE_STATURE = 1.75
"""Stature, m, to which the millimetre rows of the table belong."""


def _vertebra_landmarks(stature: float) -> tuple[Landmark, ...]:
    """Body centre and spinous tip of each vertebra."""
    facts = load_anatomy()
    millimetre = 1e-3 * stature / _TABLE_STATURE
    found = []
    for name in VERTEBRAE:
        tip = np.array([-facts["spinous_back"][name].value, facts["spinous_up"][name].value, 0.0]) * millimetre
        found += [Landmark(f"{name}_centre", name, np.zeros(3)), Landmark(f"{name}_spinous", name, tip)]
    return tuple(found)


def _table_landmarks(stature: float) -> tuple[Landmark, ...]:
    rows = [(row, np.array([float(row[k]) for k in "xyz"]) * stature) for row in read_table("landmarks")]
    return tuple(
        Landmark(_sided(row["name"], side), _sided(row["body"], side), point * mirror)
        for row, point in rows
        for side, mirror in _sides_of(row["name"])
    )


def _table_capsules(stature: float) -> tuple[Capsule, ...]:
    found = []
    for row in read_table("capsules"):
        start, end = (np.array([float(row[f"{end}_{k}"]) for k in "xyz"]) * stature for end in ("start", "end"))
        for side, mirror in _sides_of(row["name"]):
            found.append(
                Capsule(
                    _sided(row["name"], side),
                    _sided(row["body"], side),
                    start * mirror,
                    end * mirror,
                    float(row["radius"]) * stature,
                )
            )
    return tuple(found)


_SIDE_MARK = "_s"
"""Ending of a table name that stands for both sides; the row is written for the right."""


def _sides_of(name: str) -> tuple[tuple[str, np.ndarray], ...]:
    if not name.endswith(_SIDE_MARK):
        return (("", np.ones(3)),)
    return (("r", np.ones(3)), ("l", np.array([1.0, 1.0, -1.0])))


def _sided(name: str, side: str) -> str:
    return f"{name[:-2]}_{side}" if name.endswith(_SIDE_MARK) else name
