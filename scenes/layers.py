"""What a dressed person is made of: skinned surfaces, one draw call each.

Shape legend: V welded vertices, R render vertices (welded vertices split where the texture is cut), F faces, B bones,
Q quads of the base mesh, T texture coordinates of the base mesh.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse

from scenes.renderer import Material

BASE_VERTICES = 19158
"""Vertices of the base mesh, helpers included; bindings of garments refer to them."""

SKIN_VERTICES = 13380
"""The first vertices of the base mesh are the body; the rest are helpers (eyes, tights, hair, joint cubes)."""

KINDS = ("skin", "cloth", "shoe", "hat", "bag", "hair", "brow", "lash", "eye", "mouth")


class BodyTopology(Protocol):
    """The part of a body asset that dressing needs; constant over subjects (`scenes.body.BodyAsset` is one).

    Attributes:
        template: (19158, 3) m, the neutral adult.
        quads: (Q, 4) base-mesh quads; those of helpers may be among them.
        uv: (T, 2) texture coordinates, origin at the lower left.
        uv_quads: (Q, 4) rows of `uv` for each corner of `quads`.
    """

    @property
    def template(self) -> np.ndarray: ...

    @property
    def quads(self) -> np.ndarray: ...

    @property
    def uv(self) -> np.ndarray: ...

    @property
    def uv_quads(self) -> np.ndarray: ...


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One skinned surface of a dressed subject, at rest.

    Skin the welded vertices, take smooth normals over `smooth_faces`, then expand both with `render_to_welded`.

    Attributes:
        key: unique within the subject, for example "cloth/male_casualsuit02".
        kind: one of KINDS.
        vertices: (V, 3) float64 rest positions, m.
        weights: (V, B) csr, rows sum to one; columns are those of the body weights given to `dress`.
        faces: (F, 3) uint32, render vertices.
        render_to_welded: (R,) int32, the welded vertex of each render vertex.
        uv: (R, 2) float32, origin at the lower left.
        smooth_faces: (G, 3) int32, welded vertices; may hold hidden faces, so that normals stay smooth at their rim.
        material: how it answers light.
        base_vertices: (V,) base-mesh vertex of each welded vertex, for surfaces cut from the base mesh; else None.
    """

    key: str
    kind: str
    vertices: np.ndarray
    weights: scipy.sparse.csr_matrix
    faces: np.ndarray
    render_to_welded: np.ndarray
    uv: np.ndarray
    smooth_faces: np.ndarray
    material: Material
    base_vertices: np.ndarray | None = None


def split_quads(quads: np.ndarray) -> np.ndarray:
    """(Q, 4) -> (2 Q, 3), the two halves of a quad next to each other."""
    return quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


def unweld(faces: np.ndarray, uv_faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give each (vertex, texture coordinate) pair one render vertex.

    Args:
        faces: (F, 3) welded vertices.
        uv_faces: (F, 3) texture coordinates.

    Returns:
        render_to_welded (R,) int32, render_to_uv (R,) int32, render faces (F, 3) uint32.
    """
    span = np.int64(uv_faces.max()) + 1 if uv_faces.size else np.int64(1)
    keys, inverse = np.unique(faces.astype(np.int64) * span + uv_faces, return_inverse=True)
    return (keys // span).astype(np.int32), (keys % span).astype(np.int32), inverse.reshape(-1, 3).astype(np.uint32)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) area-weighted unit normals; a vertex of no face gets zeros."""
    columns = np.ascontiguousarray(faces.T, np.intp)
    corners = [[axis.take(column) for column in columns] for axis in vertices.T]
    (ax, ay, az), (bx, by, bz) = ([axis[k] - axis[0] for axis in corners] for k in (1, 2))
    normals = np.zeros_like(vertices)
    for axis, of_faces in enumerate((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)):
        for column in columns:
            normals[:, axis] += np.bincount(column, of_faces, len(vertices))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def every_corner(flags: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) whether all corners of faces (F, 3) are among the flagged vertices (V,); by columns, numpy's `all` over an
    axis of three takes ten times as long."""
    first, second, third = (flags.take(column) for column in faces.T)
    return first & second & third


def any_corner(flags: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) whether a corner of faces (F, 3) is among the flagged vertices (V,)."""
    return ~every_corner(~flags, faces)


def compact(used: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Renumber the vertices named in `used`: returns kept ids (K,) ascending and a (count,) map, -1 where dropped."""
    named = np.zeros(count, bool)
    for column in used.T:  # a third of the time that numpy takes over all at once
        named[column] = True
    kept = np.flatnonzero(named)
    renumber = np.full(count, -1, np.int32)
    renumber[kept] = np.arange(len(kept), dtype=np.int32)
    return kept, renumber
