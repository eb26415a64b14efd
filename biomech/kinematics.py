"""Coordinates to body frames, through OpenSim's own realizePosition.

Shapes: B poses, D coordinates, N bodies, M landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import body_index
from biomech.errors import ModelError
from biomech.geometry import SkeletonGeometry
from biomech.model import OpenSimHandle, SpineModel


@dataclass(frozen=True, slots=True, eq=False)
class BodyFrames:
    """Where every body is, for a batch of poses."""

    world_from_body: np.ndarray  # (B, N, 4, 4) m
    bodies: tuple[str, ...]

    def of(self, body: str) -> np.ndarray:
        """world_from_body of one body by name, (B, 4, 4)."""
        if body not in self.bodies:
            raise ModelError(f"no body {body!r} here; known ones are {', '.join(self.bodies)}")
        return self.world_from_body[:, self.bodies.index(body)]

    def __repr__(self) -> str:
        return f"BodyFrames(B={self.world_from_body.shape[0]}, N={len(self.bodies)})"


def check_coordinates(q: np.ndarray, count: int) -> np.ndarray:
    """q as float64 (B, count).

    Raises:
        ModelError: another shape, or a value that is not finite; the message names the row and column.
    """
    values = np.asarray(q, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != count:
        raise ModelError(
            f"coordinates of shape {values.shape} given; wanted (B, {count}): one row per pose, q[None] for one"
        )
    if not np.isfinite(values).all():
        row, column = (int(k) for k in np.argwhere(~np.isfinite(values))[0])
        raise ModelError(
            f"coordinate column {column} of pose {row} is {values[row, column]}; every angle must be finite"
        )
    return values


def forward_kinematics(model: SpineModel, q: np.ndarray) -> BodyFrames:
    """Frames of all bodies for each pose, computed by OpenSim.

    Args:
        q: (B, D) rad and m, in the order of model.coordinates. Ranges are not applied here.

    Raises:
        ModelError: wrong shape or a value that is not finite.
    """
    return BodyFrames(replayed(model.handle, q), model.bodies)


def replayed(handle: OpenSimHandle, q: np.ndarray) -> np.ndarray:
    """(B, N, 4, 4) m: world_from_body of every body, in the order of BODIES, for poses of a model loaded in OpenSim.

    Args:
        q: (B, D) rad and m, in the order of COORDINATES.

    Raises:
        ModelError: wrong shape or a value that is not finite.
    """
    values = check_coordinates(q, len(handle.q_of_coordinate))
    state, system_model, bodies = handle.state, handle.model, handle.bodies
    vector = handle.opensim.Vector.createFromMat
    generalised = np.zeros((values.shape[0], values.shape[1]))
    generalised[:, handle.q_of_coordinate] = values
    frames = np.zeros((len(values), len(bodies), 4, 4))
    frames[..., 3, 3] = 1.0
    for b, row in enumerate(generalised):
        state.setQ(vector(row))
        system_model.realizePosition(state)
        numbers: list[float] = []
        for body in bodies:
            # the bindings hand out no whole matrix, so element by element; a list is quicker to fill than an array
            frame = body.getTransformInGround(state)
            element = frame.R().asMat33().get
            p = frame.p().get
            numbers += (
                element(0, 0), element(0, 1), element(0, 2), p(0),
                element(1, 0), element(1, 1), element(1, 2), p(1),
                element(2, 0), element(2, 1), element(2, 2), p(2),
            )  # fmt: skip
        frames[b, :, :3] = np.array(numbers).reshape(len(bodies), 3, 4)
    return frames


def landmarks_world(model: SpineModel, frames: BodyFrames) -> np.ndarray:
    """(B, M, 3) m: the landmarks of model.geometry, in their order, in the world."""
    return points_in_world(model.geometry, frames.world_from_body)


def points_in_world(geometry: SkeletonGeometry, world_from_body: np.ndarray) -> np.ndarray:
    """(B, M, 3) m: landmarks of a geometry carried by frames (B, N, 4, 4)."""
    rows = [body_index(landmark.body) for landmark in geometry.landmarks]
    local = np.array([landmark.location for landmark in geometry.landmarks]).reshape(-1, 3)  # (M, 3)
    frames = world_from_body[:, rows]  # (B, M, 4, 4)
    return np.einsum("bmij,mj->bmi", frames[..., :3, :3], local) + frames[..., :3, 3]
