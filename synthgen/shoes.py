"""Toes and heels of somebody in shoes: a narrow shoe is drawn over a foot that would stick out of it.

The foot inside is not drawn, so a toe or heel outside the shoe would be a label beside the picture of the foot. Whether
it is outside tells the solid angle of the whole shoe: the nearest vertex's normal says little at an edge or on a
coarse mesh, and takes a heel between sole and shaft for one outside.

Shape legend: K keypoints, V vertices of a shoe, F faces.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from biomech.geometry import invert
from scenes.layers import Layer
from scenes.subject import Subject
from synthgen.annotate import Anchors
from synthgen.keypoints import KeypointSchema

REACH = 0.04
"""A toe or heel farther than this from a shoe is not in it, m."""

INSIDE = 0.5
"""Least part of all directions in which a point inside a shoe has shoe about it; the opening takes a few hundredths."""


def shod(anchors: Anchors, subject: Subject, layers: Iterable[Layer], schema: KeypointSchema) -> Anchors:
    """Anchors of somebody in shoes: a toe or heel that a narrow shoe would leave outside lies on the shoe instead."""
    feet = [k for k, name in enumerate(schema.names) if "toe" in name or "heel" in name]
    locations, vertices = anchors.locations.copy(), anchors.vertices.copy()
    for layer in layers:
        if layer.kind != "shoe":
            continue
        corners = layer.vertices[layer.smooth_faces]
        for k in feet:
            point = subject.vertices[anchors.vertices[k]]
            if enclosed(point, corners) >= INSIDE:
                continue
            on_shoe = nearest_on(point, corners)
            if np.linalg.norm(on_shoe - point) > REACH:
                continue
            from_rest = invert(subject.skeleton.rest_world_from_body[anchors.rows[k]])
            locations[k] = from_rest[:3, :3] @ on_shoe + from_rest[:3, 3]
            vertices[k] = -1  # carried by its bone, as the shoe nearly is
    return replace(anchors, locations=locations, vertices=vertices)


def enclosed(point: np.ndarray, corners: np.ndarray) -> float:
    """Part of all directions in which a surface lies about a point: 1 inside a closed one, 0 outside.

    Args:
        corners: (F, 3, 3) m, of faces counter-clockwise from outside. Van Oosterom and Strackee's solid angles.
    """
    away = corners - point
    far = np.linalg.norm(away, axis=2)  # (F, 3)
    (a, b, c), (fa, fb, fc) = away.transpose(1, 0, 2), far.T
    volume = np.einsum("fi,fi->f", a, np.cross(b, c))
    ab, bc, ca = (np.einsum("fi,fi->f", *pair) for pair in ((a, b), (b, c), (c, a)))
    return float(np.arctan2(volume, fa * fb * fc + ab * fc + bc * fa + ca * fb).sum() / (2 * np.pi))


def nearest_on(point: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(3,) m, the point of triangles (F, 3, 3) nearest to a point: within one of them or on a side."""
    sides = np.roll(corners, -1, axis=1) - corners
    along = np.einsum("fsi,fsi->fs", point - corners, sides) / np.maximum(np.einsum("fsi,fsi->fs", sides, sides), 1e-18)
    found = (corners + np.clip(along, 0, 1)[..., None] * sides).reshape(-1, 3)
    normals = np.cross(sides[:, 0], sides[:, 1])
    within = (np.einsum("fsi,fsi->fs", np.cross(sides, point - corners), normals[:, None]) > 0).all(1)
    normals, firsts = normals[within], corners[within, 0]
    height = np.einsum("fi,fi->f", point - firsts, normals) / np.einsum("fi,fi->f", normals, normals)
    found = np.concatenate([found, point - height[:, None] * normals])
    nearest: np.ndarray = found[np.linalg.norm(found - point, axis=1).argmin()]
    return nearest
