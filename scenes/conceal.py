"""No skin through cloth: hide what cloth covers, push in what lies just beneath it.

Everything happens at rest, once per subject; skinning carries the result.
"""

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


def open_edges(faces: np.ndarray) -> np.ndarray:
    """Vertices on the border of a surface (edges that only one face uses)."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1).astype(np.int64)
    keys, count = np.unique(edges[:, 0] * (faces.max() + 1) + edges[:, 1], return_counts=True)
    single = keys[count == 1]
    return np.unique(np.concatenate([single // (faces.max() + 1), single % (faces.max() + 1)]))


def surface_points(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Vertices, edge midpoints and face centres: a sample of the surface dense enough for nearest-point questions."""
    corners = vertices[faces]
    middles = 0.5 * (corners + corners[:, [1, 2, 0]])
    return np.concatenate([vertices, middles.reshape(-1, 3), corners.mean(1)])


def cover(
    points: np.ndarray, normals: np.ndarray, garment: np.ndarray, faces: np.ndarray, reach: float = COVER_REACH
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How a garment lies over skin.

    Args:
        points: (N, 3) skin vertices, m; normals: (N, 3) unit.
        garment: (V, 3) m; faces: (F, 3).
        reach: cloth further off than this does not count, m.

    Returns:
        gap (N,): cloth above the skin along its normal, m, negative where skin pierces; +inf where not covered.
        covered (N,) bool.
        from_rim (N,): distance to the garment's open edge, m; large where it has none.
    """
    samples = surface_points(garment, faces)
    distance, nearest = cKDTree(samples).query(points, distance_upper_bound=reach)
    found = np.isfinite(distance)
    away = np.zeros_like(points)
    away[found] = samples[nearest[found]] - points[found]
    height = np.einsum("nc,nc->n", away, normals)
    sideways = np.sqrt(np.maximum(distance**2 - height**2, 0.0), where=found, out=np.full(len(points), np.inf))
    covered = found & (sideways < np.maximum(0.014, 0.8 * np.abs(height))) & (height > -DEEPEST)
    rim = open_edges(faces)
    from_rim = np.full(len(points), 1.0)
    if len(rim):
        from_rim = cKDTree(garment[rim]).query(points)[0]
    return np.where(covered, height, np.inf), covered, from_rim


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


def tuck(points: np.ndarray, garment: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move an inner item's vertices to the inside of a garment worn over it.

    Told by the garment's own normals, since an inner item has linings and collars whose normals point anywhere.

    Args:
        points: (N, 3) m; garment: (V, 3) m; faces: (F, 3), outside counter-clockwise.

    Returns:
        moved points (N, 3), and (N,) bool: lies under the garment, well away from its edge.
    """
    samples = surface_points(garment, faces)
    normals = vertex_normals(garment, faces)
    corners = normals[faces]
    normals = np.concatenate([normals, (corners + corners[:, [1, 2, 0]]).reshape(-1, 3), corners.sum(1)])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    rim = open_edges(faces)
    from_rim = cKDTree(garment[rim]).query(samples)[0] if len(rim) else np.full(len(samples), 1.0)
    tree = cKDTree(samples)
    moved = points.copy()
    below = np.zeros(len(points), bool)
    for _ in range(2):  # moving in changes which cloth is nearest
        distance, nearest = tree.query(moved, distance_upper_bound=0.035)
        found = np.isfinite(distance)
        away, outward = moved[found] - samples[nearest[found]], normals[nearest[found]]
        height = np.einsum("nc,nc->n", away, outward)
        sideways = np.linalg.norm(away - height[:, None] * outward, axis=1)
        beside = sideways < np.maximum(0.008, 0.5 * np.abs(height))
        need = np.where(beside, np.clip(height + MARGIN, 0.0, 0.035), 0.0)
        # Cloth has faces of a few centimetres. What hangs out below a hem has its nearest cloth on the hem.
        here = sideways < np.maximum(0.020, 0.8 * np.abs(height))
        below[found] |= here & (from_rim[nearest[found]] > RIM_KEPT)
        moved[found] -= need[:, None] * outward
    return moved, below
