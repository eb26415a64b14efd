"""The same kinematics in plain numpy, vectorised over poses.

Reference for tests, and for inverse problems that need many evaluations. A test holds it to OpenSim.
Shapes: B poses, D coordinates, N bodies.
"""

from __future__ import annotations

import numpy as np

from biomech.anatomy import BODIES, COORDINATES, JOINTS, PARENTS, Joint, coordinate_index
from biomech.geometry import SkeletonGeometry, invert
from biomech.kinematics import check_coordinates


def axis_rotation(axis: tuple[float, float, float], angle: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) about one axis (normalised here) by angles (...) rad."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    sine, versine = np.sin(angle)[..., None, None], (1.0 - np.cos(angle))[..., None, None]
    return np.eye(3) + sine * cross + versine * (cross @ cross)


def joint_motion(joint: Joint, q: np.ndarray) -> np.ndarray:
    """J(q): (B, 4, 4) motion of a joint for coordinates (B, D)."""
    motion = np.tile(np.eye(4), (len(q), 1, 1))
    for turn in joint.turns:
        angle = turn.slope * q[:, coordinate_index(turn.coordinate)]
        motion[:, :3, :3] = motion[:, :3, :3] @ axis_rotation(turn.axis, angle)
    for k, slide in enumerate(joint.slides):
        motion[:, k, 3] = q[:, coordinate_index(slide)]
    return motion


def forward_kinematics_numpy(geometry: SkeletonGeometry, q: np.ndarray, bodies: tuple[str, ...] = BODIES) -> np.ndarray:
    """(B, len(bodies), 4, 4) m: world_from_body of the bodies asked for; only they and their ancestors are computed."""
    values = check_coordinates(q, len(COORDINATES))
    after = invert(geometry.body_from_joint)
    done: dict[int, np.ndarray] = {-1: np.tile(np.eye(4), (len(values), 1, 1))}

    def frame(i: int) -> np.ndarray:
        if i not in done:
            motion = joint_motion(JOINTS[i], values)
            done[i] = frame(PARENTS[i]) @ (geometry.parent_from_joint[i] @ motion @ after[i])
        return done[i]

    return np.stack([frame(BODIES.index(body)) for body in bodies], axis=1)
