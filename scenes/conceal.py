"""No skin through cloth: hide what cloth covers, push in what lies just beneath it.

Everything happens at rest, once per subject; skinning carries the result.
"""

from functools import cached_property

import numpy as np
import scipy.sparse
from scipy.spatial import cKDTree

from scenes.layers import vertex_normals

MARGIN = 0.005  # m kept between skin and the cloth over it
DEEPEST = 0.022  # m, the most a vertex is pushed in
COVER_REACH = 0.05  # m, cloth further off than this does not count as covering
SKIRT_REACH = 0.13  # m, the same for skirts, which hang free
RIM = 0.035  # m from a garment's edge within which covered skin stays visible, for views up a sleeve
SHOE_RIM = 0.018  # m, the same for shoes, which nobody looks into but which bend most
RIM_KEPT = 0.015  # m from the edge within which skin is kept even where the item asks to hide it


RIM_SEEN = 0.04  # m, how far from an open edge its distance is told


class Surface:
    """A garment of which nearest-point questions are asked.

    Attributes:
        vertices: (V, 3) m; faces: (F, 3), outside counter-clockwise.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self.vertices, self.faces = vertices, faces

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray]:
        """(E, 2) vertices of each edge, and how many faces use it."""
        sides = np.sort(self.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).astype(np.int64), axis=1)
        span = int(self.faces.max()) + 1
        keys, count = np.unique(sides[:, 0] * span + sides[:, 1], return_counts=True)
        return np.stack(np.divmod(keys, span), 1), count

    @cached_property
    def open_edges(self) -> np.ndarray:
        """Vertices on the border of the surface (edges that only one face uses)."""
        edges, count = self._edges
        return np.unique(edges[count == 1])

    def _summed(self, values: np.ndarray) -> np.ndarray:
        """(V, C) values of the vertices -> (S, C) their sums at vertices (one each), edges (two) and faces (three)."""
        edges, _ = self._edges
        return np.concatenate([values, values[edges].sum(1), values[self.faces].sum(1)])

    @cached_property
    def samples(self) -> np.ndarray:
        """(S, 3) vertices, edge midpoints and face centres: dense enough for nearest-point questions."""
        corners = np.repeat([1.0, 2.0, 3.0], [len(self.vertices), len(self._edges[0]), len(self.faces)])
        return self._summed(self.vertices) / corners[:, None]

    @cached_property
    def tree(self) -> cKDTree:
        """Of the samples."""
        # Few questions are asked of each garment, so what takes the least time to grow answers soonest.
        return cKDTree(self.samples, leafsize=32, balanced_tree=False, compact_nodes=False)

    @cached_property
    def normals(self) -> np.ndarray:
        """(S, 3) unit normals of the samples."""
        normals = self._summed(vertex_normals(self.vertices, self.faces))
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)

    def from_rim(self, points: np.ndarray) -> np.ndarray:
        """(N,) distance of (N, 3) points to the open edge, m; +inf further off than RIM_SEEN or where there is none."""
        return self._rim.query(points, distance_upper_bound=RIM_SEEN)[0]

    @cached_property
    def _rim(self) -> cKDTree:
        return cKDTree(self.vertices[self.open_edges], balanced_tree=False, compact_nodes=False)


def cover(
    points: np.ndarray, normals: np.ndarray, garment: Surface, reach: float = COVER_REACH
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How a garment lies over skin.

    Args:
        points: (N, 3) skin vertices, m; normals: (N, 3) unit.
        reach: cloth further off than this does not count, m.

    Returns:
        gap (N,): cloth above the skin along its normal, m, negative where skin pierces; +inf where not covered.
        covered (N,) bool.
        from_rim (N,): distance to the garment's open edge, m; +inf far from it and where not covered.
    """
    distance, nearest = garment.tree.query(points, distance_upper_bound=reach)
    found = np.flatnonzero(np.isfinite(distance))
    height = np.einsum("nc,nc->n", garment.samples[nearest[found]] - points[found], normals[found])
    sideways = np.sqrt(np.maximum(distance[found] ** 2 - height**2, 0.0))
    over = (sideways < np.maximum(0.014, 0.8 * np.abs(height))) & (height > -DEEPEST)
    under, height = found[over], height[over]
    gap, from_rim = np.full((2, len(points)), np.inf)
    gap[under], from_rim[under] = height, garment.from_rim(points[under])
    return gap, np.isfinite(gap), from_rim


def push_in(
    points: np.ndarray,
    normals: np.ndarray,
    neighbours: scipy.sparse.csr_matrix,
    gap: np.ndarray,
    from_rim: np.ndarray,
) -> np.ndarray:
    """Move covered skin inwards until `MARGIN` lies between it and the cloth, less so at the garment's edge."""
    taper = np.clip(from_rim / 0.02, 0.25, 1.0)
    need = np.clip(MARGIN * taper - gap, 0.0, DEEPEST)
    need[~np.isfinite(gap)] = 0.0
    # Smooth outwards only: a vertex never moves less than it needs to.
    spread = need
    for _ in range(2):
        spread = np.maximum(need, 0.5 * (spread + neighbours @ spread))
    spread = np.where(np.isfinite(gap), spread, np.minimum(spread, 0.002))
    return points - spread[:, None] * normals


def tuck(points: np.ndarray, garment: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Move an inner item's vertices to the inside of a garment worn over it.

    Told by the garment's own normals, since an inner item has linings and collars whose normals point anywhere.

    Returns:
        moved points (N, 3), and (N,) bool: lies under the garment, well away from its edge.
    """
    moved = points.copy()
    below = np.zeros(len(points), bool)
    for _ in range(2):  # moving in changes which cloth is nearest
        distance, nearest = garment.tree.query(moved, distance_upper_bound=0.035)
        found = np.flatnonzero(np.isfinite(distance))
        cloth, outward = garment.samples[nearest[found]], garment.normals[nearest[found]]
        away = moved[found] - cloth
        height = np.einsum("nc,nc->n", away, outward)
        sideways = np.linalg.norm(away - height[:, None] * outward, axis=1)
        beside = sideways < np.maximum(0.008, 0.5 * np.abs(height))
        need = np.where(beside, np.clip(height + MARGIN, 0.0, 0.035), 0.0)
        # Cloth has faces of a few centimetres. What hangs out below a hem has its nearest cloth on the hem.
        here = sideways < np.maximum(0.020, 0.8 * np.abs(height))
        below[found[here]] |= garment.from_rim(cloth[here]) > RIM_KEPT
        moved[found] -= need[:, None] * outward
    return moved, below
