"""True rays against the triangles that were drawn: what visibility by depth is compared with.

Moeller and Trumbore's intersection, all in double precision. K rays, F triangles.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scenes.renderer import Camera, MeshPart

EDGE = 1e-9  # by how much of a triangle a ray may miss it: shared edges have no gap
NEAR = 1e-4  # m, behind which a surface counts


class Hits(NamedTuple):
    """First surface on each ray: its depth along the camera's z, m (inf for none), person and part."""

    depth: np.ndarray
    instance: np.ndarray
    part: np.ndarray


def first_hits(parts: Sequence[MeshPart], camera: Camera, points: np.ndarray) -> Hits:
    """What the rays from the camera through `points` (K, 3), world m, meet first."""
    ends = camera.to_camera(points)
    found = Hits(np.full(len(ends), np.inf), np.zeros(len(ends), int), np.zeros(len(ends), int))
    for part in parts:
        _nearest(part, camera, ends, found)
    return found


def _nearest(part: MeshPart, camera: Camera, ends: np.ndarray, found: Hits) -> None:
    # Triangles that no ray can meet are left out once, then those that one cannot for each ray.
    aims = ends[:, :2] / ends[:, 2:]
    faces, corners, low, high = _within(part, camera, aims.min(0), aims.max(0))
    for k, (end, aim) in enumerate(zip(ends, aims, strict=True)):
        near = np.flatnonzero((low <= aim).all(1) & (aim <= high).all(1))
        depth, face, weights = _intersect(end / end[2], corners[near], part.material.double_sided)
        kept = depth > NEAR
        if part.material.cutout and part.material.texture is not None and kept.any():
            kept &= _covered(part, faces[near[face]], weights)
        if kept.any() and depth[kept].min() < found.depth[k]:
            first = near[face[kept][depth[kept].argmin()]]
            found.depth[k] = depth[kept].min()
            found.instance[k] = part.instance_id
            found.part[k] = part.part_id[faces[first, -1]]


def _within(part: MeshPart, camera: Camera, least: np.ndarray, most: np.ndarray):
    """Faces (n, 3) that may show between two corners of the plane z = 1, their corners, and their own bounds there."""
    points = camera.to_camera(part.vertices.astype(float))
    in_front = points[:, 2] > NEAR
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = points[:, :2] / points[:, 2:]
    low = np.where(in_front[:, None], flat, -np.inf)[part.faces].min(1) - 1e-6
    high = np.where(in_front[:, None], flat, np.inf)[part.faces].max(1) + 1e-6
    kept = in_front[part.faces].any(1) & (low <= most).all(1) & (least <= high).all(1)
    faces = part.faces[kept]
    return faces, points[faces], low[kept], high[kept]


def _intersect(ray: np.ndarray, corners: np.ndarray, both_sides: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depths (n,), triangles (n,) and barycentric weights (n, 3) of the hits of a ray from the origin, z of 1.

    A triangle seen from behind is not drawn, unless both its sides are.
    """
    first, along, across = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(ray, across)
    scale = (along * normal).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        u = -(first * normal).sum(1) / scale
        side = np.cross(-first, along)
        v = side @ ray / scale
        depth = (across * side).sum(1) / scale
        facing = (scale != 0) if both_sides else (scale > 0)
        hit = np.flatnonzero(facing & (u >= -EDGE) & (v >= -EDGE) & (u + v <= 1 + EDGE))
    return depth[hit], hit, np.stack([1 - u[hit] - v[hit], u[hit], v[hit]], 1)


def _covered(part: MeshPart, faces: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n,) whether a hit falls on cloth or hair rather than on what its texture cuts out."""
    texture, uv = part.material.texture, part.uv
    assert texture is not None and uv is not None
    if texture.shape[2] < 4:
        return np.ones(len(faces), bool)
    at = (uv[faces] * weights[..., None]).sum(1)
    height, width = texture.shape[:2]
    rows = np.minimum(((1 - at[:, 1]) % 1 * height).astype(int), height - 1)  # the first row is at v = 1
    columns = np.minimum((at[:, 0] % 1 * width).astype(int), width - 1)
    return texture[rows, columns, 3] >= 128
