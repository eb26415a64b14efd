"""How much of a person an object hides, before anything is drawn: a small depth map of its surface, seen from the eye.

Shape legend: M points of an object's surface, N points of a person, C cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from scenes.objects import Solid
from scenes.objects.solid import spread

_CELLS = 84
_MOST_POINTS = 4000
_EYE_NEAR = 0.05
_FOLIAGE = 60  # sheets of leaves, unlike those of nets, lie behind one another


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """(M, 3) float32 points spread over an object's surface, and the share of it that is not see-through."""

    points: np.ndarray
    cover: np.ndarray


@lru_cache(maxsize=512)
def shape_of(solid: Solid) -> Shape:
    """Points of a solid, remembered per solid; see-through sheets count by the mean of their alpha."""
    covers = []
    for group in solid.groups:
        texture = group.material.texture
        alpha = 1.0
        if group.material.cutout and texture is not None and texture.shape[2] == 4:
            alpha = float((texture[..., 3] > 127).mean())
        layers = 3 if len(group.faces) > _FOLIAGE else 1
        covers.append(1.0 - (1.0 - alpha) ** layers)
    points, groups = spread(solid, _MOST_POINTS)
    return Shape(points.astype(np.float32), np.array(covers, np.float32)[groups])


def evenly(points: np.ndarray, most: int, cell: float = 0.05) -> np.ndarray:
    """At most about `most` of (N, 3) points, one per `cell` m cube, so that hands and faces, full of vertices, count no
    more than their size."""
    few = points[:: max(1, len(points) // 6000)]
    cells = np.floor((few - few.min(0)) / cell).astype(np.int64)
    _, first = np.unique((cells[:, 0] * 65536 + cells[:, 1]) * 65536 + cells[:, 2], return_index=True)
    return few[np.sort(first)][:: max(1, len(first) // most)].astype(np.float32)


def view_axes(eye: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(3, 3) rows right, down, forward of a level camera at `eye` that looks at `target`."""
    forward = np.asarray(target, float) - eye
    forward = forward / max(float(np.linalg.norm(forward)), 1e-9)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    length = float(np.linalg.norm(right))
    right = right / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    return np.stack([right, np.cross(forward, right), forward])


def hidden_shares(
    shape: Shape, place: np.ndarray, people: Sequence[np.ndarray], eye: np.ndarray, axes: np.ndarray
) -> list[float]:
    """The share of each person's (N, 3) points that lie behind the object at the (4, 4) `place`, seen from `eye`."""
    world = shape.points @ place[:3, :3].T + place[:3, 3]
    seen = (world - eye) @ axes.T
    ahead = seen[:, 2] > _EYE_NEAR
    if not ahead.any():
        return [0.0] * len(people)
    flat, depth, cover = seen[ahead, :2] / seen[ahead, 2:], seen[ahead, 2], shape.cover[ahead]
    shares = []
    for points in people:
        at = (points - eye) @ axes.T
        front = at[:, 2] > _EYE_NEAR
        if not front.any():
            shares.append(0.0)
            continue
        spot = at[:, :2] / np.maximum(at[:, 2:], _EYE_NEAR)
        low, high = spot[front].min(0), spot[front].max(0)
        cell = float((high - low).max()) / _CELLS + 1e-9
        where = np.floor((flat - low) / cell).astype(int) + 1
        size = (_CELLS + 3, _CELLS + 3)
        held = ((where >= 0) & (where < size[0])).all(1) & (depth < np.median(at[front, 2]) + 0.6)
        if not held.any():
            shares.append(0.0)
            continue
        nearest, opaque = np.full(size, np.inf, np.float32), np.zeros(size, np.float32)
        np.minimum.at(nearest, (where[held, 1], where[held, 0]), depth[held])
        np.maximum.at(opaque, (where[held, 1], where[held, 0]), cover[held])
        # close the gaps between samples, no wider than a cell
        closed = cv2.morphologyEx(opaque, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        front_most = cv2.erode(nearest, np.ones((3, 3), np.uint8))
        cells = np.clip(np.floor((spot - low) / cell).astype(int) + 1, 0, _CELLS + 2)
        behind = front & (front_most[cells[:, 1], cells[:, 0]] < at[:, 2])
        shares.append(float((closed[cells[:, 1], cells[:, 0]] * behind).mean()))
    return shares
